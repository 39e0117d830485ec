#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes .etl files, plain and compressed, without stacks and with them, and measures reading them
# beside lz4. $1 is the folder of a release build, $2 the number of heap events (2 million, about
# 120 MB, unless given).
set -eu
build=$1
events=${2:-2000000}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

for scenario in churn stacks; do
    "$build/cli/heaptape" fixture --scenario "$scenario" --events "$events" --buffer-size 64 \
        -o "$folder/$scenario.etl"
    "$build/cli/heaptape" fixture --scenario "$scenario" --events "$events" --buffer-size 64 \
        --compress -o "$folder/$scenario-packed.etl"
done 2>"$folder/said" || { cat "$folder/said" >&2; exit 1; }
"$build/bench/bench_etl" "$build/cli/heaptape" "$folder"/*.etl
