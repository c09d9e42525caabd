. "$(dirname "$0")/lib.sh"
for process in /proc/[0-9]*; do
  [ -e "$process/cmdline" ] && tr '\0' ' ' <"$process/cmdline" 2>/dev/null | look
done
echo "REFUSED command lines: there is no secret in any"
tried
