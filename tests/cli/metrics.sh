#!/bin/sh
# SPDX-License-Identifier: MIT
# The metrics of a recording against those that metrics.py makes of the same trace as text, anew for
# every operation; the example of docs/replay.md; what is printed. $2 is the root of the source.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
tools=$2/tests/cli

for scenario in empty one churn comb vectors heaps reuse unknown x86 wow64; do
    expect 0 "$heaptape" fixture --scenario "$scenario" --events 600 -o "$scenario.etl"
    expect 0 "$heaptape" convert "$scenario.etl" -o "$scenario.tsv"
    expect 0 "$heaptape" replay "$scenario.etl" --metrics --json
    is_silent err
    mv out "$scenario.json"
    python3 "$tools/metrics.py" "$scenario.tsv" "$scenario.json" || fail "metrics of $scenario"
done
python3 "$tools/check_json.py" ./*.json

# Marks: all figures at the first operation then or later, in both columns and everywhere.
expect 0 "$heaptape" replay churn.etl --mark 2ms --mark 0 --mark 1500us --json
mv out churn.json
python3 "$tools/metrics.py" churn.tsv churn.json || fail "marks of churn"
python3 - <<'END' || fail "marks"
import json
metrics = json.load(open("churn.json"))["metrics"]
for column in "recorded", "replayed":
    marks = metrics[column]["marks"]
    assert [mark["mark_ns"] for mark in marks] == [0, 1500000, 2000000], marks
    assert all(mark["moment"]["operation"] == mark["look"]["operation"] for mark in marks)
    assert ("resident_bytes" in marks[0]["look"]) == ("resident_source" in metrics[column])
END
expect 0 "$heaptape" replay churn.etl --step 100 --mark 1500us --report page.html --timeline marks.pftrace
prints "mark at 0.001500000 s"
grep -q "At the marks" page.html || fail "the page has no marks"
python3 "$2/tests/tools/pftrace_walk.py" marks.pftrace >walked || fail "$(cat walked)"
expect 1 "$heaptape" replay churn.etl --mark 1h
says "there is no operation at the mark 3600000000000 ns or later"
is_silent out
expect 2 "$heaptape" replay churn.etl --mark soon
says "soon is no time"
marks=$(printf -- '--mark 0 %.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
# shellcheck disable=SC2086
expect 0 "$heaptape" replay churn.etl --step 100 $marks
# shellcheck disable=SC2086
expect 2 "$heaptape" replay churn.etl $marks --mark 0
says "--mark is taken 16 times at most"

{
    printf 'time_ns\tpid\ttid\tcpu\tkind\theap\taddress\tsize\told_address\told_size\tsource\tstack\n'
    printf '%s\t1\t1\t0\t%s\t0x100\t%s\t%s\t%s\t%s\t\t\n' \
        0 alloc 0x10000 1024 '' '' \
        100 alloc 0x10400 3072 '' '' \
        300 alloc 0x11000 4096 '' '' \
        400 free 0x11000 '' '' '' \
        700 realloc 0x20ffe 4098 0x10000 1024 \
        1000 free 0x10400 '' '' ''
} >example.tsv
expect 0 "$heaptape" replay example.tsv --metrics --json
cp out example.json
python3 "$tools/metrics.py" example.tsv example.json || fail "metrics of the example"
for figure in '"f2":1.000' '"f3":1.714' '"f4":1.500' '"retention":1.999' \
    '"doubling_bytes":5122,"doubling_operation":4'; do
    prints "$figure"
done
expect 0 "$heaptape" replay example.tsv --metrics
prints "F3 at the page peak                      1.714"
prints "fragmentation reproduced: "
! grep -q "ns per operation" out || fail "a measured replay is not timed"

# Who pins: two small blocks on pages of their own, by one thread and call stack. So is the first
# block, of full pages only here, which may lie otherwise on the heap.
{
    head -n 1 example.tsv
    printf '0\t1\t%s\t0\talloc\t0x100\t%s\t%s\t\t\t\t%s\n' \
        7 0x10000 65536 app.exe+0x1f0,0x7ff0 7 0x30000 8 app.exe+0x1f0,0x7ff0 \
        7 0x32000 4 app.exe+0x1f0,0x7ff0
} >stacks.tsv
expect 0 "$heaptape" replay stacks.tsv --metrics --json
cp out stacks.json
python3 - <<'END' || fail "who pins"
import json
look = json.load(open("stacks.json"))["metrics"]["recorded"]["at_end"]
assert look["pinning"]["by_thread"] == [
    {"tid": 7, "blocks": 2, "requested_bytes": 12, "pinned_bytes": 8192}
], look
(stack,) = look["pinning"]["by_stack"]
assert stack["frames"] == [{"module": "app.exe", "address": "0x1f0"}, {"address": "0x7ff0"}], look
END
expect 0 "$heaptape" replay stacks.tsv --metrics
prints "thread 7"
prints "      app.exe+0x1f0"
expect 0 sh -c "'$heaptape' replay - --metrics --json <stacks.tsv"
! grep -q frames out || fail "a stream cannot be read again"

expect 1 "$heaptape" replay example.tsv --metrics --heap null
says "metrics: the blocks of heap null are no memory and lie nowhere"
is_silent out

# Sizes that only a damaged recording has cost nothing and are counted.
sed 's/3072/1152921504606846976/' example.tsv >hostile.tsv
expect 0 env ASAN_OPTIONS=allocator_may_return_null=1 "$heaptape" replay hostile.tsv --metrics
prints "left out: over 1 TiB"
expect 0 "$heaptape" replay example.tsv --json
prints '"ns_per_op":'
! grep -q metrics out || fail "metrics that were not asked for"
