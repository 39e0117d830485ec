#!/bin/sh
# SPDX-License-Identifier: MIT
# For every scenario: etl to tsv, and etl to htape to tsv, give the same bytes, plain and compressed,
# folded, raw and --best; folding the raw tsv gives what folding the .etl gives. And one processor
# writes what several write.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"

# round NAME [OPTION...]: leaves the events of a.etl in NAME.tsv.
round() {
    name=$1
    shift
    "$heaptape" convert a.etl "$@" -o "$name.tsv" 2>err
    "$heaptape" convert a.etl "$@" -o "$name.htape" 2>err
    "$heaptape" convert "$name.htape" "$@" -o through.tsv 2>err
    cmp "$name.tsv" through.tsv || fail "$scenario: $name"
}

"$heaptape" fixture --list >list
[ "$(wc -l <list)" -ge 15 ] || fail "too few scenarios"
while read -r scenario _; do
    "$heaptape" fixture --scenario "$scenario" --events 300 --compress -o a.etl 2>err
    round compressed
    "$heaptape" fixture --scenario "$scenario" --events 300 -o a.etl 2>err
    round plain
    "$heaptape" convert a.etl --best -o best.htape 2>err
    "$heaptape" convert best.htape -o through.tsv 2>err
    cmp plain.tsv through.tsv || fail "$scenario: best"
    round raw --raw
    "$heaptape" convert raw.tsv -o folded.tsv 2>err
    cmp folded.tsv plain.tsv || fail "$scenario: folding the raw events"
done <list

# A second processor takes its share of the work, and nothing shows of it: several blocks, with
# details, by one and by all.
"$heaptape" fixture --scenario churn --events 400000 -o a.etl 2>err
"$heaptape" convert a.etl -o all.htape 2>err
taskset -c "$(taskset -cp $$ | sed 's/.*[:,-] *//')" "$heaptape" convert a.etl -o one.htape 2>err
cmp all.htape one.htape || fail "one processor writes another file"
