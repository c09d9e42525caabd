# What a thief found that stayed behind.
. "$(dirname "$0")/lib.sh"
found=$("$thief" collect 2>&1) && found=${found:+STOLEN $found} || found="REFUSED process that stayed behind: $found"
echo "${found:-REFUSED secret of the other job: the process that stayed behind has seen none}"
tried
