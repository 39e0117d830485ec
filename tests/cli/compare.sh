#!/bin/sh
# SPDX-License-Identifier: MIT
# Comparisons: every run there, in every form; heaps that fail beside others; an interrupt. $3 is
# the folder of the libraries in tests/heaps.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
libraries=$3

expect 0 "$heaptape" fixture --scenario churn --events 500 -o a.etl
expect 0 "$heaptape" convert a.etl -o ./--a.htape

expect 0 "$heaptape" compare a.etl --heap libc --heap null --runs 4
prints "libc: glibc"
prints "null: null, 4 runs"
prints "#1"
is_silent err

# One line a run in the CSV, whatever the file is called.
expect 0 "$heaptape" compare --heap libc --heap "$libraries/heap_counting.so" --runs 3 --csv -- \
    --a.htape
[ "$(wc -l <out)" -eq 7 ] || fail "expected a head and 6 runs: $(cat out)"
prints "heap,heap_version,run,operations,ns_per_op"
prints "heap_counting.so,3,"

expect 0 "$heaptape" compare a.etl --heap libc --heap libc --heap null --runs 4 --touch fill \
    --heap-env MALLOC_ARENA_MAX=1 --json
python3 "$2/tests/cli/check_json.py" out
expect 0 "$heaptape" replay a.etl --touch fill --json
mv out replay.json
expect 0 "$heaptape" compare a.etl --heap libc --heap null --runs 4 --touch fill --json
python3 - <<'END'
import json

compared = json.load(open("out"))
replay = json.load(open("replay.json"))
libc, null = compared["heaps"]
assert compared["digest"] == replay["recorded"]["digest"]
assert compared["touch"] == "fill"
assert compared["recorded_moved"] == replay["recorded"]["moved"]
for heap in libc, null:
    assert heap["runs"] == 4
    assert heap["peak_bytes"]["median"] == replay["recorded"]["peak_bytes"]
    assert heap["ns_per_op"]["least"] <= heap["ns_per_op"]["median"] <= heap["ns_per_op"]["most"]
assert libc["reallocs_moved"]["median"] == replay["replayed"]["moved"]
assert null["reallocs_moved"]["most"] == 0
assert libc["ns_per_op"]["place"] == 1, "the null heap takes no place"
assert "place" not in null["ns_per_op"] and "place" not in libc["reallocs_moved"]
END

# With metrics: those of the same heap alone, and no time.
expect 0 "$heaptape" compare a.etl --heap libc --heap libc --runs 4 --metrics
prints "as recorded"
! grep -q "ns per op" out || fail "a measured run is not timed"
expect 0 "$heaptape" compare a.etl --heap libc --runs 2 --metrics --csv
prints ",failed,f1_operations,f1_time,f2,"
! grep -q "ns_per_op" out || fail "a measured run is not timed: $(cat out)"
[ "$(awk -F, '{ print NF }' out | sort -u | wc -l)" -eq 1 ] || fail "uneven lines: $(cat out)"
expect 0 "$heaptape" compare a.etl --heap libc --runs 4 --metrics --json
python3 "$2/tests/cli/check_json.py" out
mv out compared.json
expect 0 "$heaptape" replay a.etl --metrics --json
python3 - <<'END' || fail "metrics of a comparison"
import json
compared, alone = json.load(open("compared.json")), json.load(open("out"))
recorded = alone["metrics"]["recorded"]
(libc,) = compared["heaps"]
for key in "f1_operations", "f1_time", "f2", "f3", "f4", "retention":
    assert compared["recorded"].get(key) == recorded.get(key), key
    spread = libc[key]
    assert spread["least"] <= spread["median"] <= spread["most"] and spread["place"] == 1, key
for key in "resident_at_peak_bytes", "waste":
    assert key in libc and key not in compared["recorded"], key
gaps = recorded["at_peak"]["gaps"]
assert compared["recorded"]["largest_free_index"] == gaps["largest_free_index"]
assert "ns_per_op" not in libc and libc["runs"] == 4
END
expect 1 "$heaptape" compare a.etl --heap null --heap libc --runs 1 --metrics --csv
says "the blocks of heap null are no memory"
[ "$(grep -c ^libc out)" -eq 1 ] || fail "libc was to go on: $(cat out)"

# Single calls in place of all of them.
expect 0 "$heaptape" compare a.etl --heap libc --heap null --runs 4 --latency 2 --json
python3 "$2/tests/cli/check_json.py" out
python3 - <<'END' || fail "latencies of a comparison: $(cat out)"
import json
compared = json.load(open("out"))
libc, null = compared["heaps"]
assert compared["latency_every"] == 2
for kind in "alloc", "free":
    quantiles = [libc[f"{kind}_{name}_ns"]["median"]
                 for name in ("p50", "p90", "p99", "p999", "most")]
    assert quantiles == sorted(quantiles), quantiles
assert libc["alloc_p50_ns"]["place"] == 1 and "place" not in null["alloc_p50_ns"]
assert "realloc_moved_p50_ns" not in null, "no realloc moves there"
assert "ns_per_op" in libc and "f1_operations" not in libc
END
expect 0 "$heaptape" compare a.etl --heap libc --heap null --runs 1 --latency 2
prints "alloc 50 %"
! grep -q recorded out || fail "no recording tells times of calls"
expect 2 "$heaptape" compare a.etl --heap libc --latency 2 --metrics
says "disturb each other"

# What if: each heap with and without, run by run.
expect 0 "$heaptape" compare a.etl --heap libc --heap null --runs 1 --what-if growth=2 --json
python3 "$2/tests/cli/check_json.py" out
mv out compared.json
expect 0 "$heaptape" replay a.etl --what-if growth=2 --json
python3 - <<'END' || fail "what if, compared: $(cat compared.json)"
import json
compared, alone = json.load(open("compared.json")), json.load(open("out"))
assert compared["what_if"] == ["growth=2"]
assert [(heap["heap"], heap["is_changed"]) for heap in compared["heaps"]] == [
    ("libc", False), ("libc", True), ("null", False), ("null", True)]
for heap, column in zip(compared["heaps"], ("unchanged", "what_if")):
    assert heap["reallocs_moved"]["median"] == alone["what_if"]["moved"][column], column
    assert heap["peak_bytes"]["median"] == alone["what_if"]["peak_bytes"][column], column
END
expect 0 "$heaptape" compare a.etl --heap libc --runs 2 --what-if=size-class-off=1-40 \
    --what-if realloc=copy --metrics --csv
prints "heap,heap_version,what_if,run,operations,"
[ "$(grep -c ',size-class-off=1-40 realloc=copy,' out)" -eq 2 ] || fail "expected 2 runs: $(cat out)"
[ "$(grep -c '^libc,[^,]*,,' out)" -eq 2 ] || fail "expected 2 unchanged runs: $(cat out)"
[ "$(awk -F, '{ print NF }' out | sort -u | wc -l)" -eq 1 ] || fail "uneven lines: $(cat out)"
expect 0 "$heaptape" compare a.etl --heap libc --runs 1 --what-if growth=2
prints "what if: growth=2"
prints "libc, what if"
expect 1 "$heaptape" compare a.etl --heap null --heap libc --runs 1 --what-if realloc=copy --csv
says "heap null does not tell how many bytes there are to copy"
[ "$(grep -c ^libc out)" -eq 2 ] || fail "libc was to go on: $(cat out)"
expect 2 "$heaptape" compare a.etl --heap libc --what-if growth=0
says "--what-if: growth=0 is no change"

# The orders of several threads, with the metrics too.
expect 0 "$heaptape" compare a.etl --heap libc --runs 2 --order causal --workers 2 --metrics --json
python3 - <<'END' || fail "metrics in causal order: $(cat out)"
import json
(libc,) = json.load(open("out"))["heaps"]
assert libc["runs"] == 2 and libc["f1_operations"]["median"] > 0 and "drift_mean_bytes" in libc
assert "late_mean_ns" not in libc
END
expect 0 "$heaptape" compare a.etl --heap libc --runs 1 --order timed --speed 1e6 --csv
prints ",drift_mean_bytes,late_mean_ns"
expect 0 "$heaptape" compare a.etl --heap libc --runs 1 --order causal
prints "live off"

# Several files of one recording.
expect 0 "$heaptape" convert a.etl -o b.htape
expect 1 "$heaptape" compare a.etl b.htape no-such.etl --heap libc --runs 1
says "no-such.etl"

# A heap that cannot be loaded, and one that ends its process: the others go on.
expect 1 "$heaptape" compare a.etl --heap ./no-such.so --heap "$libraries/heap_crashing.so" \
    --heap libc --runs 1 --csv
says "./no-such.so: cannot open shared object file"
says "heap_crashing.so: the process of a run ended with signal 9"
[ "$(grep -c ^libc out)" -eq 1 ] || fail "libc was to go on: $(cat out)"
[ "$(wc -l <out)" -eq 2 ] || fail "only libc has runs: $(cat out)"

# A trace that cannot be read is said once.
expect 1 "$heaptape" compare no-such.etl --heap libc --heap null
says "no-such.etl"
[ "$(wc -l <err)" -eq 1 ] || fail "one line was expected: $(cat err)"
is_silent out

# An interrupt gives what there is until then. The waiting heap makes a file and waits in its first
# call. By python, since what a shell starts in the background ignores interrupts.
python3 - "$heaptape" "$libraries/heap_waiting.so" <<'END'
import os, signal, subprocess, sys, time

child = subprocess.Popen(
    [sys.argv[1], "compare", "a.etl", "--heap", "libc", "--heap", sys.argv[2], "--csv"],
    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
while not os.path.exists("waiting"):
    assert child.poll() is None, child.communicate()
    time.sleep(0.01)
child.send_signal(signal.SIGINT)
out, err = child.communicate()
assert child.returncode == 1, child.returncode
assert b"interrupted" in err, err
assert out.count(b"\n") == 2 and b"\nlibc,glibc" in out, out
END

expect 2 "$heaptape" compare a.etl
says "--heap NAME is missing"
expect 2 "$heaptape" compare --heap libc
says "IN is missing"
expect 2 "$heaptape" compare - --heap libc
says "it cannot be standard input"
expect 2 "$heaptape" compare a.etl --heap none
says "there is no heap none: --heap takes libc, null, jemalloc, mimalloc, tcmalloc, or a path"
expect 2 "$heaptape" compare a.etl --heap libc --runs 0
says "--runs takes 1 or more"
expect 2 "$heaptape" compare a.etl --heap libc --runs 101
says "101 is no number from 0 to 100"
expect 2 "$heaptape" compare a.etl --heap libc --json --csv
says "--json or --csv, not both"
