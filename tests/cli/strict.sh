#!/bin/sh
# SPDX-License-Identifier: MIT
# --strict fails on every sort of loss, names it, and leaves no output; without it the same file is
# converted. Losses that no scenario has are cut into one byte by byte.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"

cat >wound.py <<'END'
import struct, sys

data = bytearray(open(sys.argv[2], "rb").read())


def records():
    """Offsets of the records of plain data buffers."""
    at = struct.unpack_from("<I", data, 0)[0]
    while at < len(data):
        size, = struct.unpack_from("<I", data, at)
        valid, = struct.unpack_from("<I", data, at + 0x30)
        record = at + 0x48
        while record + 8 <= at + valid and data[record + 3] == 0xC0:
            yield record
            record += struct.unpack_from("<H", data, record + 4)[0] + 7 & ~7
        at += size


def hooks(*wanted):
    return [at for at in records() if struct.unpack_from("<H", data, at + 6)[0] in wanted]


if sys.argv[1] == "marker":
    data[hooks(0x1021)[3] + 3] = 0x11
elif sys.argv[1] == "stamp":
    struct.pack_into("<Q", data, hooks(0x1021)[3] + 0x10, 1000000001)
elif sys.argv[1] == "ranges":
    at = next(at for at in hooks(0x0264) if data[at + 2] == 2)
    struct.pack_into("<I", data, at + 0x20 + 16, 99)
elif sys.argv[1] == "keys":
    for at in hooks(0x1822, 0x1823, 0x1824):
        data[at + 6] = 0x21
open(sys.argv[3], "wb").write(data)
END

# fails FILE LOSS: with --strict because of this loss, and only then.
fails() {
    expect 0 "$heaptape" convert --to null "$1"
    says "$2"
    expect 1 "$heaptape" convert --strict "$1" -o strict.tsv
    says "$2"
    expect 1 "$heaptape" info --strict "$1"
    says "$2"
    exists_not strict.tsv ./*.part
}

for scenario in lost cut kinds churn modules; do
    "$heaptape" fixture --scenario "$scenario" --cpus 1 --events 200 -o "$scenario.etl" 2>err
done
expect 0 "$heaptape" convert --strict churn.etl -o whole.tsv
expect 0 "$heaptape" convert --strict modules.etl -o whole.tsv
fails lost.etl events_lost
fails lost.etl buffers_lost
fails cut.etl cut
fails kinds.etl damaged_events
python3 wound.py marker churn.etl marker.etl
fails marker.etl damaged_buffers
python3 wound.py stamp churn.etl stamp.etl
fails stamp.etl time_back
python3 wound.py ranges kinds.etl ranges.etl
fails ranges.etl details_lost
python3 wound.py keys modules.etl keys.etl
fails keys.etl stacks_lost
