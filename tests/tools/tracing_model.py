#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares a .json with what the viewer of chrome://tracing made of it (viewer.mjs): nothing in it was
warned of, and each counter sample, instant, chain and block is in the model, where it belongs.

    tracing_model.py TRACE.json MODEL
"""
import collections
import json
import sys

trace = json.load(open(sys.argv[1]))
model = json.load(open(sys.argv[2]))
ROWS = {"chain": "Realloc chains", "block": "Large and long-lived blocks"}


def agree(what, written, shown):
    if written == shown:
        return
    lost, new = written - shown, shown - written
    sys.exit(f"FAIL: {what}: lost {list(lost)[:5]}, new {list(new)[:5]}")


def ns(ms):
    return round(ms * 1e6)


def written():
    """Of each kind of thing how often it stands in the file."""
    things = collections.defaultdict(collections.Counter)
    begun = {}
    for event in trace["traceEvents"]:
        pid, name, stamp = event["pid"], event["name"], round(event.get("ts", 0) * 1000)
        args = json.dumps(event.get("args"), sort_keys=True)
        if event["ph"] == "C":
            (unit, value), = event["args"].items()
            things["samples"][pid, name, unit, stamp, value] += 1
        elif event["ph"] == "i":
            things["instants"][pid, event.get("tid"), name, stamp, args] += 1
        elif event["ph"] == "b":
            begun[pid, event["cat"], event["id2"]["local"], name] = stamp, args
        elif event["ph"] == "e" and name != ROWS[event["cat"]]:
            since, args = begun[pid, event["cat"], event["id2"]["local"], name]
            things["slices"][pid, ROWS[event["cat"]], name, since, stamp - since, args] += 1
        elif event["ph"] == "n":
            things["steps"][pid, name, stamp, args] += 1
    return things


def shown():
    things = collections.defaultdict(collections.Counter)
    for process in model["processes"]:
        pid = process["pid"]
        for counter in process["counters"]:
            for series in counter["series"]:
                for stamp, value in series["samples"]:
                    things["samples"][pid, counter["name"], series["name"], ns(stamp), value] += 1
        for tid, instants in [(None, process["instants"])] + [
                (thread.get("tid"), thread["slices"]) for thread in process["threads"]]:
            for one in instants:
                args = json.dumps(one["args"], sort_keys=True)
                things["instants"][pid, tid, one["title"], ns(one["start"]), args] += 1
        for row in [row for thread in process["threads"] for row in thread["rows"]]:
            for one in row["slices"]:
                args = json.dumps(one["args"], sort_keys=True)
                things["slices"][pid, row["title"], one["title"], ns(one["start"]),
                                 ns(one["duration"]), args] += 1
                for step in one["steps"]:
                    args = json.dumps(step["args"], sort_keys=True)
                    things["steps"][pid, step["title"], ns(step["start"]), args] += 1
    return things


if model["warnings"]:
    sys.exit(f"FAIL: warned: {model['warnings'][:5]}")
ours, theirs = written(), shown()
for kind in sorted(ours.keys() | theirs.keys()):
    agree(kind, ours[kind], theirs[kind])
names = {"process_name": {}, "thread_name": {}, "process_sort_index": {}}
for event in trace["traceEvents"]:
    if event["ph"] == "M":
        names[event["name"]][event["pid"], event.get("tid")] = next(iter(event["args"].values()))
order = sorted((rank, pid) for (pid, _), rank in names["process_sort_index"].items())
assert [pid for _, pid in order] == [process["pid"] for process in model["processes"]], order
for process in model["processes"]:
    assert process.get("name") == names["process_name"].get((process["pid"], None)), process
    for thread in process["threads"]:
        expected = names["thread_name"].get((process["pid"], thread.get("tid")))
        assert thread.get("name") == expected, (thread.get("tid"), thread.get("name"), expected)
