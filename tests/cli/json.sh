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
"$heaptape" convert empty.etl -o again.gz --to json 2>err
cmp again.gz empty.json.gz || fail "other bytes, or by the format's name only"
says "events, $(wc -c <again.gz) B"
expect 1 "$heaptape" info kinds.tsv.gz
says "kinds.tsv.gz: is a gzip file"
expect 1 "$heaptape" convert missing.etl -o none.json.gz
exists_not none.json.gz*

# Of more reallocs than a picture shows it is said how many.
awk 'BEGIN {
    OFS = "\t"
    print "time_ns", "pid", "tid", "cpu", "kind", "heap", "address", "size", "old_address", "old_size", "source", "stack"
    for (i = 1; i <= 100100; i++)
        print i, 8, 12, 0, "realloc", "0x1f0", "0x1000", i + 1, "0x1000", i, 2, ""
}' >many.tsv
expect 0 "$heaptape" convert many.tsv -o many.json
says "many.json: 100,000 of 100,100 reallocs are shown one by one, all are counted"
if grep -q "\-\-full" err; then fail "json has no --full: $(cat err)"; fi
python3 "$check" many.json

python3 - <<'END'
import glob
import json

for path in glob.glob("*-info.json"):
    info = json.load(open(path))
    picture = json.load(open(path.replace("-info", "")))
    replay = json.load(open(path.replace("-info", "-replay")))
    tracks = {}
    folded = set()
    for event in picture["traceEvents"]:
        words = event["name"].split()
        if event["ph"] == "C" and words[-1] == "live_bytes" and words[1].startswith("0x"):
            # A handle used again has a track of its own; info has one row for all its uses.
            key = event["pid"], words[1]
            tracks[key] = max(tracks.get(key, 0), event["args"]["bytes"])
        if event["ph"] == "C" and words[0] == "Other":
            folded.add(event["pid"])
    told = {}
    for heap in info["heaps"]:
        key = heap["pid"], heap["handle"]
        told[key] = max(told.get(key, 0), heap["peak_bytes"])
    # What is not drawn is small, and is drawn together.
    for key, peak in told.items():
        assert tracks.get(key, 0) == peak or (key not in tracks and key[0] in folded), (path, key)
    assert told.keys() >= tracks.keys(), path
    assert replay["recorded"]["peak_bytes"] == info["live"]["peak_bytes"], path
    assert replay["replayed"]["peak_bytes"] == info["live"]["peak_bytes"], path
    assert replay["replayed"]["end_blocks"] == info["live"]["end_blocks"], path
    recorded = replay["recorded"]
    cases = recorded["reallocs"]
    resizes = cases["grown"] + cases["shrunk"] + cases["same_size"]
    assert resizes == recorded["in_place"] + recorded["moved"], (path, recorded)
    assert cases["in_place"] == recorded["in_place"], (path, recorded)
END
