#!/bin/sh
# SPDX-License-Identifier: MIT
# The sample that test_perfetto writes, $1: it keeps the importer's rules, its text is the one that
# was looked through by hand, but for heaptape's version and what follows from that, and the queries
# of docs/sql find in it what is there. Broken in any way that the walker knows of, it is found to
# be.
set -eu
here=$(dirname "$0")
python3 "$here/../tools/pftrace_walk.py" "$1"
python3 "$here/../tools/pftrace_walk.py" --text "$1" |
    sed "s/'heaptape [0-9.]*'/'heaptape X.Y.Z'/; s/\(msb\|lsb\): [0-9]*/\1: N/" |
    diff "$here/perfetto.txt" -
python3 -B "$here/../tools/pftrace_sql.py" "$1" "$here/../../docs/sql" |
    sed 's/heaptape [0-9.]*$/heaptape X.Y.Z/' | diff "$here/perfetto_sql.txt" -
python3 -B "$here/../tools/pftrace_mutate.py" "$1"
