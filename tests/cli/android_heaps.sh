#!/bin/sh
# SPDX-License-Identifier: MIT
# How many of a real log's 18,544 reallocs move on each heap when every block is filled, against the
# figures known for these versions, within 2 %; it depends a little on what else the process did.
# Skipped where the recordings are not beside the repository; a heap of another version, or behind
# a sanitizer, is left out.
zip=${HT_CORPUS:-$2/../shared/corpus}/alloc/android-systemui.zip
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
case $zip in /*) ;; *) fail "HT_CORPUS must be an absolute path" ;; esac
[ -f "$zip" ] || {
    echo "SKIPPED: no recordings at $zip"
    exit 77
}
unzip -q "$zip" systemui.txt
"$heaptape" fixture --from systemui.txt -o a.etl 2>err
"$heaptape" heaps --json >heaps.json

# moves NAME VERSION COUNT
moves() {
    if ! grep -q "\"name\":\"$1\".*\"version\":\"$2\"" heaps.json; then
        echo "left out: $1 is not $2"
        return
    fi
    expect 0 "$heaptape" replay a.etl --heap "$1" --touch fill --json
    python3 - "$1" "$3" <<'END'
import json, sys
report = json.load(open("out"))
replayed = report["replayed"]
assert replayed["moved"] + replayed["in_place"] == 18544, replayed
assert replayed["failed_allocs"] == 0 and replayed["failed_reallocs"] == 0, replayed
assert abs(replayed["moved"] / int(sys.argv[2]) - 1) <= 0.02, (sys.argv, replayed["moved"])
END
}
if ldd "$heaptape" | grep -q libasan; then
    echo "left out: libc is behind the address sanitizer"
else
    moves libc "glibc 2.36" 9599
fi
moves jemalloc "jemalloc 5.3.0" 16778
moves mimalloc "mimalloc 2.0.9" 16520
moves tcmalloc "gperftools 2.10" 16446
