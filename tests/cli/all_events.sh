#!/bin/sh
# SPDX-License-Identifier: MIT
# What `info --all-events` counts in real recordings is what their description says, which other
# readers counted. The part with them is skipped where they are not beside the repository.
folder_of_recordings=${HT_CORPUS:-$2/../shared/corpus}/etl
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"

# counts FILE NAME=COUNT...: these are among the counts of the file's records.
counts() {
    expect 0 "$heaptape" info --json --all-events "$1"
    shift
    python3 - "$@" <<'END' || fail "$1"
import json, sys
records = json.load(open("out"))["records"]
for wish in sys.argv[1:]:
    name, count = wish.split("=")
    if records.get(name) != int(count):
        sys.exit(f"{name}: expected {count}, found {records.get(name)}")
END
}

# Without the option the JSON has no hooks; with it all, and the text too.
expect 0 "$heaptape" fixture --scenario kinds -o kinds.etl
expect 0 "$heaptape" info --json kinds.etl
if grep -q 'hook\.' out; then fail "hooks without --all-events"; fi
counts kinds.etl hook.0x1037=5 hook.0x0264=5
expect 0 "$heaptape" info kinds.etl
if grep -q "hook.0x103a" out; then fail "a small count without --all-events"; fi
expect 0 "$heaptape" info --all-events kinds.etl
prints "hook.0x103a"

[ -d "$folder_of_recordings" ] || {
    echo "SKIPPED: no recordings at $folder_of_recordings"
    exit 77
}
counts "$folder_of_recordings/perfview-SelfDescribingSingleEvent.etl" \
    records=23 header.FULL64=18 header.SYSTEM64=4 header.EVENT_HEADER64=1
counts "$folder_of_recordings/etl-parser-ShutdownPerfDiagLogger.etl" \
    records=17078 group.0x14=13683 group.0x05=3058 group.0x03=328 group.0x00=9 hook.0x1403=6745 \
    hook.0x1402=4791 hook.0x1404=2145 hook.0x0503=1175 hook.0x0502=1032 hook.0x0504=501 \
    hook.0x0501=350
counts "$folder_of_recordings/syzygy-image_data_32_v2.etl" \
    records=27 header.FULL32=26 header.SYSTEM32=1 guid.0x1403=24 guid.0x1402=1 guid.0x140a=1
unzip -q "$folder_of_recordings/perfview-net.4.5.2.x86.etl.zip" net.4.5.2.x86.etl
counts net.4.5.2.x86.etl \
    records=168298 group.0x18=16474 hook.0x1826=8532 hook.0x1825=3640 hook.0x1823=3049 \
    hook.0x1824=1024 hook.0x1820=229 hook.0x1404=1820 hook.0x1403=1810 hook.0x0503=705 \
    hook.0x0504=692 group.0x03=167 group.0x14=3679 hook.0x0f2e=88809
