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
            key = event["pid"], event["cat"], event["id"]
            check_async(event, open_slices, key)
    count = collections.Counter(event.get("cat") for event in trace["traceEvents"]
                                if event["ph"] == "i")
    assert count["realloc"] == trace["metadata"]["reallocs_kept"]


def check_async(event, slices, key):
    """Of one category and id there is one "b"; its "n" and "e" stand behind it and lie within."""
    if event["ph"] == "b":
        assert key not in slices, f"begins twice: {event}"
        slices[key] = event["ts"], None
        return
    begin, end = slices[key]
    assert event["ts"] >= begin, event
    if event["ph"] == "e":
        assert end is None and event["ts"] > begin, event
        slices[key] = begin, event["ts"]


for path in sys.argv[1:]:
    with open(path, encoding="utf-8", errors="strict", newline="") as file:
        content = file.read()
    parsed = json.loads(content, parse_constant=no_constant, object_pairs_hook=no_key_twice)
    if "traceEvents" in parsed:
        check_chrome(content, parsed)
