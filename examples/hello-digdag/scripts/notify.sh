#!/bin/sh
# usage: notify.sh MESSAGE
set -eu
echo "notify: $1"
