#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the answers by call stack of docs/sql against the events themselves.

by_stack.py EVENTS.tsv ANSWERS: ANSWERS is what trace_processor.mjs or pftrace_sql.py prints of the
queries 03, 04, 05 and 09 by stack. The events are of blocks that the recording saw begin, of processes
that have each pid once.
"""
import collections
import sys

NO_STACK = "[no stack]"


def site_of(stack):
    """As winheap_stack writes it: base names, the innermost frame first."""
    frames = [frame.replace("/", "\\").split("\\")[-1] for frame in stack.split(",") if frame]
    return " < ".join(frames) or NO_STACK


class Process:
    def __init__(self):
        self.blocks = {}  # by heap and address: size, site
        self.live, self.allocated, self.moved = (collections.Counter() for _ in range(3))
        self.bytes, self.peak, self.at_peak = 0, 0, {}

    def begin(self, key, size, site):
        self.end(key)
        self.blocks[key] = size, site
        self.bytes += size
        self.live[site, "bytes"] += size
        self.live[site, "blocks"] += 1
        self.allocated[site, "bytes"] += size
        self.allocated[site, "allocs"] += 1

    def end(self, key):
        if key in self.blocks:
            size, site = self.blocks.pop(key)
            self.bytes -= size
            self.live[site, "bytes"] -= size
            self.live[site, "blocks"] -= 1

    def take(self, kind, heap, address, size, old_address, stack):
        if kind == "destroy":
            for key in [key for key in self.blocks if key[0] == heap]:
                self.end(key)
        elif kind == "free":
            self.end((heap, address))
        elif kind in ("alloc", "realloc") and address not in ("", "0x0"):
            site = site_of(stack)
            if kind == "realloc" and not stack and (heap, old_address) in self.blocks:
                site = self.blocks[heap, old_address][1]  # that of the block it resizes
            if kind == "realloc" and address != old_address and (heap, old_address) in self.blocks:
                before = self.blocks[heap, old_address][0]
                self.moved[site, "bytes"] += min(before, size)
                self.moved[site, "moves"] += 1
                self.end((heap, old_address))
            self.begin((heap, address), size, site)
        if self.bytes > self.peak:
            self.peak, self.at_peak = self.bytes, dict(self.live)


def read(path):
    processes = collections.defaultdict(Process)
    with open(path, encoding="utf-8") as lines:
        for line in list(lines)[1:]:
            fields = line.rstrip("\n").split("\t")
            processes[int(fields[1])].take(fields[4], fields[5], fields[6], int(fields[7] or 0),
                                           fields[8], fields[11])
    return processes


def check(name, answers, rows):
    """Rows are figures by process and site; the 20 that are largest in the first are asked for."""
    largest = sorted(rows.items(), key=lambda row: (-row[1][0], row[0]))[:20]
    expected = [(upid, *map(str, figures), site) for (upid, site), figures in largest]
    if not expected or answers[name] != expected:
        sys.exit(f"{name}: {answers[name]}\nnot {expected}")


def figures(counters, *names):
    return {(upid, site): [counter.get((site, name), 0) for name in names]
            for upid, counter in counters.items() for site in {site for site, _ in counter}}


def positive(rows):
    return {key: row for key, row in rows.items() if row[0] > 0}


def main(events, printed):
    answers, rows = {}, None
    with open(printed, encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("  "):
                rows.append(tuple(line[2:].rstrip("\n").split("\t")))
            else:
                rows = answers.setdefault(line.split()[0], [])
    processes = read(events)
    # Processes are numbered in the order of their peaks.
    pids = sorted(processes, key=lambda pid: -processes[pid].peak)
    numbered = {str(i + 1): processes[pid] for i, pid in enumerate(pids)}
    live = figures({upid: p.live for upid, p in numbered.items()}, "bytes", "blocks")
    peak = figures({upid: p.at_peak for upid, p in numbered.items()}, "bytes", "blocks")
    made = figures({upid: p.allocated for upid, p in numbered.items()}, "bytes", "allocs")
    moved = figures({upid: p.moved for upid, p in numbered.items()}, "bytes", "moves")
    check("03-unreleased-by-stack", answers, positive(live))
    check("04-at-peak-by-stack", answers, positive(peak))
    check("05-allocated-by-stack", answers,
          {key: [*row, live[key][0]] for key, row in made.items()})
    check("09-reallocs-by-stack", answers, moved)


main(*sys.argv[1:])
