. "$(dirname "$0")/lib.sh"
search() { find / \( -path /proc -o -path /sys \) -prune -o -type f -size -2M -readable -print0 2>/dev/null | xargs -0 grep -haoE -- "$PATTERN"; }
search 2>/dev/null | look
closed=$(find / \( -path /proc -o -path /sys \) -prune -o ! -readable -print 2>/dev/null | wc -l)
echo "REFUSED files: nothing in any that can be read; $closed files and directories cannot"
tried
