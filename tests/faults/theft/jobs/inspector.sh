. "$(dirname "$0")/lib.sh"
kill -USR1 "$(supervisor)"
sleep 1
for port in 9229 9230; do try "debugger on port $port" inspect "$port" leaseKey; done
tried
