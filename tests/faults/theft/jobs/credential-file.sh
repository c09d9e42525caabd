. "$(dirname "$0")/lib.sh"
for file in /run/secrets/github/{token,..data/token,..2*/token} /var/run/secrets/github/token /etc/github/token; do
  try "$file" cat "$file"
done
try "Secret volumes by their mounts" sh -c 'for place in $(grep -oE "/[^ ]*(secret|credential|token)[^ ]*" /proc/self/mountinfo); do cat $place/* && found=1; done; [ "$found" ] || { echo "none is mounted" >&2; exit 1; }'
tried
