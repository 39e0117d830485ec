# SPDX-License-Identifier: MIT
"""Reads JSON files strictly: no constants that JSON lacks, no key twice, UTF-8 only. Checks the
Chrome trace events among them for what importers stumble over."""
import collections
import json
import re
import sys


def no_constant(name):
    raise ValueError(f"{name} is not JSON")


def no_key_twice(pairs):
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError(f"a key stands twice: {[key for key, _ in pairs]}")
    return made


def check_chrome(text, trace):
    assert text.startswith('{"traceEvents":['), "the first key tells importers what this is"
    assert re.search(r"\\u00[89a-fA-F]|\\u0[1-9a-fA-F]|\\u[1-9a-fA-F]", text) is None, "\\u escape"
    for stamp in re.findall(r'"ts":([^,}]*)', text):
        assert re.fullmatch(r"(0|[1-9][0-9]*)\.[0-9]{3}", stamp), stamp
    places = set()
    counters = {}
    open_slices = {}
    for event in trace["traceEvents"]:
        assert event["ph"] in "MCibne", event
        if event["ph"] == "i":
            place = event["pid"], event["tid"] if event["s"] == "t" else event["cat"], event["ts"]
            assert place not in places, f"two instants of one stamp: {event}"
            places.add(place)
        if event["ph"] == "C":
            assert len(event["args"]) == 1, f"chrome://tracing stacks what stands together: {event}"
            last = counters.get((event["pid"], event["name"]), -1)
            assert event["ts"] > last, f"a counter has one stamp twice or goes back: {event}"
            counters[event["pid"], event["name"]] = event["ts"]
        if event["ph"] in "bne":
            key = event["pid"], event["cat"], event["id2"]["local"]
            check_async(event, open_slices.setdefault(key, []))
    assert all(len(slices) == 4 for slices in open_slices.values()), "without an end"
    count = collections.Counter(event.get("cat") for event in trace["traceEvents"]
                                if event["ph"] == "i")
    assert count["realloc"] == trace["metadata"]["reallocs_kept"]


def check_async(event, stands):
    """Of one process, category and id there are the slice's row, the slice, and the ends of both; "n"
    stand behind them and lie within. chrome://tracing drops what has no end, and both viewers make a
    row of each name of an outermost slice."""
    if event["ph"] == "n":
        assert len(stands) == 4 and stands[0][2] <= event["ts"] <= stands[3][2], event
        return
    stands.append((event["ph"], event["name"], event["ts"]))
    if len(stands) < 4:
        return
    phases, names, stamps = zip(*stands)
    rows = {"chain": "Realloc chains", "block": "Large and long-lived blocks"}
    assert phases == ("b", "b", "e", "e"), event
    assert names[0] == names[3] == rows[event["cat"]] and names[1] == names[2], event
    assert stamps[0] == stamps[1] < stamps[2] == stamps[3], event


for path in sys.argv[1:]:
    with open(path, encoding="utf-8", errors="strict", newline="") as file:
        content = file.read()
    parsed = json.loads(content, parse_constant=no_constant, object_pairs_hook=no_key_twice)
    if "traceEvents" in parsed:
        check_chrome(content, parsed)
