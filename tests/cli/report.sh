#!/bin/sh
# SPDX-License-Identifier: MIT
# The page of a replay against the JSON of the same one; hostile names in it are text.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"

for scenario in empty one churn vectors heaps; do
    expect 0 "$heaptape" fixture --scenario "$scenario" --events 600 -o "$scenario.etl"
    expect 0 "$heaptape" replay "$scenario.etl" --report "$scenario.html" --json
    is_silent err
    mv out "$scenario.json"
    python3 "$2/tests/cli/report.py" "$scenario.html" "$scenario.json" || fail "page of $scenario"
done

hostile='<script>alert(1)<!--.tsv'
{
    printf 'time_ns\tpid\ttid\tcpu\tkind\theap\taddress\tsize\told_address\told_size\tsource\tstack\n'
    printf '0\t1\t7\t0\talloc\t0x100\t0x10000\t8\t\t\t\t%s\n' '"><script>b</script>+0x1f0'
} >"$hostile"
expect 0 "$heaptape" replay "$hostile" --report page.html --json
python3 "$2/tests/cli/report.py" page.html out || fail "page of a hostile name"
grep -q '&lt;script&gt;alert(1)&lt;!--.tsv' page.html || fail "the file's name is not there"
grep -q '&quot;&gt;&lt;script&gt;b' page.html || fail "the module's name is not there"

expect 2 "$heaptape" replay one.etl --report -
says "--report needs the name of a file"
expect 2 "$heaptape" replay one.etl --report one.etl
says "one.etl is also the input"
expect 2 "$heaptape" replay one.etl --report x.html --latency 10
expect 1 "$heaptape" replay one.etl --heap null --report x.html
expect 1 "$heaptape" replay one.etl --report no/such/x.html
exists_not x.html no

# The timeline keeps the rules of Perfetto's importer and has the figures of the JSON.
expect 0 "$heaptape" replay vectors.etl --timeline vectors.pftrace --step 50 --json
mv out vectors.json
python3 "$2/tests/tools/pftrace_walk.py" vectors.pftrace >walked || fail "$(cat walked)"
grep -qx "processes 2" walked || fail "$(cat walked)"
python3 -B - "$2/tests/tools" <<'END' || fail "the timeline's figures"
import json, sys
sys.path.insert(0, sys.argv[1])
import pftrace_walk
metrics = json.load(open("vectors.json"))["metrics"]
walk = pftrace_walk.Walk(pftrace_walk.read("vectors.pftrace"))
walk.walk()
groups = {walk.tracks[process]["process"]["process_name"]: counters
          for (process, _), counters in walk.counters().items()}
recorded = groups["recorded"]
(here,) = [counters for name, counters in groups.items() if name.startswith("here: glibc")]
fields = metrics["sample_fields"]
for report, counters in (metrics["recorded"], recorded), (metrics["replayed"], here):
    samples = [dict(zip(fields, sample)) for sample in report["samples"]]
    for name in "live_bytes", "page_bytes", "sparse_bytes", "live_blocks":
        assert max(v for _, v in counters[name]) >= max(s[name] for s in samples), name
        assert counters[name][-1][1] == samples[-1][name], name
    assert max(v for _, v in counters["live_bytes"]) == report["peak"]["live_bytes"]
    assert max(v for _, v in counters["page_bytes"]) == report["page_peak"]["page_bytes"]
    assert counters["realloc_moved"][-1][1] == report["end"]["moved"]
    assert counters["live_bytes"][-1][0] >= samples[-1]["time_ns"]
# The blocks that pin most: at least one of each look, from birth to end, named by what it pins.
slices = {}
for packet in walk.packets:
    event = packet.get("track_event", {})
    if event.get("type") in (1, 2):
        slices.setdefault(event["track_uuid"], []).append((event["type"], packet["timestamp"]))
titles = [walk.tracks[walk.tracks[uuid]["parent_uuid"]]["name"] for uuid in slices]
assert set(titles) <= {"Pinning at the live peak", "Pinning at the end"}, titles
looks = {"Pinning at the live peak": "at_peak", "Pinning at the end": "at_end"}
for title, key in looks.items():
    pinned = [sum(size["blocks"] for size in metrics[column][key]["pinning"]["by_size"])
              for column in ("recorded", "replayed")]
    assert titles.count(title) == sum(min(8, blocks) for blocks in pinned), (title, pinned, titles)
for uuid, ((begin, made), (end, ended)) in slices.items():
    assert (begin, end) == (1, 2) and made <= ended, slices[uuid]
    assert " B pin " in walk.tracks[uuid]["name"], walk.tracks[uuid]
assert slices
assert "resident_bytes" in here and "resident_bytes" not in recorded
assert len(here["resident_bytes"]) == len(metrics["replayed"]["samples"])
END
expect 2 "$heaptape" replay one.etl --timeline one.etl
says "one.etl is also the input"
expect 2 "$heaptape" replay one.etl --timeline x --report x
says "--report and --timeline are two files"
expect 2 "$heaptape" replay one.etl --timeline -
