# lease-restart.sh WAY: stops the supervisor, waits until the broker was restarted, and asks for the lease in its place.
. "$(dirname "$0")/lib.sh"
process=$(supervisor)
name=$(beacon)
kill -STOP "$process"
before=$(stat -c %i "$socket")
echo READY
for _ in $(seq 300); do [ "$(stat -c %i "$socket" 2>/dev/null || echo "$before")" != "$before" ] && break; sleep 0.1; done
case $1 in
  wrong-key) hello "a key of the right length" "$name" ",\"key\":\"$(printf '%064d' 0)\"" ;;
  first) hello "no key, first to come" ;;
  late | flooded)
    [ "$1" = flooded ] && { "$thief" flood "$name" 18 & sleep 1; }
    for _ in $(seq 14); do hello "no key, $1" && break; sleep 1; done >"$HOME/answers"
    sort "$HOME/answers" | uniq -c | sort -rn | sed 's/^ *[0-9]* //' ;;
esac
kill -CONT "$process"
sleep 2
tried
