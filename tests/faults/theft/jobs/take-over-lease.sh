# Takes the next registration over the supervisor's own connection, and runs the next job with it.
. "$(dirname "$0")/lib.sh"
steal=$(plant)
place=$(dirname "$steal")
log=$place/log
setsid bash -c '
  jit=$("$1/thief" takeover "$2" "$3" 60 2>"$1/log" | head -n 1) || exit 1
  mkdir "$1/runner" && cp -r /opt/actions-runner/bin "$1/runner/" && ln -s /opt/actions-runner/externals "$1/runner/externals"
  cd "$1/runner" && ACTIONS_RUNNER_INPUT_JITCONFIG=$jit BASH_ENV=$4 bin/Runner.Listener run' \
  - "$place" "$(supervisor)" "$socket" "$steal" </dev/null >/dev/null 2>&1 &
for _ in $(seq 20); do [ -s "$log" ] && break; sleep 0.1; done
case "$(cat "$log")" in
  "the lease is held") echo "READ lease connection" ;;
  *) echo "REFUSED lease connection: $(cat "$log")" ;;
esac
tried
