#!/bin/sh
# SPDX-License-Identifier: MIT
# What the program writes on Windows is, byte for byte, what it writes on Linux: fixtures, and every
# format, from files and through pipes. $2 is the program for Linux.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/../cli/common.sh"
linux=$2
[ -x "$linux" ] || fail "there is no $linux to compare with"

# same NAME WORD...: both write the same into NAME, with these words and the name behind `-o`.
same() {
    name=$1
    shift
    expect 0 "$heaptape" "$@" -o "$name"
    says "$name: "
    mv "$name" from_windows
    expect 0 "$linux" "$@" -o "$name"
    cmp "$name" from_windows || fail "other bytes: $* -o $name"
    count=$((count + 1))
}

count=0
for scenario in churn heaps kinds modules; do
    same $scenario.etl fixture --scenario $scenario --events 700 --compress
    for to in htape tsv pftrace json json.gz; do
        same $scenario.$to convert $scenario.etl
    done
    same again.etl fixture --from $scenario.tsv
    expect 0 "$heaptape" info $scenario.etl --all-events
    mv out from_windows
    expect 0 "$linux" info $scenario.etl --all-events
    cmp out from_windows || fail "info of $scenario"
done
[ $count -eq 28 ] || fail "$count files were compared"

same best.htape convert churn.etl --best
same shared.htape convert churn.etl --redact --rebase
same part.htape convert churn.htape --until 1ms --min-size 64

# Streams carry bytes; names and folders are in UTF-8.
"$heaptape" convert - -o - --to tsv <churn.htape >through.tsv 2>err
cmp through.tsv churn.tsv || fail "through pipes"
mkdir "Größe 大"
same "Größe 大/ñ.htape" convert churn.etl
expect 0 "$heaptape" info "Größe 大/ñ.htape"
prints "Größe 大/ñ.htape"
[ "$(ls "Größe 大")" = "ñ.htape" ] || fail "$(ls "Größe 大")"
expect 0 "$heaptape" convert churn.etl -o NUL --to htape
exists_not NUL NUL.*

# A file that is cut is read as far as it goes, and said to be; what is no trace is refused.
head -c 9000 churn.etl >cut.etl
expect 0 "$heaptape" convert cut.etl -o cut.htape
says "lost: 1 cut"
expect 1 "$heaptape" convert cut.etl -o strict.htape --strict
exists_not strict.htape
head -c 300 churn.htape >cut.htape
expect 0 "$heaptape" info cut.htape
prints "cut "
expect 1 "$heaptape" info no-such.etl
says "no-such.etl: No such file or directory"
