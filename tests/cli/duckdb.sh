#!/bin/sh
# SPDX-License-Identifier: MIT
# .tsv and .tsv.gz load into DuckDB as they are, and its figures are those of info. Skipped where it or
# Node.js is missing: tools/install-duckdb gets it. $2 is the root of the source.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
duckdb=$2/build/duckdb
if [ ! -f "$duckdb/package" ] || ! command -v node >/dev/null; then
    echo "SKIPPED: needs Node.js and the files of tools/install-duckdb"
    exit 77
fi

for machine in heaps kinds modules lost reuse; do
    "$heaptape" fixture --scenario "$machine" --events 300 -o "$machine.etl" 2>err
    "$heaptape" convert "$machine.etl" -o "$machine.tsv" 2>err
    "$heaptape" convert "$machine.etl" -o "$machine.tsv.gz" 2>err
    "$heaptape" info --json "$machine.etl" >"$machine.json"
done
expect 0 node "$2/tests/tools/duckdb.cjs" "$duckdb" "$2/docs/fleet/duckdb.sql"
is_silent err

python3 - out <<'PYTHON'
import json, sys

answers = [table.split("\n") for table in open(sys.argv[1]).read().strip().split("\n\n")]
did, left, sites = [[line.split("\t") for line in table[1:]] for table in answers]
assert [row[0] for row in did] == ["heaps", "kinds", "lost", "modules", "reuse"], did
ends = {}
for machine, pid, heap, blocks, size in left:
    ends.setdefault(machine, {})[int(pid), heap] = int(blocks), int(size)
for machine, events, allocs, reallocs, moved, frees in did:
    info = json.load(open(f"{machine}.json"))
    kinds = info["by_kind"]
    told = [info["events"], *(kinds.get(kind, 0) for kind in ("alloc", "realloc"))]
    assert [int(events), int(allocs), int(reallocs)] == told, (machine, events, allocs, reallocs, told)
    assert int(moved) == info["realloc"]["moved"], machine
    assert int(frees) == kinds.get("free", 0), machine
    heaps = {(heap["pid"], heap["handle"]): (heap["end_blocks"], heap["end_bytes"])
             for heap in info["heaps"] if heap["end_blocks"]}
    assert ends.get(machine, {}) == heaps, (machine, ends.get(machine), heaps)
assert len(ends) >= 2 and len(sites) == 5, answers
PYTHON

# The same out of gzipped files.
mv out plain
rm ./*.tsv
sed "s/'\*.tsv'/'*.tsv.gz'/; s/parse_filename(filename, true)/replace(parse_filename(filename, true), '.tsv', '')/" \
    "$2/docs/fleet/duckdb.sql" >gz.sql
expect 0 node "$2/tests/tools/duckdb.cjs" "$duckdb" gz.sql
cmp out plain || fail "other rows out of .tsv.gz"
