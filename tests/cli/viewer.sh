#!/bin/sh
# SPDX-License-Identifier: MIT
# The viewer of chrome://tracing, in Chromium, has all of a .json in its model, and Perfetto's viewer
# fetches from `open` and has the tracks. Skipped where they, Chromium or Node.js are missing:
# tools/install-viewer gets them.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/cli/with_stacks.sh
. "$(dirname "$0")/with_stacks.sh"
viewers=$2/build/viewer
if [ ! -f "$viewers/frontend_bundle.js" ] || ! command -v node >out ||
    ! command -v chromium-headless-shell >out; then
    echo "SKIPPED: needs Node.js, chromium-headless-shell and the files of tools/install-viewer"
    exit 77
fi

for scenario in heaps kinds modules stacks; do
    "$heaptape" fixture --scenario "$scenario" --events 300 -o a.etl 2>err
    "$heaptape" convert a.etl -o a.tsv 2>err
    with_stacks <a.tsv >stacks.tsv
    "$heaptape" convert stacks.tsv -o a.json 2>err
    node "$2/tests/tools/viewer.mjs" "$viewers" tracing a.json >model 2>err || fail "$(cat err)"
    python3 "$2/tests/tools/tracing_model.py" a.json model || fail "$scenario"
done

# Chromium asks for the file as a page of ui.perfetto.dev, and gets it.
"$heaptape" open a.etl --no-browser --port 0 >link.out 2>err &
id=$!
until [ -s link.out ]; do
    kill -0 $id || fail "it ended: $(cat err)"
    sleep 0.05
done
node "$2/tests/tools/viewer.mjs" "$viewers" perfetto "$(sed 's/.*url=//' link.out)" >model 2>out ||
    fail "$(cat out)"
wait $id || fail "open: $(cat err)"
python3 - model <<'PYTHON' || fail "perfetto: $(cat model)"
import json, sys

tracks = [tuple(track) for track in json.load(open(sys.argv[1]))["tracks"]]
inside = {(kind, name) for process, kind, name in tracks if process == "app.exe 4242"}
counters = {"live_bytes", "live_blocks", "page_spread", "alloc_rate", "free_rate", "realloc_rate",
            "realloc_moved", "realloc_inplace", "copied_bytes"}
of_heap = {"committed_bytes", "reserved_bytes", "free_inside_committed"}
slices = {"Realloc chains", "Large and long-lived blocks", "marks", "summary"}
assert {name for kind, name in inside if kind == "CounterTrack"} == counters | of_heap
assert sum(kind == "CounterTrack" for _, kind, _ in tracks) == 2 * len(counters) + len(of_heap)
assert {name for kind, name in inside if kind == "AsyncSliceTrack"} >= slices
assert ("HeapProfileTrack", "Heap Profile") in inside
assert len([name for kind, name in inside if kind == "ChromeSliceTrack"]) == 8  # threads
PYTHON
