#!/bin/sh
# SPDX-License-Identifier: MIT
# The events of every scenario, as a reader of the file would write them down, are those in
# tests/golden. A change there is a change of what users see: look at each line of it. To write the
# files anew: tests/cli/golden.sh PROGRAM SOURCE-FOLDER --write
golden=$2/tests/golden
mode=${3:-}
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"

# check NAME: `now` is what tests/golden/NAME holds.
check() {
    if [ "$mode" = --write ]; then
        cp now "$golden/$1"
    else
        diff -u "$golden/$1" now >difference || fail "$1: $(head -20 difference)"
    fi
    count=$((count + 1))
}

count=0
"$heaptape" fixture --list >list
while read -r scenario _; do
    "$heaptape" fixture --scenario "$scenario" --events 40 -o "$scenario.etl" 2>err
    "$heaptape" convert "$scenario.etl" -o now --to tsv 2>err
    check "$scenario.tsv"
done <list

# Each moved realloc as the three records that Windows writes.
"$heaptape" convert vectors.etl --raw -o now --to tsv 2>err
check vectors.raw.tsv

for scenario in heaps unknown lost kinds modules; do
    "$heaptape" info "$scenario.etl" >now
    check "$scenario.info"
done

[ "$count" -eq $((6 + $(wc -l <list))) ] || fail "$count files checked"
