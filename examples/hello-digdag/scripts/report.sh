#!/bin/sh
# usage: report.sh QUERY DAY
set -eu
echo "report of $2 from $1"
