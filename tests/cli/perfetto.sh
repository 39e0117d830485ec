#!/bin/sh
# SPDX-License-Identifier: MIT
# For scenarios of every sort: the .pftrace keeps the rules of Perfetto's importer, its figures add up and
# are those of the events, and the same input gives the same bytes. $2 is the root of the source.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/cli/with_stacks.sh
. "$(dirname "$0")/with_stacks.sh"
walk=$2/tests/tools/pftrace_walk.py

for scenario in empty one lifo churn vectors heaps cpus reuse unknown lost wow64 kinds; do
    "$heaptape" fixture --scenario "$scenario" --events 300 -o a.etl 2>err
    "$heaptape" convert a.etl -o a.tsv 2>err
    "$heaptape" convert a.etl -o a.pftrace 2>err
    python3 "$walk" a.pftrace a.tsv >"$scenario.figures" || fail "$scenario"
    "$heaptape" convert a.etl --to perfetto -o - >again.pftrace 2>err
    cmp a.pftrace again.pftrace || fail "$scenario: other bytes"
    with_stacks <a.tsv >stacks.tsv
    "$heaptape" convert stacks.tsv -o stacks.pftrace 2>err
    python3 "$walk" stacks.pftrace stacks.tsv >"$scenario.stacks" || fail "$scenario with stacks"
done

python3 -B "$2/tests/tools/pftrace_sql.py" stacks.pftrace "$2/docs/sql" >queries ||
    fail "queries: $(cat queries)"
# What the queries say of each call stack is what the events do.
for scenario in vectors heaps churn; do
    "$heaptape" fixture --scenario "$scenario" --events 3000 -o a.etl 2>err
    "$heaptape" convert a.etl -o folded.tsv 2>err
    "$heaptape" convert folded.tsv -o a.tsv 2>err # as it is read: some more could be folded
    with_stacks <a.tsv >stacks.tsv
    "$heaptape" convert stacks.tsv -o stacks.pftrace 2>err
    python3 -B "$2/tests/tools/pftrace_sql.py" stacks.pftrace "$2/docs/sql" >queries 2>&1 ||
        fail "queries: $(cat queries)"
    python3 "$2/tests/tools/by_stack.py" stacks.tsv queries >found 2>&1 || fail "$scenario: $(cat found)"
done
grep -qx "processes 3" heaps.figures || fail "heaps: $(cat heaps.figures)"
grep -q "peak=144 realloc_moved=1 realloc_inplace=1 copied_bytes=64" one.figures ||
    fail "one: $(cat one.figures)"
grep -qx "dumps 4" one.stacks || fail "one with stacks: $(cat one.stacks)"
[ "$(sed -n "s/^dumps //p" heaps.stacks)" -ge 36 ] || fail "heaps with stacks: $(cat heaps.stacks)"
grep -qx "dumps 0" heaps.figures || fail "dumps without stacks"

# Sizes that no process has: they count as 128 TiB, and all still adds up.
for kind in every_kind newer_minor; do
    "$heaptape" convert "$2/tests/fuzz/corpus/compact/$kind.htape" -o a.pftrace 2>err
    python3 -B "$walk" a.pftrace >figures || fail "$kind: $(cat figures)"
    "$heaptape" convert "$2/tests/fuzz/corpus/compact/$kind.htape" --full -o a.pftrace 2>err
    python3 -B "$walk" a.pftrace >figures || fail "every event of $kind: $(cat figures)"
done
