# Kills the supervisor, and every later one before it can speak, and asks for the lease in its place.
. "$(dirname "$0")/lib.sh"
cp "$thief" "$HOME/thief"
tried
sleep 1
(
  trap '' HUP TERM INT
  for _ in $(seq 60); do
    for process in $(supervisor); do kill -KILL "$process"; done
    thief=$HOME/thief hello "no key, after the supervisor's death" && break
    sleep 0.2
  done
)
