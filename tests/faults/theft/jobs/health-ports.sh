. "$(dirname "$0")/lib.sh"
for address in 127.0.0.1 $POD_ADDRESSES; do
  try "$address:8080" get "http://$address:8080"{/,/livez,/readyz,/metrics,/debug,/env,/token,/jit,/..%2f..%2frun/secrets/github/token}
done
tried
