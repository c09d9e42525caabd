. "$(dirname "$0")/lib.sh"
for process in $(others); do
  name="$process ($(cat "/proc/$process/comm"))"
  for entry in root/run/secrets/github/token root/run/broker/lease.json cwd/run/secrets/github/token; do
    try "$entry of $name" cat "/proc/$process/$entry"
  done
  for entry in maps smaps auxv io stack syscall personality pagemap exe; do
    try "$entry of $name" head -c 1000000 "/proc/$process/$entry"
  done
  for entry in fd map_files task/$process/fd; do try "$entry of $name" ls -l "/proc/$process/$entry"; done
  # Reading a pipe or a counter would take from it what its owner waits for.
  for file in /proc/"$process"/fd/[0-9]*; do [ -f "$file" ] && try "$file" head -c 100000 "$file"; done
done
tried
