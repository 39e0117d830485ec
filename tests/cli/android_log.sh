#!/bin/sh
# SPDX-License-Identifier: MIT
# A real log of 786,454 lines the whole way: written as Windows would have, plain and compressed, then
# read, summed up, converted and replayed. The figures are those known of the log. Skipped where the
# recordings are not beside the repository.
zip=${HT_CORPUS:-$2/../shared/corpus}/alloc/android-systemui.zip
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
case $zip in /*) ;; *) fail "HT_CORPUS must be an absolute path" ;; esac
[ -f "$zip" ] || {
    echo "SKIPPED: no recordings at $zip"
    exit 77
}
unzip -q "$zip" systemui.txt

# figures FILE KEY=VALUE...: `info --json` or `replay --json` in FILE has these.
figures() {
    python3 - "$@" <<'PYTHON' || fail "$1"
import json, sys
report = json.load(open(sys.argv[1]))
for wish in sys.argv[2:]:
    path, value = wish.split("=")
    found = report
    for key in path.split("."):
        found = found[key]
    if found != int(value):
        sys.exit(f"{path}: expected {value}, found {found}")
PYTHON
}

for packing in '' --compress; do
    # shellcheck disable=SC2086  # one option or none
    "$heaptape" fixture --from systemui.txt $packing -o a.etl 2>err
    "$heaptape" info a.etl --json >info.json
    figures info.json events=770280 by_kind.create=1 by_kind.alloc=402690 by_kind.free=349045 \
        by_kind.realloc=18544 realloc.in_place=940 realloc.moved=17604 realloc.grow=17886 \
        realloc.shrink=658 live.peak_bytes=10441709 live.end_blocks=53645 \
        loss.damaged_buffers=0 loss.unknown_blocks=0
    "$heaptape" convert a.etl -o "direct$packing.tsv" 2>err
    "$heaptape" convert a.etl -o a.htape 2>err
    "$heaptape" convert a.htape -o through.tsv 2>err
    cmp "direct$packing.tsv" through.tsv || fail "the way through .htape"
done
cmp direct.tsv direct--compress.tsv || fail "compressed buffers"

# at_most BYTES FILE: per thousand of the 770,280 events.
at_most() {
    size=$(wc -c <"$2")
    [ "$((size * 1000 / 770280))" -le "$1" ] || fail "$2 has $size bytes"
}
at_most 1400 a.htape
"$heaptape" convert a.etl --best -o best.htape 2>err
at_most 950 best.htape
"$heaptape" convert best.htape -o through.tsv 2>err
cmp direct.tsv through.tsv || fail "the way through --best"

"$heaptape" replay a.htape --json >replay.json
figures replay.json operations=770279 replayed.peak_bytes=10441709 recorded.peak_bytes=10441709 \
    replayed.end_blocks=53645 recorded.moved=17604 recorded.in_place=940

# Of the recorded addresses, as counted by a program of a few lines for this log.
"$heaptape" replay a.htape --metrics --json >metrics.json
figures metrics.json metrics.recorded.peak.operation=629174 \
    metrics.recorded.peak.page_bytes=17670144 metrics.recorded.peak.sparse_bytes=6242304 \
    metrics.recorded.page_peak.operation=629156 metrics.recorded.end.page_bytes=15478784 \
    metrics.recorded.end.sparse_bytes=6139904 metrics.recorded.reallocs.grow.count=17886 \
    metrics.recorded.reallocs.shrink.count=658 metrics.replayed.peak.operation=629174 \
    metrics.replayed.peak.live_bytes=10441709 metrics.score.reallocs=18544
