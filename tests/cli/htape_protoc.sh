#!/bin/sh
# A .htape file is read by lz4 and protoc alone. Arguments: the file, the folder of compact.proto.
# The file is the sample that the unit test of the compact format leaves behind.
set -eu
file=$1
protos=$2

for tool in lz4 protoc; do
    if ! command -v "$tool" >/dev/null; then
        echo "skipped: there is no $tool"
        exit 77
    fi
done

text=$(lz4 -dc "$file" | protoc --decode=ht.Stream -I "$protos" "$protos/compact.proto")
piped=$(lz4 -dc <"$file" | protoc --decode=ht.Stream -I "$protos" "$protos/compact.proto")
[ "$text" = "$piped" ] || { echo "a pipe gives another text"; exit 1; }

expect() {
    found=$(printf '%s\n' "$text" | grep -cxF -- "$2") || :
    [ "$found" -eq "$1" ] || { echo "expected $1 of '$2', found $found"; exit 1; }
}
expect 1 'header {'
expect 1 '  version_major: 1'
expect 1 '  format: "elsewhere"'
expect 1 '  text: "ntdll.dll"'
expect 2 '  module {'
expect 1 '    time_stamp: 2147483648'
expect 1 'blocks {'
expect 3 '  event_count: 99' # of the block, of the end record and of the index
expect 1 '  first_time_ns: -5000'
expect 1 'end {'
expect 1 'index {'
shapes=$(printf '%s\n' "$text" | grep -c '^  shape: ')
[ "$shapes" -eq 99 ] || { echo "expected 99 events with a shape, found $shapes"; exit 1; }
