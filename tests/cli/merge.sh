#!/bin/sh
# SPDX-License-Identifier: MIT
# Several recordings as one: the order of their events, their processes apart, losses together.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"

row() {
    printf '%s\t%s\t%s\t0\t%s\t0x1f0\t%s\t%s\t\t\t\t%s\n' "$@"
}
head='time_ns\tpid\ttid\tcpu\tkind\theap\taddress\tsize\told_address\told_size\tsource\tstack\n'
{
    printf '%b' "$head"
    row 100 8 1 alloc 0x1000 16 'a.dll+0x10'
    row 300 8 1 free 0x1000 '' ''
    row 400 12 1 lock '' '' ''
} >a.tsv
{
    printf '%b' "$head"
    row 100 8 1 alloc 0x1000 32 'b.dll+0x20,a.dll+0x10'
    row 200 16 1 lock '' '' ''
    row 300 8 1 free 0x1000 '' 'b.dll+0x20,a.dll+0x10'
} >b.tsv

# Without wall times they begin together; of equal times the first input is first.
{
    printf '%b' "$head"
    row 100 8 1 alloc 0x1000 16 'a.dll+0x10'
    row 100 100000008 1 alloc 0x1000 32 'b.dll+0x20,a.dll+0x10'
    row 200 16 1 lock '' '' ''
    row 300 8 1 free 0x1000 '' ''
    row 300 100000008 1 free 0x1000 '' 'b.dll+0x20,a.dll+0x10'
    row 400 12 1 lock '' '' ''
} >expected.tsv
expect 0 "$heaptape" convert a.tsv b.tsv -o c.tsv
says "merged 2 recordings as if they had begun together: not all tell the wall time"
says "c.tsv: 6 events"
diff expected.tsv c.tsv
expect 0 "$heaptape" convert a.tsv -o a.htape
expect 0 "$heaptape" convert a.htape b.tsv -o c.htape
expect 0 "$heaptape" convert c.htape -o c.tsv
diff expected.tsv c.tsv
# What was merged can be merged: its pids are as good as any.
expect 0 "$heaptape" convert c.htape a.tsv --kind lock -o d.tsv
cut -f 2 d.tsv | sort -u | tr '\n' ' ' >pids
[ "$(cat pids)" = "100000012 12 16 pid " ] || fail "pids: $(cat pids)"
expect 0 "$heaptape" info --json a.tsv b.tsv
python3 - <<'END'
import json

info = json.load(open("out"))
assert info["file"] == "a.tsv" and info["joined"] == ["b.tsv"]
assert info["events"] == 6 and info["stacks"] == {"events": 3, "distinct": 2, "modules": 2}
assert [heap["pid"] for heap in info["heaps"]] == [100000008, 8, 16, 12], info["heaps"]
assert info["loss"]["unknown_blocks"] == 0
END
expect 0 "$heaptape" replay a.tsv b.tsv --heap null --json
grep -qE '"operations": ?4' out || fail "4 operations"

# With wall times the later one is later. Losses are added up, and told by their file.
expect 0 "$heaptape" fixture --scenario lost -o lost.etl
expect 0 "$heaptape" convert lost.etl -o lost.htape
expect 0 "$heaptape" fixture --scenario heaps -o heaps.etl
expect 0 "$heaptape" convert heaps.etl -o heaps.htape
expect 0 "$heaptape" convert lost.htape heaps.htape lost.htape -o all.htape
says "merged 3 recordings by the wall time that they began at"
says "lost.htape: lost: "
for file in lost heaps all; do
    expect 0 "$heaptape" info --json $file.htape
    mv out $file.json
done
python3 - <<'END'
import json

lost, heaps, merged = (json.load(open(f"{name}.json")) for name in ("lost", "heaps", "all"))
assert merged["events"] == 2 * lost["events"] + heaps["events"]
assert merged["loss"]["events_lost"] == 2 * lost["loss"]["events_lost"] > 0
assert merged["origin"] == lost["origin"] == heaps["origin"]
assert {p["pid"] for p in merged["processes"]} >= {4242, 100004242, 200004242, 8338, 12434}
assert len(merged["heaps"]) == 2 * len(lost["heaps"]) + len(heaps["heaps"])
for name, count in lost["records"].items():
    assert merged["records"][name] == 2 * count + heaps["records"].get(name, 0), name
END
expect 1 "$heaptape" convert lost.htape heaps.htape --strict -o strict.htape
exists_not strict.htape

# The same name has the same pseudonym in every part.
expect 0 "$heaptape" convert a.tsv b.tsv --redact -o c.tsv
cut -f 12 c.tsv | sort -u | tr '\n' ' ' >stacks
[ "$(cat stacks)" = " module-1+0x10 module-2+0x20,module-1+0x10 stack " ] ||
    fail "stacks: $(cat stacks)"

expect 1 "$heaptape" convert a.tsv nosuch.tsv --to null
says "nosuch.tsv"
echo no trace >bad.tsv
expect 1 "$heaptape" convert a.tsv bad.tsv --to null
says "bad.tsv"
