#!/bin/sh
# SPDX-License-Identifier: MIT
# What leaves the house: --redact leaves no name in any format, --rebase no address, and what is
# left replays with the same metrics.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"

# names FILE: no name of the recording is in the file, in UTF-8 or UTF-16.
names() {
    python3 - "$1" <<'END'
import json, sys

info = json.load(open("whole.json"))
content = open(sys.argv[1], "rb").read().lower()
names = {process[key] for process in info["processes"] for key in ("name", "command")}
names |= {thread["name"] for thread in info["threads"]} | {info["origin"]["host"]}
names |= {module[key] for module in info["modules"] for key in ("path", "debug_name")
          if key in module}
names |= {part for name in names for part in name.replace("/", "\\").split("\\")}
names = {name for name in names if len(name) > 4 and name != "Windows"} # which it was made on
assert len(names) > 15, names
for name in names:
    for coding in ("utf-8", "utf-16-le"):
        assert name.lower().encode(coding) not in content, (sys.argv[1], name)
for word in (b"s-1-5-", b"2019-04-17"):
    assert word not in content, word
END
}

expect 0 "$heaptape" fixture --scenario modules -o whole.etl
expect 0 "$heaptape" info whole.etl --json
mv out whole.json
expect 0 "$heaptape" convert whole.etl -o whole.htape
lz4 -dc whole.htape >unpacked
if names unpacked 2>/dev/null; then fail "the names are not in the whole file"; fi
for format in htape tsv json pftrace; do
    expect 0 "$heaptape" convert whole.etl --redact --process app.exe -o "shared.$format"
    case $format in
    htape) lz4 -dc shared.htape >unpacked && names unpacked ;;
    *) names "shared.$format" ;;
    esac
done
expect 0 "$heaptape" info shared.htape --json
python3 - <<'END'
import json

info = json.load(open("out"))
whole = json.load(open("whole.json"))
assert info["origin"]["is_redacted"] and not info["origin"]["is_rebased"]
assert not whole["origin"]["is_redacted"] and "start_unix_ns" in whole["origin"]
assert "start_unix_ns" not in info["origin"]
assert whole["origin"]["host"] == "BUILD-PC" and "host" not in info["origin"]
assert info["filters"] == "filters that are not told" and info["left_out"] > 0
assert {process["name"] for process in info["processes"]} == {"process-1", "process-2"}
assert all(process["command"] == "" for process in info["processes"])
assert [thread["name"] for thread in whole["threads"]] == ["first worker", "second worker"]
assert [thread["name"] for thread in info["threads"]] == ["thread-1", "thread-2"]
assert info["stacks"]["distinct"] > 10 and info["stacks"]["modules"] > 1
paths = [module["path"] for module in info["modules"]]
assert sorted(paths) == sorted({f"module-{i + 1}" for i in range(len(paths))}), paths
assert all(module["size"] == 0 and module["time_stamp"] == 0 for module in info["modules"])
assert info["records"] == {} and info["damage"] == []
END

# Done twice it is the same, and it is the same whatever the format of the input.
expect 0 "$heaptape" convert whole.etl --redact --rebase -o once.htape
expect 0 "$heaptape" convert once.htape --redact --rebase -o twice.htape
expect 0 "$heaptape" convert once.htape -o once.tsv
expect 0 "$heaptape" convert twice.htape -o twice.tsv
cmp once.tsv twice.tsv
expect 0 "$heaptape" convert whole.htape --redact --rebase -o from_htape.htape
cmp once.htape from_htape.htape
expect 0 "$heaptape" info once.htape
prints "changed       names redacted, addresses rebased"
! grep -q "recorded at" out || fail "the wall time is not left out"

# No address or handle of the recording is left, and the metrics of the recording are the same.
for scenario in churn comb vectors heaps kinds wow64; do
    expect 0 "$heaptape" fixture --scenario "$scenario" -o a.etl
    expect 0 "$heaptape" convert a.etl -o a.tsv
    expect 0 "$heaptape" convert a.etl --rebase -o b.htape
    expect 0 "$heaptape" convert b.htape -o b.tsv
    for kind in a b; do
        cut -f 6,7,9 $kind.tsv | tr '\t' '\n' | grep '^0x' | sort -u >$kind.addresses
        cut -f 1-5,8,10-11 $kind.tsv >$kind.rest
    done
    [ -z "$(comm -12 a.addresses b.addresses | grep -v '^0x0$')" ] || fail "$scenario: the same address"
    cmp a.rest b.rest
    for file in a.etl b.htape; do
        expect 0 "$heaptape" replay "$file" --metrics --json
        mv out "$file.json"
    done
    python3 - <<'END'
import json

a, b = (json.load(open(name + ".json")) for name in ("a.etl", "b.htape"))
assert a["metrics"]["recorded"] == b["metrics"]["recorded"]
assert a["recorded"] == b["recorded"] and a["operations"] == b["operations"]
END
done
