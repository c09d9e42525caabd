. "$(dirname "$0")/lib.sh"
# What the API server answers holds Secrets in base64.
ask() { AUTHORIZATION=$2 get "$API_SERVER/api/v1/namespaces/$NAMESPACE/$1" | sed -n 's/.*"token": *"\([^"]*\)".*/\1/p' | base64 -d; }
token=$(cat /var/run/secrets/kubernetes.io/serviceaccount/token 2>/dev/null)
for path in secrets secrets/github-credential; do
  try "$path, anonymous" ask "$path" ""
  [ "$token" ] && try "$path, with the service account" ask "$path" "Bearer $token"
done
tried
