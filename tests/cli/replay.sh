#!/bin/sh
# SPDX-License-Identifier: MIT
# A replay of every readable format, on both heaps, with every touch.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"

expect 0 "$heaptape" fixture --scenario churn --events 500 -o a.etl
for to in tsv htape; do
    expect 0 "$heaptape" convert a.etl -o "a.$to"
done
for in in a.etl a.htape a.tsv; do
    expect 0 "$heaptape" replay "$in" --heap null --json
    grep -o '"digest":"[^"]*"' out >"$in.digest"
done
cmp a.etl.digest a.htape.digest
cmp a.etl.digest a.tsv.digest
expect 0 sh -c "'$heaptape' replay - --heap null <a.htape"

for touch in none first page fill; do
    expect 0 "$heaptape" replay a.htape --touch "$touch"
    prints "a.htape on libc"
    prints "touch $touch"
    prints "ns per operation"
    is_silent err
done
expect 0 "$heaptape" replay a.htape --heap null --touch fill
prints "touch none"

# Blocks older than the trace: reallocs of them are adopted, frees of them left out.
expect 0 "$heaptape" fixture --scenario unknown -o unknown.etl
expect 0 "$heaptape" replay unknown.etl
prints "adopted"
prints "unknown to the trace were left out"

expect 0 "$heaptape" fixture --scenario empty -o empty.etl
expect 0 "$heaptape" replay empty.etl

# Times of single calls.
expect 0 "$heaptape" replay a.htape --latency 1
prints "one call, ns"
prints "One call in 1 was timed"
expect 0 "$heaptape" replay a.htape --latency 10 --json
python3 "$2/tests/cli/check_json.py" out
prints '"latency":{"every":10'
expect 2 "$heaptape" replay a.htape --latency x
says "x is no number"

# Operations of 32-bit code are marked where addresses have 64 bits; none are of other traces.
expect 0 "$heaptape" fixture --scenario churn --events 500 --pointer-size 4 -o narrow.etl
expect 0 "$heaptape" replay narrow.etl --json
cp out narrow.json
python3 - <<'END'
import json
told = json.load(open("narrow.json"))
assert told["operations_32bit"] == sum(told["by_kind"].values()) > 0, told
END
expect 0 "$heaptape" replay narrow.etl
if grep -q '"host_bits":64' narrow.json; then
    prints "operations are of 32-bit code"
fi
expect 0 "$heaptape" fixture --scenario churn --events 500 -o wide.etl
expect 0 "$heaptape" replay wide.etl --json
prints '"operations_32bit":0'
