#!/bin/sh
# SPDX-License-Identifier: MIT
# For every scenario: the .pftrace keeps the rules of Perfetto's importer, its figures add up and
# are those of the events, and the same input gives the same bytes. $2 is the root of the source.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
walk=$2/tests/tools/pftrace_walk.py

"$heaptape" fixture --list >list
while read -r scenario _; do
    "$heaptape" fixture --scenario "$scenario" --events 300 -o a.etl 2>err
    "$heaptape" convert a.etl -o a.tsv 2>err
    "$heaptape" convert a.etl -o a.pftrace 2>err
    python3 "$walk" a.pftrace a.tsv >"$scenario.figures" || fail "$scenario"
    "$heaptape" convert a.etl --to perfetto -o - >again.pftrace 2>err
    cmp a.pftrace again.pftrace || fail "$scenario: other bytes"
done <list

grep -qx "processes 3" heaps.figures || fail "heaps: $(cat heaps.figures)"
grep -q "peak=144 realloc_moved=1 realloc_inplace=1 copied_bytes=64" one.figures ||
    fail "one: $(cat one.figures)"
