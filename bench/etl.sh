#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes .etl files, plain and compressed, without stacks and with them, and measures reading them
# beside lz4; then once with one of about 1 GB, whose point is the memory. $1 is the folder of a
# release build, $2 the number of heap events of the small ones (2 million, about 120 MB, unless
# given), $3 that of the large one (16.5 million unless given). LOG names an allocation log that is
# read too, as `heaptape fixture --from` takes it.
set -eu
build=$1
events=${2:-2000000}
many=${3:-16500000}
heaptape=$build/cli/heaptape
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

make() {
    "$heaptape" fixture --buffer-size 64 "$@" 2>"$folder/said" || { cat "$folder/said" >&2; exit 1; }
}

for scenario in churn sites keyed stacks; do
    make --scenario "$scenario" --events "$events" -o "$folder/$scenario.etl"
    make --scenario "$scenario" --events "$events" --compress -o "$folder/$scenario-packed.etl"
done
[ -z "${LOG:-}" ] || make --from "$LOG" -o "$folder/log.etl"
"$build/bench/bench_etl" "$heaptape" 7 "$folder"/*.etl
rm "$folder"/*.etl
make --scenario churn --events "$many" -o "$folder/large.etl"
"$build/bench/bench_etl" "$heaptape" 1 "$folder/large.etl"
