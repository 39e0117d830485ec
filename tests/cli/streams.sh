#!/bin/sh
# SPDX-License-Identifier: MIT
# "-" is standard input and output; binary does not go to a terminal; a file cannot be its own
# output.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"

expect 0 "$heaptape" fixture --scenario vectors --events 200 -o a.etl
expect 0 "$heaptape" convert a.etl -o a.tsv
expect 0 "$heaptape" convert a.etl -o a.htape

expect 0 "$heaptape" fixture --scenario vectors --events 200 -o -
cmp out a.etl
expect 0 "$heaptape" convert a.etl --to tsv -o -
cmp out a.tsv
"$heaptape" convert --to htape a.etl -o - 2>err | "$heaptape" convert - -o piped.tsv 2>err
cmp piped.tsv a.tsv
"$heaptape" convert --to tsv - -o - <a.htape >piped2.tsv 2>err
cmp piped2.tsv a.tsv
"$heaptape" convert - -o piped.htape <a.tsv 2>err
"$heaptape" convert piped.htape -o piped3.tsv 2>err
cmp piped3.tsv a.tsv

# Formats are known by their bytes.
cp a.htape misnamed.etl
expect 0 "$heaptape" info misnamed.etl
prints "htape"

# An .etl is read by position: a pipe will not do, a file as standard input will.
expect 0 sh -c "'$heaptape' convert - --to tsv -o - <a.etl"
cmp out a.tsv
expect 1 sh -c "cat a.etl | '$heaptape' info -"
says "standard input"

# Its own output.
expect 2 "$heaptape" convert a.tsv -o a.tsv
says "a.tsv is also the input"
ln -s a.tsv link.tsv
ln a.tsv hard.tsv
expect 2 "$heaptape" convert a.tsv -o link.tsv
expect 2 "$heaptape" convert hard.tsv -o a.tsv
cmp a.tsv piped.tsv

# What stands there is replaced, and only when the new one is whole.
echo old >replaced.tsv
expect 0 "$heaptape" convert a.etl -o replaced.tsv
cmp replaced.tsv a.tsv
expect 0 "$heaptape" convert a.etl --to tsv -o /dev/null

# A full disk.
expect 1 "$heaptape" convert a.etl --to tsv -o /dev/full
says "/dev/full"
expect 1 sh -c "'$heaptape' info a.etl >/dev/full"
says "standard output"
expect 1 sh -c "'$heaptape' info --json a.etl >/dev/full"
says "standard output"

# A terminal gets text, not bytes.
if script -qec true /dev/null >out 2>&1; then
    expect 2 script -qec "'$heaptape' convert a.etl --to htape -o -" /dev/null
    prints "binary"
    expect 2 script -qec "'$heaptape' fixture --scenario one -o -" /dev/null
    prints "binary"
    expect 0 script -qec "'$heaptape' convert a.etl --to tsv -o -" /dev/null
    prints "realloc"
else
    echo "skipped, for this machine has no terminals to give: what a terminal gets"
fi
