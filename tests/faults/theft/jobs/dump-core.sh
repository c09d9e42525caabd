. "$(dirname "$0")/lib.sh"
process=$(supervisor)
prlimit --pid "$process" --core=unlimited && echo "READ limit of core dumps"
ls -ld "/proc/$process/cwd/." >/dev/null 2>&1 || echo "REFUSED working directory of the supervisor: it cannot even be seen"
tried
sleep 1
kill -ABRT "$process"
sleep 20
