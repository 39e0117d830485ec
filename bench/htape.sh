#!/bin/sh
# SPDX-License-Identifier: MIT
# Sizes of a .htape beside those that general compressors make of the same .etl, then the times of
# bench_htape. Arguments: the build folder, .etl files. Takes a minute for 50 MB, xz most of it.
set -eu
build=$1
shift
heaptape=$build/cli/heaptape
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# line NAME BYTES: bytes in all, an event, and as a part of the .etl.
line() {
    awk -v name="$1" -v bytes="$2" -v events="$events" -v etl="$etl_size" 'BEGIN {
        printf "%-16s %11d %8.3f %7.1f\n", name, bytes, bytes / events, etl / bytes }'
}

for etl in "$@"; do
    etl_size=$(wc -c <"$etl")
    events=$("$heaptape" info "$etl" --json | sed -n 's/^ *"events": *\([0-9]*\).*/\1/p' | head -n 1)
    "$heaptape" convert "$etl" -o "$folder/usual.htape" 2>/dev/null
    "$heaptape" convert "$etl" --best -o "$folder/best.htape" 2>/dev/null
    echo "$etl: $events events"
    echo "                       bytes  an event   times smaller"
    line ".etl" "$etl_size"
    line "lz4 -1" "$(lz4 -1 -c "$etl" | wc -c)"
    line "lz4 -9" "$(lz4 -9 -c "$etl" | wc -c)"
    line "zstd -3" "$(zstd -3 -q -c "$etl" | wc -c)"
    line "zstd -19" "$(zstd -19 -q -c "$etl" | wc -c)"
    line "xz -6" "$(xz -6 -c "$etl" | wc -c)"
    line ".htape" "$(wc -c <"$folder/usual.htape")"
    line ".htape --best" "$(wc -c <"$folder/best.htape")"
    "$build/bench/bench_htape" "$etl"
    echo
done
