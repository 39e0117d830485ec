#!/bin/sh
# SPDX-License-Identifier: MIT
# Perfetto's own trace_processor opens what is written, finds nothing wrong with it, and answers every
# query of docs/sql as our own reading of the file does. Skipped where it or Node.js is missing:
# tools/install-trace-processor gets it.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/cli/with_stacks.sh
. "$(dirname "$0")/with_stacks.sh"
tools=$2/tests/tools
engine=$2/build/trace-processor
if [ ! -f "$engine/trace_processor.wasm" ] || ! command -v node >/dev/null; then
    echo "SKIPPED: needs Node.js and the files of tools/install-trace-processor"
    exit 77
fi
mkdir sql
cp "$2"/docs/sql/*.sql sql

# ask FILE QUERY.sql...: trace_processor's answers go to `theirs`, the views loaded first.
ask() {
    trace=$1
    shift
    node "$tools/trace_processor.mjs" "$engine" "$trace" sql/winheap.sql "$@" >out 2>err
    sed 1d out >theirs
}

# agree NAME FILE: both give the same rows to every query, so the importer's errors are none.
agree() {
    python3 -B "$tools/pftrace_sql.py" "$2" sql >ours || fail "$1: $(cat ours)"
    # shellcheck disable=SC2046  # names without spaces
    ask "$2" $(find sql -name '[0-9i]*.sql' | sort) || fail "$1: $(cat err)"
    diff ours theirs >differences || fail "$1: $(cat differences)"
}

for scenario in empty one heaps reuse unknown lost wow64 kinds; do
    "$heaptape" fixture --scenario "$scenario" --events 300 -o a.etl 2>err
    "$heaptape" convert a.etl -o a.tsv 2>err
    with_stacks <a.tsv >stacks.tsv
    "$heaptape" convert stacks.tsv -o stacks.pftrace 2>err
    agree "$scenario" stacks.pftrace
    "$heaptape" convert stacks.tsv --full -o stacks.pftrace 2>err
    agree "every event of $scenario" stacks.pftrace
done

# A pid used twice: Perfetto 55 gives the first process's heap profiles to the second, 58 does not.
# So those queries are left out here.
# shellcheck disable=SC2046  # names without spaces
rm $(grep -l heap_profile sql/[0-9i]*.sql)
"$heaptape" fixture --scenario modules --events 300 -o a.etl 2>err
"$heaptape" convert a.etl -o a.pftrace 2>err
agree modules a.pftrace
[ "$(grep -c 4242 theirs)" -ge 2 ] || fail "one process for two of the same pid: $(cat theirs)"

# What is no trace is an error.
echo "no trace" >a.pftrace
expect 1 node "$tools/trace_processor.mjs" "$engine" a.pftrace
