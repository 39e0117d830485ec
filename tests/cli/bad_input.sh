#!/bin/sh
# SPDX-License-Identifier: MIT
# What is no trace: one clear line, status 1, and nothing left behind.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"

: >empty.etl
echo "not a trace" >text.etl
mkdir folder.etl
printf 'PK\003\004and so on' >archive.etl
printf '\037\213\010\000and so on' >packed.etl
head -c 4096 /dev/zero >zeros.etl
"$heaptape" fixture --scenario one -o whole.etl 2>err
head -c 100 whole.etl >head.etl
"$heaptape" convert whole.etl -o whole.htape 2>err
head -c 12 whole.htape >head.htape

for bad in missing.etl empty.etl text.etl folder.etl archive.etl packed.etl zeros.etl head.etl \
    head.htape; do
    for action in "convert -o out.tsv" "convert -o out.htape" "convert -o out.json" info \
        "info --json" replay "replay --json"; do
        # shellcheck disable=SC2086
        expect 1 "$heaptape" $action "$bad"
        says "heaptape: $bad: "
        [ "$(wc -l <err)" -eq 1 ] || fail "$bad: an error takes one line: $(cat err)"
        is_silent out
    done
done
exists_not out.tsv out.htape out.json ./*.part

"$heaptape" info missing.etl 2>err || says "No such file"
"$heaptape" info empty.etl 2>err || says "empty"
"$heaptape" info folder.etl 2>err || says "directory"
"$heaptape" info archive.etl 2>err || says "zip"

# No way to write there.
expect 1 "$heaptape" convert whole.etl -o nowhere/out.tsv
says "nowhere/out.tsv"
expect 1 "$heaptape" fixture --scenario one -o nowhere/out.etl
says "nowhere/out.etl"
expect 1 "$heaptape" fixture --from missing.log -o out.etl
says "missing.log"
expect 1 "$heaptape" fixture --from archive.etl -o out.etl
says "archive.etl"
exists_not out.etl ./*.part

# What was there before a failure is there after it.
echo old >out.tsv
expect 1 "$heaptape" convert text.etl -o out.tsv
[ "$(cat out.tsv)" = old ] || fail "out.tsv was touched"
