. "$(dirname "$0")/lib.sh"
files=$(find / \( -path /proc -o -path /sys \) -prune -o -type f -perm /6000 -print 2>/dev/null)
[ "$files" ] || echo "REFUSED set-user-id file: there is none"
for file in $files; do
  for process in $(others); do try "memory of $process through $file" "$file" -p -c "'$thief' mem $process"; done
done
for program in sudo su mount newuidmap pkexec; do try "$program" "$program" -n id </dev/null; done
tried
