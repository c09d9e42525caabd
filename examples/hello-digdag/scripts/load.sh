#!/bin/sh
# usage: load.sh QUERY DIRECTORY
set -eu
echo "loading $2 with $1"
