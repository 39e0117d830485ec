# SPDX-License-Identifier: MIT
"""Reads JSON files strictly: no constants that JSON lacks, no key twice, UTF-8 only. Checks the
Chrome trace events among them for what importers stumble over."""
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
    threads = {}
    counters = {}
    for event in trace["traceEvents"]:
        assert event["ph"] in "MCi", event
        if event["ph"] == "i":
            last = threads.setdefault((event["pid"], event["tid"]), -1)
            assert event["ts"] > last, f"equal or falling stamps on a thread: {event}"
            threads[event["pid"], event["tid"]] = event["ts"]
        if event["ph"] == "C":
            last = counters.setdefault((event["pid"], event["name"]), -1)
            assert event["ts"] >= last, f"a counter goes back: {event}"
            counters[event["pid"], event["name"]] = event["ts"]
    kept = sum(event["ph"] == "i" for event in trace["traceEvents"])
    assert kept == trace["metadata"]["reallocs_kept"]


for path in sys.argv[1:]:
    with open(path, encoding="utf-8", errors="strict", newline="") as file:
        content = file.read()
    parsed = json.loads(content, parse_constant=no_constant, object_pairs_hook=no_key_twice)
    if "traceEvents" in parsed:
        check_chrome(content, parsed)
