#!/bin/sh
# SPDX-License-Identifier: MIT
# Help, versions and misuse: what is said, where, and with which status.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"

expect 0 "$heaptape" --help
prints "Usage: heaptape COMMAND"
is_silent err
expect 0 "$heaptape" help
prints "Usage: heaptape COMMAND"
expect 0 "$heaptape" --version
prints "LZ4 1."
prints "zlib 1."
prints "protobuf-c 1."

for command in convert info replay compare reduce heaps fixture; do
    expect 0 "$heaptape" "$command" --help
    prints "Usage: heaptape $command"
    is_silent err
    cp out help_by_option
    expect 0 "$heaptape" help "$command"
    cmp out help_by_option
    expect 2 "$heaptape" "$command" --no-such-option
    says "heaptape $command: there is no option --no-such-option (try heaptape $command --help)"
    is_silent out
    [ "$(wc -l <err)" -eq 1 ] || fail "misuse takes one line"
done

expect 2 "$heaptape"
says "a command is missing"
expect 2 "$heaptape" konvert
says "there is no command konvert"
expect 2 "$heaptape" help konvert
says "there is no command konvert"
expect 2 "$heaptape" --konvert
says "there is no option --konvert"

expect 2 "$heaptape" convert
says "IN is missing"
expect 2 "$heaptape" convert in.etl
says "-o OUT is missing"
expect 2 "$heaptape" convert in.etl -o
says "-o needs a value"
expect 2 "$heaptape" convert in.etl --to
says "--to needs a value"
expect 2 "$heaptape" convert in.etl -o out.xyz
says "no format is known by the name of out.xyz: --to takes"
expect 2 "$heaptape" convert in.etl -o out.tsv --to xyz
says "there is no format xyz: --to takes"
expect 2 "$heaptape" convert in.etl --best -o out.tsv
says "tsv has no --best"
expect 2 "$heaptape" convert in.etl -o out.etl
says "no format is known by the name of out.etl"
expect 2 "$heaptape" convert in.etl -o -
says "--to takes"

expect 2 "$heaptape" info
says "IN is missing"
expect 2 "$heaptape" info --json=yes in.etl
says "there is no option --json=yes"
expect 2 "$heaptape" replay in.etl --heap none
says "there is no heap none: --heap takes "
says "libc, null, "
says "or a path with /"
expect 2 "$heaptape" replay in.etl --touch softly
says "--touch takes none, first, page or fill, not softly"
expect 2 "$heaptape" replay in.etl --metrics --latency 100
says "--metrics and --latency disturb each other: one at a time"
exists_not out.tsv out.etl out.xyz
