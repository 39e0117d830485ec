#!/bin/sh
# SPDX-License-Identifier: MIT
# All JSON that is written is read by a strict parser, for every scenario; the peak in the picture is
# the peak of info. $2 is the root of the source.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
check=$2/tests/cli/check_json.py

"$heaptape" fixture --list >list
while read -r scenario _; do
    "$heaptape" fixture --scenario "$scenario" --events 300 -o "$scenario.etl" 2>err
    "$heaptape" convert "$scenario.etl" -o "$scenario.json" 2>err
    "$heaptape" info --json "$scenario.etl" >"$scenario-info.json"
    "$heaptape" replay --heap null --json "$scenario.etl" >"$scenario-replay.json"
done <list
python3 "$check" ./*.json

# The same bytes gzipped, by the name.
for name in kinds.json empty.json kinds.pftrace kinds.tsv; do
    "$heaptape" convert "${name%.*}.etl" -o "plain.${name#*.}" 2>err
    "$heaptape" convert "${name%.*}.etl" -o "$name.gz" 2>err
    gzip -t "$name.gz" || fail "$name.gz"
    gunzip -c "$name.gz" | cmp - "plain.${name#*.}" || fail "$name.gz"
done
"$heaptape" convert kinds.etl -o again.gz --to json 2>err
cmp again.gz kinds.json.gz || fail "other bytes, or by the format's name only"
says "events, $(wc -c <again.gz) B"
expect 1 "$heaptape" info kinds.tsv.gz
says "kinds.tsv.gz: is a gzip file"
expect 1 "$heaptape" convert missing.etl -o none.json.gz
exists_not none.json.gz*

python3 - <<'END'
import glob
import json

for path in glob.glob("*-info.json"):
    info = json.load(open(path))
    picture = json.load(open(path.replace("-info", "")))
    replay = json.load(open(path.replace("-info", "-replay")))
    tracks = {}
    for event in picture["traceEvents"]:
        if event["ph"] == "C" and event["name"] != "Heap activity":
            key = event["pid"], event["name"]
            tracks[key] = max(tracks.get(key, 0), event["args"]["live_bytes"])
    # A pid used again may have the same handle again, and a track of its own for it.
    drawn = sorted((pid, name.split()[1], peak) for (pid, name), peak in tracks.items() if peak)
    told = sorted((heap["pid"], heap["handle"], heap["peak_bytes"]) for heap in info["heaps"]
                  if heap["peak_bytes"])
    assert drawn == told, (path, drawn, told)
    assert replay["recorded"]["peak_bytes"] == info["live"]["peak_bytes"], path
    assert replay["replayed"]["peak_bytes"] == info["live"]["peak_bytes"], path
    assert replay["replayed"]["end_blocks"] == info["live"]["end_blocks"], path
    recorded = replay["recorded"]
    cases = recorded["reallocs"]
    resizes = cases["grown"] + cases["shrunk"] + cases["same_size"]
    assert resizes == recorded["in_place"] + recorded["moved"], (path, recorded)
    assert cases["in_place"] == recorded["in_place"], (path, recorded)
END
