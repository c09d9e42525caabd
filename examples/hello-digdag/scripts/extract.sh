#!/bin/sh
# usage: extract.sh DAY DIRECTORY
set -eu
mkdir -p "$2"
echo "extracting orders and refunds of $1 into $2"
