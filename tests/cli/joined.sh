#!/bin/sh
# SPDX-License-Identifier: MIT
# Several files of one recording are read as one.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"

"$heaptape" fixture --scenario modules -o modules.etl 2>err
"$heaptape" fixture --scenario heaps -o heaps.etl 2>err
"$heaptape" convert modules.etl -o modules.tsv 2>err
"$heaptape" convert heaps.etl -o heaps.tsv 2>err

# Both begin at one time on one clock: together they have the lines of both, in order of time.
expect 0 "$heaptape" convert modules.etl heaps.etl -o both.tsv
{
    tail -n +2 modules.tsv
    tail -n +2 heaps.tsv
} | sort >apart
tail -n +2 both.tsv >together
cut -f1 together | sort -n -c || fail "not in order of time"
sort together | cmp - apart || fail "not the events of both"

expect 0 "$heaptape" info modules.etl heaps.etl
prints "heaps.etl"
prints "helper.exe"
expect 0 "$heaptape" info --json modules.etl heaps.etl
python3 - <<'END'
import json

info = json.load(open("out"))
assert info["joined"] == ["heaps.etl"], info["joined"]
assert info["records"]["joined.by_stamps"] == 2, info["records"]
END
expect 0 "$heaptape" replay --heap null modules.etl heaps.etl

# Damage is in one of them.
size=$(wc -c <heaps.etl)
head -c $((size - 100)) heaps.etl >short.etl
expect 0 "$heaptape" info --json modules.etl short.etl
python3 - <<'END'
import json

damage = json.load(open("out"))["damage"]
assert [place["file"] for place in damage] == ["short.etl"], damage
END
expect 0 "$heaptape" info short.etl modules.etl
prints " of short.etl: the file ends inside a buffer"

# Files of other formats are recordings of their own: see merge.sh.
expect 0 "$heaptape" convert modules.etl heaps.tsv --to null
says "merged 2 recordings"
expect 2 "$heaptape" convert modules.etl heaps.tsv -o heaps.tsv
says "heaps.tsv is also the input"
expect 1 "$heaptape" convert modules.etl nosuch.etl --to null
says "nosuch.etl"
expect 2 "$heaptape" info 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17
says "at most 16 files"

# null takes everything and writes nothing.
expect 0 "$heaptape" convert --to null modules.etl
says "401 events, 0 B"
is_silent out
