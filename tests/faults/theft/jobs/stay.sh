# stay.sh WAY: a process that stays behind.
. "$(dirname "$0")/lib.sh"
"$thief" stay "$1" </dev/null >/dev/null && tried
