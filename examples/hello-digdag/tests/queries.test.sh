#!/bin/sh
# Not uploaded: see .digdagignore.
set -eu
for query in queries/*.sql; do
  grep -q ';' "$query" || { echo "$query does not end a statement" >&2; exit 1; }
done
