# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced first by every test here, which gets the program's path as $1. Gives it a folder of its
# own to stand in, and the words to say what is expected.
set -eu

heaptape=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

# expect STATUS COMMAND...: the command ends with this status; its output is in out and err.
expect() {
    expected=$1
    shift
    status=0
    "$@" >out 2>err || status=$?
    if [ "$status" -ne "$expected" ]; then
        cat out err >&2
        fail "status $status, not $expected: $*"
    fi
}

# says TEXT: what the last command said on standard error has the text.
says() {
    grep -qF -- "$1" err || fail "expected \"$1\" in: $(cat err)"
}

# prints TEXT: the same of standard output.
prints() {
    grep -qF -- "$1" out || fail "expected \"$1\" in: $(cat out)"
}

# is_silent FILE: the file, out or err, is empty.
is_silent() {
    [ ! -s "$1" ] || fail "expected nothing in $1: $(cat "$1")"
}

# exists_not FILE...: none of these are there.
exists_not() {
    for file in "$@"; do
        [ ! -e "$file" ] || fail "$file should not be there"
    done
}
