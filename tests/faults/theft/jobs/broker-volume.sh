. "$(dirname "$0")/lib.sh"
for file in /run/broker/lease.json /run/broker/lease.json.new; do try "$file" cat "$file"; done
try "any lease.json" sh -c 'files=$(find / -name "lease.json*" 2>/dev/null); [ "$files" ] || { echo "there is none" >&2; exit 1; }; cat $files'
tried
