# A careless job: it leaves its secret in every place that it can write to. Found by trying, not from a list.
. "$(dirname "$0")/lib.sh"
count=0
while IFS= read -r -d '' directory; do
  printf '%s' "$SECRET" 2>/dev/null >"$directory/.left-behind" && count=$((count + 1))
done < <(find / \( -path /proc -o -path /sys \) -prune -o -type d -writable -print0 2>/dev/null)
for file in /etc/hosts /etc/hostname /etc/resolv.conf /dev/termination-log /root/termination-log /dev/mqueue/left /dev/pts/left; do
  printf '%s' "$SECRET" 2>/dev/null >>"$file" && count=$((count + 1))
done
echo "$count places written"
tried
