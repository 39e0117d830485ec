#!/bin/sh
# SPDX-License-Identifier: MIT
# The reader in docs/examples, which has nothing of ours but the .proto, prints the TSV that we do:
# for every scenario, usual, raw and best. Skipped where protobuf's Python or lz4 is missing.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
source=$2

python=
for candidate in python3 /usr/bin/python3; do
    if "$candidate" -c 'import google.protobuf' 2>/dev/null; then
        python=$candidate
    fi
done
if [ -z "$python" ] || ! command -v lz4 >/dev/null || ! command -v protoc >/dev/null; then
    echo "SKIPPED: needs protobuf for Python, protoc and lz4"
    exit 77
fi
[ "$(wc -l <"$source/docs/examples/read_htape.py")" -lt 120 ] || fail "the reader is too long"
protoc --python_out=. -I "$source/formats" "$source/formats/compact.proto"

# same NAME OPTION...: of a.etl.
same() {
    name=$1
    shift
    "$heaptape" convert a.etl "$@" -o a.htape 2>err
    "$heaptape" convert a.htape --raw -o ours.tsv 2>err
    PYTHONPATH=. "$python" "$source/docs/examples/read_htape.py" a.htape >theirs.tsv ||
        fail "$scenario: $name"
    cmp ours.tsv theirs.tsv || fail "$scenario: $name"
}

"$heaptape" fixture --list >list
while read -r scenario _; do
    "$heaptape" fixture --scenario "$scenario" --events 2000 -o a.etl 2>err
    same usual
    same raw --raw
done <list
same best --best
