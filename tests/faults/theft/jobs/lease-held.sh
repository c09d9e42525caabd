# While the supervisor holds the lease: without a key, as another and as the supervisor itself; with a made-up key; with nonsense.
. "$(dirname "$0")/lib.sh"
for _ in $(seq 14); do
  hello "no key" && break
  hello "no key, the supervisor's beacon" "$(beacon)" && break
  hello "a key" "$(beacon)" ",\"key\":\"$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')\"" && break
  sleep 0.8
done >"$HOME/answers"
sort -u "$HOME/answers"
for line in '{"type":"ready"}' '{"type":"hello"}' '[]' "$(printf '%0300000d' 0)"; do
  answer=$("$thief" talk "$socket" 1 <<<"$line" 2>&1)
  FINGERPRINT=any look <<<"$answer"
  echo "REFUSED ${line:0:20}: answered with ${#answer} characters"
done
tried
