#!/bin/sh
# SPDX-License-Identifier: MIT
# The filters: which events each leaves, on every command that reads a trace.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"

# Thread 12 makes 0x1000 and 0x2000; thread 13 makes 0x3000, resizes 0x2000, frees 0x1000.
{
    printf 'time_ns\tpid\ttid\tcpu\tkind\theap\taddress\tsize\told_address\told_size\tsource\tstack\n'
    printf '0\t8\t12\t0\tcreate\t0x1f0\t\t0\t\t\t\t\n'
    printf '1000000\t8\t12\t0\talloc\t0x1f0\t0x1000\t100\t\t\t\t\n'
    printf '2000000\t8\t12\t0\talloc\t0x1f0\t0x2000\t50\t\t\t\t\n'
    printf '3000000\t8\t13\t0\talloc\t0x2f0\t0x3000\t200\t\t\t\t\n'
    printf '4000000\t8\t13\t0\trealloc\t0x1f0\t0x4000\t500\t0x2000\t50\t\t\n'
    printf '5000000\t8\t13\t0\tfree\t0x1f0\t0x1000\t\t\t\t\t\n'
    printf '6000000\t9\t14\t0\talloc\t0x1f0\t0x5000\t100\t\t\t\t\n'
    printf '7000000\t8\t12\t0\tfree\t0x1f0\t0x9000\t\t\t\t\t\n'
} >a.tsv

# leaves TIMES FILTER...: these events, by their times in ms, are left.
leaves() {
    times=$1
    shift
    expect 0 "$heaptape" convert a.tsv "$@" --to tsv -o -
    left=$(awk 'NR > 1 { printf "%s%d", n++ ? " " : "", $1 / 1000000 }' out)
    [ "$left" = "$times" ] || fail "expected the events at $times, not at $left: $*"
    says "$(echo "$times" | wc -w | tr -d ' ') of 8 events"
}

leaves "6" --pid 9
leaves "0 1 2 3 4 5 6 7" --pid 9 --pid 8
leaves "3" --heap-handle 0x2f0
leaves "1 2 3 6" --kind alloc
leaves "0 4" --kind create --kind realloc
leaves "2 3 4" --from 2ms --until 5ms
leaves "2" --from 0.002s --until 2001us
leaves "7" --from 7000000ns
leaves "" --until=-1s
leaves "0" --until 1us
# Blocks are followed, whichever thread ends them; the free of what was never made is nobody's.
leaves "0 1 2 4 5" --tid 12
leaves "3 4" --tid 13
leaves "0 1 3 4 5 6" --min-size 100
leaves "0 1 2 4 5 6" --max-size 100
leaves "0 2 4" --max-size 0x40
leaves "0 1 5 6" --min-size 100 --max-size 100
leaves "4" --max-size 64 --kind realloc
# Following begins with the range of time.
leaves "4" --tid 12 --from 2ms --until 4000001ns --kind realloc
leaves "" --tid 12 --from 3ms --until 7ms
leaves "1 2 5" --pid 8 --tid 12 --heap-handle 0x1f0 --kind alloc --kind free

# The result says so itself, also after a second time, and its blocks without a beginning count.
expect 0 "$heaptape" convert a.tsv --pid 8 -o b.htape
expect 0 "$heaptape" convert b.htape --from 5ms -o c.htape
says "c.htape: 2 of 8 events"
expect 0 "$heaptape" info c.htape
prints "filtered by   --pid 8; --from 5ms, which left out 6 events"
expect 0 "$heaptape" info --json c.htape
prints '"filters":"--pid 8; --from 5ms","left_out":6'
prints '"unknown_blocks":2'
expect 0 "$heaptape" info a.tsv
! grep -q filtered out || fail "a.tsv is not filtered"
expect 0 "$heaptape" info a.tsv --pid 7
prints "heap events   0"
! grep -q wpr out || fail "the recording has heap events"

# Every command reads through them.
expect 0 "$heaptape" info a.tsv --min-size 200 --kind=alloc
prints "heap events   1"
expect 0 "$heaptape" replay a.tsv --heap null --heap-handle 0x1f0 --pid 8 --json
grep -qE '"operations": ?4' out || fail "4 operations: $(cat out)"
expect 0 "$heaptape" compare a.tsv --heap null --runs 1 --until 3ms --json
grep -qE '"operations": ?2' out || fail "2 operations: $(cat out)"

# Names are those of the recording.
expect 0 "$heaptape" fixture --scenario heaps -o h.etl
expect 0 "$heaptape" convert h.etl --process HELPER.exe -o by_name.tsv
expect 0 "$heaptape" convert h.etl --pid 8338 -o by_pid.tsv
cmp by_name.tsv by_pid.tsv
[ "$(wc -l <by_pid.tsv)" -gt 100 ] || fail "the helper has events"
expect 0 "$heaptape" convert h.etl --process elper.exe -o none.tsv
[ "$(wc -l <none.tsv)" -eq 1 ] || fail "part of a name is no name"

for bad in --pid=x --pid=4294967296 --heap-handle=0xg --kind=allok --from=2 --from=s --until=1.s \
    --until=9999999999s --from=1sec --process= --min-size=-1; do
    expect 2 "$heaptape" info a.tsv "$bad"
done
expect 2 "$heaptape" info a.tsv --from 2s --until 2s
says "--from is not before --until"
expect 2 "$heaptape" info a.tsv --min-size 2 --max-size 1
says "--min-size is above --max-size"
words=$(for i in $(seq 33); do printf -- '--pid %d ' "$i"; done)
# shellcheck disable=SC2086
expect 2 "$heaptape" info a.tsv $words
says "at most 32 filters"
expect 2 "$heaptape" fixture --scenario heaps --pid 4 -o x.etl
says "there is no option --pid"

# A name that is no text, as it goes into files.
expect 0 "$heaptape" convert h.etl --process "$(printf 'a\377\001')" -o odd.pftrace
python3 "$2/tests/tools/pftrace_walk.py" odd.pftrace >found 2>&1 || fail "$(cat found)"
expect 0 "$heaptape" convert h.etl --process "$(printf 'a\377\001')" -o odd.htape
expect 0 "$heaptape" info odd.htape
prints "filtered by   --process a??,"
