#!/bin/sh
# SPDX-License-Identifier: MIT
# A .htape of over a million events: info tells of it without reading them, and filters by time and
# process read only the groups they need, with the same result as without an index.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"

expect 0 "$heaptape" fixture --scenario churn --events 1200000 -o big.etl
expect 0 "$heaptape" convert big.etl -o big.htape
rm big.etl
expect 0 "$heaptape" info big.htape
prints "read 0 of "
prints "The events were not read. --scan tells what was live"
! grep -q "peak live" out || fail "what was live takes a scan"
expect 0 "$heaptape" info --json big.htape
mv out told.json
expect 0 "$heaptape" info --json --scan big.htape
mv out scanned.json
python3 - <<'END'
import json

told, scanned = (json.load(open(name + ".json")) for name in ("told", "scanned"))
assert not told["is_scanned"] and scanned["is_scanned"]
assert scanned["events"] > 1000000
for heap in scanned["heaps"]:
    assert heap.pop("peak_bytes") > 0
    for key in ("peak_time_ns", "end_bytes", "end_blocks"):
        del heap[key]
for key in ("events", "span_ns", "by_kind", "processes", "stacks", "modules", "records", "origin"):
    assert told[key] == scanned[key], (key, told[key], scanned[key])
by_handle = lambda heap: (heap["pid"], heap["handle"])
assert sorted(told["heaps"], key=by_handle) == sorted(scanned["heaps"], key=by_handle)
assert set(scanned) - set(told) == {"realloc", "live"}
assert all(scanned["loss"][key] == count for key, count in told["loss"].items())
END

# What cannot be told at once is read: filters, several files, streams, --strict.
expect 0 "$heaptape" info --strict big.htape
prints "peak live"

span='--from 1500ms --until 1505ms'
# shellcheck disable=SC2086
expect 0 "$heaptape" convert big.htape $span -o indexed.tsv
says "read 1 of 8 groups, "
says " of 6.0 MiB"
# shellcheck disable=SC2086
"$heaptape" convert - $span -o streamed.tsv <big.htape 2>err || fail "$(cat err)"
cat big.htape | "$heaptape" convert - --to tsv $span -o streamed.tsv 2>err || fail "$(cat err)"
! grep -q groups err || fail "a stream has no index: $(cat err)"
cmp indexed.tsv streamed.tsv
[ "$(wc -l <indexed.tsv)" -gt 100 ] || fail "there are events in that time"
expect 0 "$heaptape" convert big.htape --pid 1 --to null
says "read 0 of 8 groups, "
says "0 of 1,040,328 events"
# shellcheck disable=SC2086
expect 0 "$heaptape" info --json big.htape $span
prints '"groups":8,"groups_read":1'

# Without its last byte there is no index, and all is read.
head -c -1 big.htape >cut.htape
# shellcheck disable=SC2086
expect 0 "$heaptape" convert cut.htape $span -o cut.tsv
! grep -q groups err || fail "the index is cut: $(cat err)"
cmp indexed.tsv cut.tsv
expect 0 "$heaptape" info cut.htape
prints "peak live"
