#!/bin/sh
# SPDX-License-Identifier: MIT
# reduce: finds the heap and the time that a hand-made trace has its fragmentation from; what it writes has the figures that it tells.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"

# Heap 0x100 has full pages, which come and go: no waste. In heap 0x200 thread 8 makes full pages,
# too, and thread 7, from 2 ms on, 100 blocks of 16 bytes on a page each: 100 * (4096 - 16) bytes.
{
    printf 'time_ns\tpid\ttid\tcpu\tkind\theap\taddress\tsize\told_address\told_size\tsource\tstack\n'
    awk 'BEGIN {
        row = "%d\t1\t%d\t0\t%s\t0x%x\t0x%x\t%s\t\t\t\t\n"
        for (i = 0; i < 1000; i++) {
            printf row, i * 1000, 5, "alloc", 256, 268435456 + 4096 * i, 4096
            if (i % 2)
                printf row, i * 1000 + 1, 5, "free", 256, 268435456 + 4096 * i, ""
        }
        for (i = 0; i < 300; i++)
            printf row, 1000000 + i, 8, "alloc", 512, 805306368 + 8192 * i, 8192
        for (i = 0; i < 100; i++)
            printf row, 2000000 + 10000 * i, 7, "alloc", 512, 1073741824 + 4096 * i, 16
        for (i = 0; i < 500; i++)
            printf row, 3000000 + i, 5, "alloc", 256, 1610612736 + 4096 * i, 4096
        for (i = 0; i < 300; i++)
            printf row, 4000000 + i, 8, "free", 512, 805306368 + 8192 * i, ""
    }'
} >a.tsv

# The heap to blame is left, and what comes after it is not. Its thread 8 and large blocks stay: a
# cut by thread or size would part the blocks of a page.
for metric in f2 f4 retention; do
    expect 0 "$heaptape" reduce a.tsv -o "$metric.htape" --metric "$metric" --tolerance 0
    prints "408,000           408,000"
    prints "no further cut helps"
    cp out "$metric.out"
    says "$metric.htape: 400 of 2,700 events"
    expect 0 "$heaptape" convert "$metric.htape" -o "$metric.tsv"
    [ "$(awk 'NR > 1 && $3 == 7 && $8 == 16' "$metric.tsv" | wc -l)" -eq 100 ] ||
        fail "$metric: expected the blocks of thread 7"
    expect 0 "$heaptape" replay "$metric.htape" --metrics --json
    cp out figures.json
    python3 - <<'END' || fail "the figures of $metric.htape"
import json
recorded = json.load(open("figures.json"))["metrics"]["recorded"]
for moment in ("peak", "page_peak", "end"):
    at = recorded[moment]
    assert at["page_bytes"] - at["live_bytes"] == 408000, recorded
END
    # What it says makes the same part again, and info tells it.
    filters=$(sed -n 's/^  filters: //p' "$metric.out")
    # shellcheck disable=SC2086
    expect 0 "$heaptape" convert a.tsv $filters -o again.htape
    cmp "$metric.htape" again.htape || fail "$metric: $filters make another part"
    expect 0 "$heaptape" info "$metric.htape"
    prints "filtered by   $filters, which left out 2,300 events"
done

# A tolerance allows for less; the figure stays within it.
expect 0 "$heaptape" reduce a.tsv -o some.htape --tolerance 50
kept=$(awk '/page bytes over live/ { gsub(",", ""); print $NF }' out)
{ [ "$kept" -ge 204000 ] && [ "$kept" -lt 408000 ]; } || fail "$kept bytes are not half of 408000"

# Full pages, each of blocks of threads 0 and 1 in turns, and then 38 pages with one small block each.
# Thread 0 alone would seem to waste as much, half of every full page, and is not to be taken for it.
{
    head -n 1 a.tsv
    awk 'BEGIN {
        row = "%d\t1\t%d\t0\talloc\t0x100\t0x%x\t%d\t\t\t\t\n"
        for (i = 0; i < 300; i++)
            printf row, i, i % 2, 65536 + 1024 * i, 1024
        for (i = 0; i < 38; i++)
            printf row, 300 + i, 1, 268435456 + 4096 * i, 54
    }'
} >turns.tsv
expect 0 "$heaptape" reduce turns.tsv -o turns.htape
prints "153,596           153,596"
says "turns.htape: 338 of 338 events"
expect 0 "$heaptape" replay turns.tsv --tid 0 --metrics

prints "                  307,200 "

# What was asked for stays asked for, and what heaps hold no waste keep nothing.
expect 0 "$heaptape" reduce a.tsv -o of_7.htape --tid 7 --until 5ms
prints "filters: --tid 7"
expect 1 "$heaptape" reduce a.tsv -o none.htape --heap-handle 0x100
says "a.tsv: the figure of the whole is 0: nothing to keep"
exists_not none.htape none.htape.part
expect 1 "$heaptape" reduce a.tsv -o none.htape --metric moved
says "nothing to keep"

# The reallocs that moved are of heap 0x300. They tell the old size, so the allocs are not needed.
{
    cat a.tsv
    awk 'BEGIN {
        row = "%d\t1\t5\t0\t%s\t0x300\t0x%x\t%d\t%s\t%s\t\t\n"
        for (i = 0; i < 50; i++) {
            printf row, 5000000 + i, "alloc", 1879048192 + 65536 * i, 1000, "", ""
            printf row, 5001000 + i, "realloc", 2013265920 + 65536 * i, 2000,
                sprintf("0x%x", 1879048192 + 65536 * i), 1000
        }
    }'
} | sort -s -n -k1,1 >moved.tsv
expect 0 "$heaptape" reduce moved.tsv -o moved.htape --metric moved --tolerance 0
prints "50,000            50,000"
says "moved.htape: 50 of 2,800 events"

# Passes are bounded, and what was found until then is written.
expect 0 "$heaptape" reduce a.tsv -o short.htape --passes 2
prints "2 passes; there may be less: --passes was the limit"
says "short.htape: 2,700 of 2,700 events"

expect 2 "$heaptape" reduce a.tsv
says "-o OUT is missing"
expect 2 "$heaptape" reduce a.tsv -o a.json
says "OUT is a .htape"
expect 2 "$heaptape" reduce - -o b.htape
says "- only once"
expect 2 "$heaptape" reduce f2.htape -o f2.htape
says "f2.htape is also the input"
expect 2 "$heaptape" reduce a.tsv -o b.htape --metric f1
says "expected f2, f4, retention or moved"
expect 2 "$heaptape" reduce a.tsv -o b.htape --passes 1
says "--passes: expected at least 2"
expect 2 "$heaptape" reduce a.tsv -o b.htape --tolerance 101
says "101 is no number from 0 to 100"
