#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs under another policy against what_if.py, which plays the trace's text under it; beside them
# the unchanged run, which is the same as one of its own. $2 is the root of the source.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
tools=$2/tests/cli

for scenario in churn vectors heaps unknown; do
    expect 0 "$heaptape" fixture --scenario "$scenario" --events 300 -o "$scenario.etl"
    expect 0 "$heaptape" convert "$scenario.etl" -o "$scenario.tsv"
    for change in realloc=copy growth=2 growth=1.5 size-class-off=100-1999; do
        expect 0 "$heaptape" replay "$scenario.etl" --what-if "$change" --json
        is_silent err
        python3 "$tools/what_if.py" "$scenario.tsv" out || fail "$scenario, $change"
    done
    expect 0 "$heaptape" replay "$scenario.etl" --what-if size-class-off=32-400 --metrics \
        --what-if growth=1.75 --what-if=realloc=copy --json
    python3 "$tools/what_if.py" "$scenario.tsv" out || fail "$scenario, all three"
    mv out all.json
done
python3 "$tools/check_json.py" all.json

# The unchanged run is the plain one; with metrics it has all of its figures.
expect 0 "$heaptape" replay vectors.etl --metrics --json
mv out plain.json
expect 0 "$heaptape" replay vectors.etl --metrics --what-if growth=2 --report page.html --json
python3 - <<'END' || fail "the unchanged run"
import json
plain, changed = json.load(open("plain.json")), json.load(open("out"))
unchanged = changed["metrics"]["unchanged"]
assert unchanged["peak"] == plain["metrics"]["replayed"]["peak"], unchanged["peak"]
assert unchanged["at_end"]["gaps"]["count"] > 0
assert changed["metrics"]["gap_sizes"] == plain["metrics"]["gap_sizes"]
assert len(unchanged["samples"]) == len(plain["metrics"]["replayed"]["samples"])
assert changed["what_if"]["operations"]["unchanged"] == plain["operations"]
assert changed["what_if"]["moved"]["unchanged"] == plain["replayed"]["moved"]
assert "score" not in changed["metrics"] and "recorded" not in changed
END
expect 0 "$heaptape" replay vectors.etl --metrics --what-if growth=2
prints "unchanged           what if    difference"
prints "reallocs within the capacity"
! grep -q "fragmentation reproduced" out || fail "another policy is not scored"

# The words of the changes, however they are written, are not the unchanged run's.
expect 0 "$heaptape" replay --what growth=2 vectors.etl --what-if=realloc=copy --latency 2 --json
python3 - <<'END' || fail "single calls of both runs: $(cat out)"
import json
told = json.load(open("out"))
assert told["what_if"]["changes"] == ["growth=2", "realloc=copy"]
calls = told["what_if"]["operations"]
assert calls["unchanged"] == calls["what_if"] + told["what_if"]["spared"] > calls["what_if"]
assert told["what_if"]["alloc_p50_ns"]["what_if"] == told["latency"]["alloc"]["p50_ns"]
assert "realloc_in_place_p50_ns" not in told["what_if"], "with copies there is none in place"
END

expect 2 "$heaptape" replay vectors.etl --what-if growth=1
says "--what-if: growth=1 is no change"
expect 2 "$heaptape" replay vectors.etl --what-if growth=2 --what-if growth=3
says "growth=3 is no change, or the second of its kind"
expect 2 "$heaptape" replay - --what-if growth=2
says "it cannot be standard input"
expect 1 "$heaptape" replay vectors.etl --what-if realloc=copy --heap null
says "heap null does not tell how many bytes there are to copy"
expect 1 "$heaptape" replay no-such.etl --what-if growth=2
says "no-such.etl"
[ "$(wc -l <err)" -eq 1 ] || fail "one line was expected: $(cat err)"
