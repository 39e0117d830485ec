#!/bin/sh
# SPDX-License-Identifier: MIT
# Replays on Windows' heaps, as Wine has them: every one says whose it is, and its figures are those
# of the recording where they have to be. $3 is the folder of the libraries in tests/heaps.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/../cli/common.sh"
linux=$2
libraries=$3
whose="Wine [0-9.]*, not Microsoft's"

# matches EXPRESSION: a line that the last command printed does.
matches() {
    grep -q -- "$1" out || fail "expected \"$1\" in: $(cat out)"
}

expect 0 "$heaptape" heaps
for name in win32 win32-lfh win32-no-lfh libc; do
    matches "^$name  *$whose; .*  asked  "
done
expect 0 "$heaptape" heaps --json
matches "\"name\":\"win32\".*\"version\":\"$whose; LFH not asked for, answer [0-9]\".*\"own_heaps\":true"

expect 0 "$linux" fixture --scenario churn --events 4000 -o a.etl
expect 0 "$linux" convert a.etl -o a.htape
expect 0 "$linux" replay a.htape --json
grep -o '"digest":"[^"]*"' out >digest

# Both columns of the text are the same but where the heap decides.
expect 0 "$heaptape" replay a.htape --touch fill
matches "^a.htape on win32 ($whose; LFH not asked for, answer [0-9]), touch fill$"
matches "^  peak live bytes  *\([0-9,]*\)  *\1$"
matches "^  live bytes at end  *\([0-9,]*\)  *\1$"
matches "^  reallocs in place  *[0-9,]*  *[1-9][0-9,]*$"
matches "^  reallocs moved  *[0-9,]*  *[1-9][0-9,]*$"
matches "^  resident growth  *[1-9]"
prints "This is what HeapWalk says of the heaps replayed on"

# The walk over the heap finds the live bytes, and nothing before the first.
for name in win32 win32-lfh win32-no-lfh; do
    expect 0 "$heaptape" replay a.htape --heap $name --metrics --json
    matches "\"heap_version\":\"$whose; LFH "
    grep -qF "$(cat digest)" out || fail "$name: another digest"
    python3 - <<'END'
import json
told = json.load(open("out"))
account, recorded, here = told["account"], told["recorded"], told["replayed"]
assert account["source"] == "HeapWalk" and account["scope"] == "the heaps replayed on", account
assert here["peak_bytes"] == recorded["peak_bytes"] == account["at_peak"]["busy"] > 0, told
assert here["end_bytes"] == recorded["end_bytes"] == account["at_end"]["busy"] > 0, told
assert account["before"]["busy"] == 0, account
for figures in account["before"], account["at_peak"], account["at_end"]:
    parts = figures["busy"] + figures["free"] + figures["overhead"]
    held = figures["committed"] + figures["outside_regions"]
    assert held - 4096 <= parts <= held + 4096, figures
    assert figures["largest_free"] <= figures["free"], figures
assert here["failed_allocs"] == here["failed_reallocs"] == here["skipped"] == 0, here
assert here["in_place"] + here["moved"] == recorded["in_place"] + recorded["moved"] > 0, told
resident = told["resident"]
assert resident["source"] == "WorkingSetSize of GetProcessMemoryInfo", resident
assert "peak_growth_bytes" not in resident, resident
measured = told["metrics"]["replayed"]
assert measured["resident_source"] == resident["source"], measured
assert measured["mapped_source"] == "VirtualQuery, all that is not free", measured
assert not measured["has_usable"], "HeapSize says what was asked for"
END
done

# Blocks over the largest that lies in a region have memory of their own.
printf 'malloc(4000000) = 0x1000000\nrealloc(0x1000000, 9000000) = 0x2000000\n' >large.txt
expect 0 "$linux" fixture --from large.txt -o large.etl
expect 0 "$heaptape" replay large.etl --json
matches '"at_end":{"committed":[0-9]*,"uncommitted":[0-9]*,"outside_regions":9[0-9]*,"busy":9000000,'

# Each recorded heap has one of its own, and blocks go back to the heap they are from.
expect 0 "$linux" fixture --scenario heaps --events 3000 -o heaps.etl
expect 0 "$heaptape" replay heaps.etl
prints "recorded heaps, each on a heap of its own"
expect 0 "$heaptape" replay heaps.etl --latency 1
prints "One call in 1 was timed"

# Blocks older than the trace, threads, recorded times, a trace in parts, another policy.
expect 0 "$linux" fixture --scenario unknown -o unknown.etl
expect 0 "$heaptape" replay unknown.etl
prints "adopted"
for order in "causal --workers 3" "timed --speed 1000"; do
    # shellcheck disable=SC2086  # words
    expect 0 "$heaptape" replay a.htape --heap win32-no-lfh --order $order
    matches "^  live bytes at end  *\([0-9,]*\)  *\1$"
done
expect 0 "$linux" fixture --scenario churn --events 900000 -o long.etl
expect 0 "$heaptape" replay long.etl --plan-memory 8M --json
matches '"is_in_parts":true'
matches '"is_whole":true'
expect 0 "$heaptape" replay a.htape --what-if realloc=copy --json
matches '"key":"in_place"\|"in_place"'
expect 0 "$heaptape" replay a.htape --report page.html --timeline a.pftrace
for file in page.html a.pftrace; do
    grep -aq "Wine [0-9.]*, not Microsoft" $file || fail "$file does not say whose heap it is"
done

# A comparison: each run in a process of its own, the file's name begins with a dash.
cp a.htape ./-a.htape
expect 0 "$heaptape" compare --heap win32 --heap win32-lfh --heap null --runs 4 \
    --heap-env 'A=b "c\' --heap-env 'B=d\\" ' -- -a.htape
matches "^  win32: $whose; LFH not asked for, answer [0-9], 4 runs$"
matches "^  win32-lfh: $whose; LFH asked for, answer [0-9], 4 runs$"
expect 0 "$heaptape" compare a.htape --heap win32 --runs 2 --csv
matches "^win32,\"*$whose"

# Libraries by their paths, with either slash; one that ends the process, and some that are no heap.
expect 0 "$heaptape" replay a.htape --heap "$libraries/heap_counting.dll" --heap-env A=b
prints "(heap_counting.dll under Wine"
prints "with A=b"
cp "$libraries/heap_counting.dll" .
expect 0 "$heaptape" replay a.htape --heap '.\heap_counting.dll'
expect 1 "$heaptape" replay a.htape --heap ./no-such.dll
says "./no-such.dll: "
expect 1 "$heaptape" replay a.htape --heap ./a.htape
expect 1 "$heaptape" replay a.htape --heap "$libraries/heap_no_realloc.dll"
says "this library has no realloc"
expect 1 "$heaptape" compare a.htape --heap win32 --heap "$libraries/heap_crashing.dll" --runs 2
says "heap_crashing.dll: the process of a run ended with status 3"
prints "win32: Wine"

# An interrupt ends the replay with the report until then.
expect 1 "$heaptape" replay long.etl --heap "$libraries/heap_interrupting.dll"
prints "interrupted; of the trace"
says "interrupted: this is of the first 65,"
