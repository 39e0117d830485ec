#!/bin/sh
# SPDX-License-Identifier: MIT
# Every long option of a command's help is in its manual page, and the other way round. $2 is the
# root of the source.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
pages=$2/docs/man

in_help() {
    grep -oE -- '(^|[ ,])--[a-z][a-z-]*' | grep -oE -- '--[a-z][a-z-]*' | sort -u
}

# Of a manual page only what stands at the head of a tagged paragraph: text may speak of others.
in_page() {
    grep -A1 '^\.TP' "$1" | sed 's/\\-/-/g' | grep -oE -- '--[a-z][a-z-]*' | sort -u
}

for command in convert info open replay compare reduce heaps fixture; do
    "$heaptape" "$command" --help | sed '/^Filters/,$d' | sed -n '/^ .*--/p' | in_help >from_help
    in_page "$pages/heaptape-$command.1" >from_page
    [ "$(wc -l <from_help)" -ge 2 ] || fail "$command: found too few options"
    diff from_help from_page || fail "heaptape-$command.1 and the help of $command differ"
    grep -q "^.BR heaptape.-$command (1)" "$pages/heaptape.1" ||
        fail "heaptape.1 does not name $command"
done

# The filters, which six commands share, are in heaptape.1.
sed -n '/^.SH FILTERS/,/^.SH EXIT/p' "$pages/heaptape.1" >filters.1
in_page filters.1 >from_page
for command in convert info open replay compare reduce; do
    "$heaptape" "$command" --help | sed -n '/^Filters/,$p' | in_help >from_help
    diff from_help from_page || fail "heaptape.1 and the filters of $command differ"
done
