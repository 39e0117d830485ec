#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the .pftrace files of one recording, written with --full, against its .tsv.

Every alloc, realloc and free is in one of them, at its time, with its block; each file keeps the
rules of the walker; the totals of all of them are those of the events, and the last one ends with
what lives then.
"""
import collections
import sys

import pftrace_walk as walker

KINDS = ("alloc", "realloc", "free")


def shown(walk):
    """The instants as (pid, tid, kind, heap, address, size of allocs and reallocs)."""
    for kind in KINDS:
        for track, stamp, event in walk.all_events(walker.INSTANT, kind):
            args = event["args"]
            yield (track["thread"]["pid"], track["thread"]["tid"], kind, args["heap"],
                   args["address"], args["size"] if kind != "free" else 0)


def expected(path):
    with open(path, encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            _, pid, tid, _, kind, heap, address, size, *_ = line.rstrip("\n").split("\t")
            if kind in KINDS:
                yield (int(pid), int(tid), kind, int(heap, 16), int(address or "0", 16),
                       int(size or 0) if kind != "free" else 0)


def main(tsv, paths):
    found = collections.Counter()
    totals = collections.Counter()
    blocks = {}
    last = -1
    for path in paths:
        walk = walker.Walk(walker.read(path))
        walk.walk()
        figures = walker.sums(walk)
        found.update(shown(walk))
        stamps = [s for kind in KINDS for _, s, _ in walk.all_events(walker.INSTANT, kind)]
        walker.check(min(stamps) > last, f"{path}: begins before the one ahead of it ends")
        last = max(stamps)
        for figure in figures:
            if figure["group"] == "Heap activity":
                for name in ("realloc_moved", "realloc_inplace", "copied_bytes"):
                    totals[name] += figure[name]
        for kind in ("alloc", "realloc", "free"):
            for _, stamp, event in walk.all_events(walker.INSTANT, kind):
                args = event["args"]
                if "block_id" in args:
                    blocks.setdefault(args["block_id"], []).append((stamp, kind, args))
    walker.check(found == collections.Counter(expected(tsv)), "not the events of the recording")
    for steps in blocks.values():
        steps.sort(key=lambda step: step[0])
        for before, now in zip(steps, steps[1:]):
            at = now[2]["old_address"] if now[1] == "realloc" else now[2]["address"]
            walker.check(before[2]["address"] == at, f"{now}: not where its block was")
    with open(tsv, encoding="utf-8") as lines:
        whole = walker.replay(lines.readlines())
    for name, value in totals.items():
        walker.check(value == sum(f[name] for f in whole.values()), f"{name}: {value} in all")
    live = sum(f["live_bytes"] for f in figures if f["group"] == "Heap activity")
    walker.check(live == sum(f["live_bytes"] for f in whole.values()), "live bytes at the end")
    print(len(paths), "files", sum(found.values()), "events", len(blocks), "blocks")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
