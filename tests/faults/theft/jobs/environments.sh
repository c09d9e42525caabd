. "$(dirname "$0")/lib.sh"
try "environment of this job" env
for process in /proc/[0-9]*; do
  [ "$(cat "$process/comm" 2>/dev/null)" ] && try "environment of ${process#/proc/} ($(cat "$process/comm"))" cat "$process/environ"
done
tried
