#!/bin/sh
# SPDX-License-Identifier: MIT
# For every scenario: a reader that shares nothing with ours finds the same allocs, reallocs and
# frees in the same order with the same stacks, plain and compressed, by every clock.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
root=$2

if ! command -v python3 >/dev/null; then
    echo "skipped: there is no python3"
    exit 77
fi

# agree SCENARIO [OPTION...]: both readers see the same in the scenario made with these options.
agree() {
    "$heaptape" fixture --scenario "$@" --events 300 -o a.etl 2>err
    "$heaptape" convert --raw a.etl -o a.tsv 2>err
    awk -F'\t' '$5 ~ /^(alloc|realloc|free)$/' a.tsv >ours
    python3 "$root/tests/tools/etl_walk.py" --events a.etl >theirs
    cmp ours theirs || fail "$*"
}

"$heaptape" fixture --list >list
while read -r scenario _; do
    agree "$scenario"
    agree "$scenario" --compress
done <list
for clock in system cycles; do
    agree churn --clock "$clock" --pointer-size 4
done
agree modules --pointer-size 4 --clock cycles --clock-hz 2994000000
agree churn --clock-hz 3117777
agree churn --windows 7 --cpus 200
[ "$(wc -l <ours)" -gt 250 ] || fail "too little was compared"
