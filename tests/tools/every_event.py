#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""every_event.py X.tsv ANSWERS T1 T2: what the queries of docs/sql say that need every event, against
the events themselves. ANSWERS is what trace_processor.mjs prints, T1 and T2 the window of 08."""
import collections
import sys


class Block:
    def __init__(self, event, size):
        self.born, self.died, self.size = event["time"], None, size
        self.tid, self.freed_by = event["tid"], None


def read_events(path):
    with open(path, encoding="utf-8") as file:
        names = file.readline().split()
        for line in file:
            event = dict(zip(names, line.rstrip("\n").split("\t")))
            event["time"] = int(event["time_ns"])
            yield event


def follow(events):
    """All blocks by pid, in the order of their birth."""
    live, blocks = {}, collections.defaultdict(list)
    for event in events:
        kind, place = event["kind"], (event["pid"], event["heap"])
        size = int(event["size"] or 0)
        if kind == "destroy":
            for key in [key for key in live if key[:2] == place]:
                live.pop(key).died = event["time"]
        if kind == "free" and place + (event["address"],) in live:
            block = live.pop(place + (event["address"],))
            block.died, block.freed_by = event["time"], event["tid"]
        if kind not in ("alloc", "realloc") or event["address"] == "0x0":
            continue
        block = live.pop(place + (event["old_address"],), None) if kind == "realloc" else None
        if block is None:
            block = Block(event, size)
            blocks[event["pid"]].append(block)
        block.size = size
        live[place + (event["address"],)] = block
    return blocks


def read_answers(path):
    answers, rows = {}, None
    for line in open(path, encoding="utf-8"):
        if line.startswith("  "):
            rows.append(line.strip("\n")[2:].split("\t"))
        else:
            rows = answers[line.split()[0]] = []
    return answers


def check(name, told, expected):
    if told != expected:
        sys.exit(f"FAIL: {name}: expected {expected}, found {told}")


def main(trace, path, since, until):
    since, until = int(since), int(until)
    events = list(read_events(trace))
    answers = read_answers(path)
    pids = {row[0]: row[1] for row in answers["01-peak-live-bytes"]}
    window, crossed = collections.Counter(), collections.Counter()
    for pid, blocks in follow(events).items():
        for block in blocks:
            if block.freed_by not in (None, block.tid):
                crossed[pid, block.tid, block.freed_by] += 1
            if block.born <= until and (block.died is None or block.died >= since):
                kind = ("AI" if block.born >= since else "AO") + (
                    "FI" if block.died is not None and block.died <= until else "FO")
                window[pid, kind, "blocks"] += 1
                window[pid, kind, "bytes"] += block.size
    told = {}
    for upid, kind, blocks, size in answers["08-inside-and-outside"]:
        told[pids[upid], kind, "blocks"], told[pids[upid], kind, "bytes"] = int(blocks), int(size)
    check("08", told, dict(window))
    told = {(pids[upid], made, freed): int(blocks)
            for upid, made, freed, blocks, _ in answers["16-frees-by-another-thread"]}
    check("16", told, dict(crossed))
    allocs = [event for event in events if event["kind"] == "alloc" and event["address"] != "0x0"]
    names = {"look-aside": "1", "low-fragmentation heap": "2", "main path": "3", "slow path": "4"}
    told = {(pids[row[0]], row[1], names.get(row[2], "")): (int(row[3]), int(row[4]))
            for row in answers["19-front-ends"]}
    ends = collections.defaultdict(lambda: (0, 0))
    for event in allocs:
        key = event["pid"], event["heap"], event["source"]
        ends[key] = ends[key][0] + 1, ends[key][1] + int(event["size"])
    check("19", told, dict(ends))
    last = allocs[-1]
    owners = [(pids[row[0]], row[2], row[3], row[5]) for row in answers["18-owner-of-an-address"]]
    check("18", owners, [(last["pid"], last["address"], last["size"], last["tid"])])
    busiest = collections.Counter((e["pid"], e["tid"], e["time"] // 10**7 * 10**7) for e in allocs)
    told = [int(row[3]) for row in answers["15-bursts-by-thread"]]
    check("15", told, sorted(busiest.values(), reverse=True)[:20])


main(*sys.argv[1:])
