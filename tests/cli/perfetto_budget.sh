#!/bin/sh
# SPDX-License-Identifier: MIT
# How large a .pftrace gets, and what it then holds: --budget, --full, --split. $2 is the root of the source.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
walk=$2/tests/tools/pftrace_walk.py
pieces=$2/tests/tools/pftrace_pieces.py

size_of() {
    wc -c <"$1" | tr -d ' '
}

"$heaptape" fixture --scenario churn --events 5000 -o a.etl 2>err
"$heaptape" convert a.etl -o folded.tsv 2>err
"$heaptape" convert folded.tsv -o plain.tsv 2>err # as it is read: some more could be folded
# A stack for every alloc and realloc, a new one nearly each time.
python3 -c '
import sys
for number, line in enumerate(sys.stdin):
    fields = line.rstrip("\n").split("\t")
    if fields[4] in ("alloc", "realloc"):
        fields[11] = ",".join(f"module{i}.dll+{number * i + 16:#x}" for i in range(1, 9))
    print("\t".join(fields))
' <plain.tsv >a.tsv

# Within its budget a file loses stacks, dumps and samples, and no total.
"$heaptape" convert a.tsv -o large.pftrace 2>err || fail "$(cat err)"
[ "$(size_of large.pftrace)" -gt 1000000 ] || fail "the trace is small anyway"
"$heaptape" convert a.tsv --budget 1 -o small.pftrace 2>err || fail "$(cat err)"
[ "$(size_of small.pftrace)" -le 1000000 ] || fail "over the budget: $(size_of small.pftrace)"
[ "$(size_of small.pftrace)" -gt 300000 ] || fail "far below the budget: $(size_of small.pftrace)"
says "small.pftrace: will count every event and show the largest reallocs, in at most 1 MB"
grep -q "of [0-9]* reallocs are shown one by one, all are counted; --full" err || fail "$(cat err)"
grep -q "of [0-9,]* call stacks of heaps stand by themselves" err || fail "$(cat err)"
expect 0 "$heaptape" convert a.tsv -o large.pftrace
if grep -q "one by one\|themselves" err; then fail "all is kept: $(cat err)"; fi
python3 -B "$walk" small.pftrace a.tsv >figures || fail "within a budget"
python3 -B "$walk" --text small.pftrace >text
# attribute NAME: its number in small.pftrace.
attribute() {
    grep -A 1 "'winheap.$1'" text | sed -n 's/.*long_value: //p'
}
kept=$(attribute sites_kept)
[ "$kept" -gt 0 ] || fail "no call stack is kept"
[ "$kept" -lt "$(attribute sites_dropped)" ] || fail "$kept call stacks are kept"
for kind in chains blocks; do
    [ "$(attribute ${kind}_kept)" -eq "$(sed -n "s/^$kind //p" figures)" ] || fail "$kind kept"
    [ "$(attribute ${kind}_dropped)" -gt 0 ] || fail "$kind dropped"
done
[ "$(attribute counter_width_ns)" -gt 1 ] || fail "the width of counters"
python3 -B "$2/tests/tools/pftrace_sql.py" small.pftrace "$2/docs/sql" >queries ||
    fail "queries within a budget: $(cat queries)"

# Events of processes past the cap are told.
python3 - >many.tsv <<'PYTHON'
print("time_ns", "pid", "tid", "cpu", "kind", "heap", "address", "size", "old_address", "old_size", "source",
      "stack", sep="\t")
for round in range(60):
    for pid in range(4, 4 * 301, 4):
        print(1000 * round + pid, pid, pid + 1, 0, "alloc", "0x1f0", hex(0x1000 + 64 * round), 8, "", "", "", "", sep="\t")
PYTHON
expect 0 "$heaptape" convert many.tsv -o many.pftrace
says "many.pftrace: 2,640 events of processes past the first 256 are left out; --pid chooses"

# Every event, in one file and in several.
"$heaptape" convert a.tsv --full -o full.pftrace 2>err || fail "$(cat err)"
python3 -B "$walk" full.pftrace a.tsv >figures || fail "every event"
python3 -B "$pieces" a.tsv full.pftrace >found || fail "every event: $(cat found)"
"$heaptape" fixture --scenario churn --events 30000 -o c.etl 2>err
"$heaptape" convert c.etl -o folded.tsv 2>err
"$heaptape" convert folded.tsv -o plain.tsv 2>err
"$heaptape" convert plain.tsv --full --budget 1 -o whole.pftrace 2>err || fail "$(cat err)"
says "whole.pftrace: is over 976.6 KiB and may be slow to open; --split or filters make smaller files"
says "whole.pftrace: will show every event, in 60 bytes or more each"
"$heaptape" convert plain.tsv --full --budget 1 --split -o part.pftrace 2>err || fail "$(cat err)"
says "part.pftrace: will show every event, in 60 bytes or more each, in files of at most 1 MB"
says "files that go on"
if grep -q "slow to open" err; then fail "the files are small: $(cat err)"; fi
[ -f part-2.pftrace ] || fail "one file: $(cat err)"
for part in part*.pftrace; do
    [ "$(size_of "$part")" -le 1000000 ] || fail "$part: over the budget: $(size_of "$part")"
    python3 -B "$2/tests/tools/pftrace_sql.py" "$part" "$2/docs/sql" >queries ||
        fail "queries of $part: $(cat queries)"
done
python3 -B "$pieces" plain.tsv part.pftrace part-?.pftrace >found || fail "in files: $(cat found)"
"$heaptape" convert plain.tsv --full --budget 1 --split -o again.pftrace 2>err || fail "$(cat err)"
cmp part-2.pftrace again-2.pftrace || fail "other bytes"

# Processes that end, pids used twice, heaps destroyed, in several files.
for scenario in heaps modules; do
    "$heaptape" fixture --scenario "$scenario" --events 16000 -o b.etl 2>err
    "$heaptape" convert b.etl -o b.tsv 2>err
    rm -f b*.pftrace
    "$heaptape" convert b.etl --full --budget 1 --split -o b.pftrace 2>err || fail "$(cat err)"
    [ -f b-2.pftrace ] || fail "$scenario: one file"
    python3 -B "$pieces" b.tsv b.pftrace b-?.pftrace >found || fail "$scenario: $(cat found)"
done

expect 2 "$heaptape" convert a.tsv --split -o x.pftrace
says "--split goes with --full"
expect 2 "$heaptape" convert a.tsv --full -o x.tsv
says "tsv has no --full"
expect 2 "$heaptape" convert a.tsv --budget 0 -o x.pftrace
says "expected at least 1"
