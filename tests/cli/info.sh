#!/bin/sh
# SPDX-License-Identifier: MIT
# The keys and figures of info on a trace small enough to know by heart.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"

# One heap: two blocks, one grown in place, one grown by moving; one is freed, and one that was
# never made.
{
    printf 'time_ns\tpid\ttid\tcpu\tkind\theap\taddress\tsize\told_address\told_size\tsource\tstack\n'
    printf '100\t8\t12\t0\talloc\t0x1f0\t0x1000\t100\t\t\t2\t\n'
    printf '200\t8\t12\t0\talloc\t0x1f0\t0x2000\t50\t\t\t2\t\n'
    printf '300\t8\t12\t0\trealloc\t0x1f0\t0x1000\t120\t0x1000\t100\t2\t\n'
    printf '400\t8\t12\t0\trealloc\t0x1f0\t0x3000\t500\t0x2000\t50\t2\t\n'
    printf '500\t8\t12\t0\tfree\t0x1f0\t0x1000\t\t\t\t2\t\n'
    printf '600\t8\t12\t0\tfree\t0x1f0\t0x9000\t\t\t\t2\t\n'
} >a.tsv
expect 0 "$heaptape" info --json a.tsv
is_silent err
python3 - <<'END'
import json

info = json.load(open("out"))
assert info["file"] == "a.tsv" and info["format"] == "tsv"
assert info["events"] == 6
assert info["by_kind"] == {"alloc": 2, "realloc": 2, "free": 2}
assert info["span_ns"] == 500
assert info["processes"] == [{"pid": 8, "events": 6}], info["processes"]
assert info["realloc"] == {"in_place": 1, "moved": 1, "grow": 2, "shrink": 0, "same": 0,
                           "bytes_copied": 50}
live = {"peak_bytes": 620, "peak_time_ns": 400, "end_bytes": 500, "end_blocks": 1}
assert info["live"] == live, info["live"]
assert info["heaps"] == [{"pid": 8, "handle": "0x1f0", "events": 6, **live}]
loss = info["loss"]
assert loss["unknown_blocks"] == 1 and loss["unknown_frees"] == 1 and loss["adopted"] == 0
assert all(loss[key] == 0 for key in ("events_lost", "buffers_lost", "damaged_buffers"))
for key in ("origin", "damage", "records"):
    assert key in info, key
END

expect 0 "$heaptape" info a.tsv
prints "620 B at 0.000000400 s"
prints "500 B in 1 blocks"
grep -qE '^  moved +1$' out || fail "moved reallocs are missing: $(cat out)"

# Without heap events it says so, and how to get them.
expect 0 "$heaptape" fixture --scenario empty -o empty.etl
expect 0 "$heaptape" info empty.etl
prints "No heap events"
prints "wpr -HeapTracingConfig"

# Where something is lost that may have had some, it does not say that there were none.
expect 0 "$heaptape" fixture --scenario churn --events 3000 -o whole.etl
expect 0 "$heaptape" convert whole.etl -o whole.htape
head -c 2000 whole.htape >cut.htape
expect 0 "$heaptape" info cut.htape
prints "No heap events in what could be read."
prints "The rest, see below, may have some. If not: this was recorded without heap tracing."
prints "wpr -HeapTracingConfig"

# Stacks and the modules they are in.
expect 0 "$heaptape" fixture --scenario modules -o modules.etl
expect 0 "$heaptape" info --json --strict modules.etl
python3 - <<'END'
import json

info = json.load(open("out"))
assert info["stacks"]["modules"] == len(info["modules"]) == 6, info["stacks"]
assert 100 < info["stacks"]["events"] < info["by_kind"]["alloc"], info["stacks"]
assert info["stacks"]["distinct"] <= info["stacks"]["events"], info["stacks"]
names = {module["path"].split("\\")[-1] for module in info["modules"]}
assert names == {"app.exe", "again.exe", "ntdll.dll", "first.dll", "second.dll",
                 "ntoskrnl.exe"}, names
END

# A .htape tells of a recording what the .etl told.
for scenario in modules stacks heaps lost kinds; do
    "$heaptape" fixture --scenario "$scenario" -o x.etl 2>err
    "$heaptape" convert x.etl -o x.htape 2>err
    "$heaptape" convert x.etl --raw --best -o raw.htape 2>err
    for name in x.etl x.htape raw.htape; do
        expect 0 "$heaptape" info --json "$name"
        mv out "$name.json"
    done
    python3 - "$scenario" <<'END'
import json
import sys

etl, *compact = (json.load(open(name + ".json")) for name in ("x.etl", "x.htape", "raw.htape"))
assert etl["modules"] or sys.argv[1] != "modules", "no modules"
assert etl["stacks"]["distinct"] > 0 or sys.argv[1] != "stacks", "no stacks"
assert etl["records"], "no counters"
for info in compact:
    different = {key for key in etl.keys() | info.keys() if etl.get(key) != info.get(key)}
    assert different == {"file", "format"}, (sys.argv[1], different)
END
done

# Loss is shown, and fails only when it must not be.
expect 0 "$heaptape" fixture --scenario lost -o lost.etl
expect 0 "$heaptape" info lost.etl
prints "events_lost"
expect 1 "$heaptape" info --strict lost.etl
says "events_lost"
prints "lost or damaged"
expect 0 "$heaptape" convert lost.etl -o lost.tsv
says "lost: "
expect 1 "$heaptape" convert --strict lost.etl -o strict.tsv
says "events_lost"
exists_not strict.tsv ./*.part
expect 0 "$heaptape" info --strict a.tsv
