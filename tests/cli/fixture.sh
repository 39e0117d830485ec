#!/bin/sh
# SPDX-License-Identifier: MIT
# Fixtures: the same arguments give the same bytes, other ones others; logs become traces.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"

expect 0 "$heaptape" fixture --list
prints "churn"
cp out list

expect 0 "$heaptape" fixture --scenario churn --events 200 --seed 7 -o a.etl
is_silent out
says "a.etl: "
expect 0 "$heaptape" fixture --scenario churn --events 200 --seed 7 -o same.etl
cmp a.etl same.etl
expect 0 "$heaptape" fixture --scenario churn --events 200 --seed 8 -o other.etl
! cmp -s a.etl other.etl || fail "the seed does nothing"
expect 0 "$heaptape" fixture --scenario churn --events 0200 --seed 0x7 -o same.etl
cmp a.etl same.etl

# Every option that shapes the file changes it, and what it tells stays the same.
expect 0 "$heaptape" convert a.etl -o a.tsv
for shape in --compress "--windows 7" "--cpus 3" "--buffer-size 8" "--clock system"; do
    # shellcheck disable=SC2086
    expect 0 "$heaptape" fixture --scenario churn --events 200 --seed 7 $shape -o shaped.etl
    ! cmp -s a.etl shaped.etl || fail "$shape does nothing"
    expect 0 "$heaptape" convert shaped.etl -o shaped.tsv
    [ "$(wc -l <a.tsv)" -eq "$(wc -l <shaped.tsv)" ] || fail "$shape changes the events"
done

printf 'a 1 100\na 2 50\nr 1 120\nf 2\n' >log
expect 0 "$heaptape" fixture --from log -o log.etl
says "2 allocs, 1 reallocs"
expect 0 "$heaptape" info --json log.etl
prints '"by_kind":{"alloc":2,"realloc":1,"free":1'
expect 0 "$heaptape" fixture --from a.tsv -o again.etl
expect 0 "$heaptape" convert again.etl -o again.tsv
[ "$(wc -l <a.tsv)" -eq "$(wc -l <again.tsv)" ] || fail "a TSV came back as another trace"

expect 2 "$heaptape" fixture -o x.etl
says "either --scenario NAME or --from LOG"
expect 2 "$heaptape" fixture --scenario one --from log -o x.etl
expect 2 "$heaptape" fixture --scenario one
says "-o OUT is missing"
expect 2 "$heaptape" fixture --scenario nonesuch -o x.etl
says "there is no scenario nonesuch"
expect 2 "$heaptape" fixture --scenario one --seed -1 -o x.etl
says "is no number"
expect 2 "$heaptape" fixture --scenario one --seed 99999999999999999999 -o x.etl
expect 2 "$heaptape" fixture --scenario one --events 10k -o x.etl
expect 2 "$heaptape" fixture --scenario one --cpus 99999 -o x.etl
expect 2 "$heaptape" fixture --scenario one --windows 8 -o x.etl
expect 2 "$heaptape" fixture --scenario one --pointer-size 5 -o x.etl
expect 2 "$heaptape" fixture --scenario one --clock sun -o x.etl
expect 2 "$heaptape" fixture --scenario one -o x.etl more
says "more has no place here"
expect 2 "$heaptape" fixture --from log -o log
says "log is also the log"
exists_not x.etl
