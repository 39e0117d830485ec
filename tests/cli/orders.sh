#!/bin/sh
# SPDX-License-Identifier: MIT
# Replays in the orders of several threads: the same operations as in the serial one, nothing
# skipped, all blocks there at the end. With the Android log of 393 threads where the recordings are.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
zip=${HT_CORPUS:-$2/../shared/corpus}/alloc/android-systemui.zip

# same_as_serial FILE WORKERS: the report in `out` tells of the same as that in serial.json, by so
# many workers.
same_as_serial() {
    python3 - "$@" <<'PYTHON' || fail "$*: $(cat out)"
import json, sys
serial = json.load(open("serial.json"))
causal = json.load(open("out"))
assert serial["order"]["name"] == "serial"
assert causal["recorded"] == serial["recorded"]
assert causal["by_kind"] == serial["by_kind"]
assert causal["operations"] == serial["operations"]
assert causal["is_whole"]
for key in "end_bytes", "end_blocks", "skipped", "failed_allocs", "failed_reallocs":
    assert causal["replayed"][key] == serial["replayed"][key], key
order = causal["order"]
assert order["workers"] == int(sys.argv[2]), order
assert order["gates"] <= order["crossings"]
assert order["waits"] <= order["gates"]
peak = serial["replayed"]["peak_bytes"]
assert abs(causal["replayed"]["peak_bytes"] - peak) <= order["drift_most_bytes"] + peak // 50
PYTHON
}

expect 0 "$heaptape" fixture --scenario heaps --events 20000 -o a.etl
expect 0 "$heaptape" replay a.etl --json
mv out serial.json
# The serial order is the same to the last bit: the same addresses in two runs, where the system lets
# them not be randomised.
digest_of_addresses() {
    "$heaptape" replay a.etl --metrics --json | python3 -c 'if True:
        import json, sys
        report = json.load(sys.stdin)
        if report["order"]["has_fixed_addresses"]:
            print(report["replayed"]["address_digest"])'
}
first=$(digest_of_addresses)
[ "$(digest_of_addresses)" = "$first" ] || fail "two runs gave different addresses"
case $first in '' | 0x*) ;; *) fail "no digest of addresses: $first" ;; esac

expect 0 "$heaptape" replay a.etl --order causal --workers 1 --json
same_as_serial a.etl 1
python3 -c 'import json; o = json.load(open("out"))["order"]; assert o["drift_most_bytes"] == 0, o'
expect 0 "$heaptape" replay a.etl --order causal --workers all --window 2 --json
expect 0 "$heaptape" replay a.etl --order timed --speed 1000000 --json
prints '"speed":1000000.000'
expect 0 "$heaptape" replay a.etl --order causal
prints "order causal, digest 0x"
prints "randomised"
prints "operations apart"
prints "all on one heap"
expect 0 "$heaptape" replay a.etl --order causal --json
python3 - <<'END'
import json
told = json.load(open("out"))
operations = sum(told["by_kind"].values())
assert told["order"]["window"] == 2 * max(1, min(4096, operations // 64) // 2), told
assert 2 < told["order"]["window"] < 4096, told
END
expect 0 "$heaptape" replay a.etl --order causal --window 4096
prints "at most 4,096 operations apart"
expect 0 "$heaptape" replay a.etl --order timed --speed 100000
prints "at 100000 times the recorded speed"
prints "times waited for"

expect 0 "$heaptape" fixture --scenario empty -o empty.etl
for order in serial causal timed; do
    expect 0 "$heaptape" replay empty.etl --order "$order" --json
    python3 - <<'PYTHON' || fail "an empty trace grows: $(cat out)"
import json
resident = json.load(open("out"))["resident"]
assert abs(resident["growth_bytes"]) <= 65536, resident
assert resident.get("peak_growth_bytes", 0) <= 262144, resident
PYTHON
done

expect 2 "$heaptape" replay a.etl --order sideways
says "--order takes serial, causal or timed, not sideways"
expect 2 "$heaptape" replay a.etl --workers 2
says "--workers and --window are for --order causal and timed"
expect 2 "$heaptape" replay a.etl --order causal --speed 2
says "--speed is for --order timed"
for speed in 0 -1 2x nan 1e9; do
    expect 2 "$heaptape" replay a.etl --order timed --speed "$speed"
    says "--speed takes 0.001 to 1000000"
done
expect 2 "$heaptape" replay a.etl --order causal --workers 0
expect 2 "$heaptape" replay a.etl --order causal --window 1

# The metrics in every order: all figures, of the same live bytes at each operation, and what the
# system says at every sample.
expect 0 "$heaptape" replay a.etl --step 1000 --json
mv out serial.json
for order in 'causal --workers 1' 'causal --workers all' 'timed --speed 1000000'; do
    # shellcheck disable=SC2086
    expect 0 "$heaptape" replay a.etl --step 1000 --report page.html --timeline a.pftrace \
        --order $order --json
    python3 "$2/tests/cli/check_json.py" out
    python3 - <<'PYTHON' || fail "metrics in order $order: $(cat out)"
import json
serial = json.load(open("serial.json"))["metrics"]
causal = json.load(open("out"))["metrics"]
assert causal["recorded"] == serial["recorded"]
was, here = serial["replayed"], causal["replayed"]
assert here["operations"] == was["operations"]
for key in "operation", "time_ns", "live_bytes", "live_blocks":
    assert here["peak"][key] == was["peak"][key], key
    assert here["end"][key] == was["end"][key], key
same = [causal["sample_fields"].index(key) for key in ("operation", "live_bytes", "live_blocks")]
held = causal["sample_fields"].index("resident_bytes")
assert len(here["samples"]) == len(was["samples"])
for one, other in zip(here["samples"], was["samples"]):
    assert [one[i] for i in same] == [other[i] for i in same]
    assert one[held] > 0 or "resident_source" not in here or one[0] < 500, one
assert here["made"][0]["blocks"] == was["made"][0]["blocks"]
assert 0.5 < here["f2"] / was["f2"] < 2, (here["f2"], was["f2"])
assert here["at_end"]["resident_bytes"] > 0 or "resident_source" not in here
PYTHON
done
expect 0 "$heaptape" replay a.etl --step 1000 --order causal
prints "fragmentation reproduced: "
prints "where its thread had it, in the recorded order"

expect 0 "$heaptape" compare a.etl --heap libc --heap null --runs 1 --order causal --workers 2
prints "order causal"

# Calls timed in every order, one in 3 of all workers.
for order in causal 'causal --workers all' 'timed --speed 1000000'; do
    # shellcheck disable=SC2086
    expect 0 "$heaptape" replay a.etl --latency 3 --order $order --json
    python3 - <<'PYTHON' || fail "latency in order $order: $(cat out)"
import json
told = json.load(open("out"))
kinds = "alloc", "realloc_in_place", "realloc_moved", "free"
timed = sum(told["latency"][kind]["timed"] for kind in kinds)
assert 0.25 < timed / told["operations"] < 0.42, timed
for kind in kinds:
    of = told["latency"][kind]
    if of["timed"] > 0:
        assert 0 <= of["p50_ns"] <= of["p90_ns"] <= of["p99_ns"] <= of["p999_ns"] <= of["most_ns"]
PYTHON
done

# A plan that does not fit is played in parts: the same operations and the same moves, also from a
# stream.
expect 0 "$heaptape" fixture --scenario churn --events 700000 -o big.etl
expect 0 "$heaptape" replay big.etl --touch none --json
mv out serial.json
for input in big.etl -; do
    expect 0 "$heaptape" replay "$input" --touch none --plan-memory 8M --json <big.etl
    python3 - <<'PYTHON' || fail "parts of $input: $(cat out)"
import json
whole = json.load(open("serial.json"))
parts = json.load(open("out"))
assert not whole["order"]["is_in_parts"] and parts["order"]["is_in_parts"]
assert whole["operations"] > 550000  # of 16 bytes
for report in whole, parts:
    del report["replayed"]["elapsed_ns"]
for key in "recorded", "replayed", "agreement", "by_kind", "loss", "operations", "is_whole":
    assert parts[key] == whole[key], key
before = whole["resident"]["growth_bytes"]
assert abs(parts["resident"]["growth_bytes"] - before) < before // 4 + (1 << 20)
assert parts["resident"]["harness_bytes"] < 32 << 20, parts["resident"]
PYTHON
done
expect 0 "$heaptape" replay big.etl --plan-memory 8M
prints "played in parts"
for words in --metrics '--order causal'; do
    # shellcheck disable=SC2086
    expect 1 "$heaptape" replay big.etl --plan-memory 8M $words
    says "needs all of them at once"
done
for size in 0 7M 2000000G x -1M 8MB 99999999999999999999; do
    expect 2 "$heaptape" replay a.etl --plan-memory "$size"
    says "--plan-memory takes 8M or more"
done

[ -f "$zip" ] || exit 0
unzip -q "$zip" systemui.txt
"$heaptape" fixture --from systemui.txt -o log.etl 2>err
"$heaptape" convert log.etl -o log.htape 2>err
expect 0 "$heaptape" replay log.htape --json
mv out serial.json
expect 0 "$heaptape" replay log.htape --order causal --workers 2 --json
same_as_serial log.htape 2
expect 0 "$heaptape" replay log.htape --order causal --workers all --json
same_as_serial log.htape 393
