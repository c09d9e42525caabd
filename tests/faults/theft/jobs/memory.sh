# memory.sh WAY: the memory of the processes that are not this job's.
. "$(dirname "$0")/lib.sh"
for process in $(others); do try "$1 of $process ($(cat "/proc/$process/comm"))" "$thief" "$1" "$process"; done
tried
