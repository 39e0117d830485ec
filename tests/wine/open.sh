#!/bin/sh
# SPDX-License-Identifier: MIT
# `open` serves on Windows what `convert` writes on Linux, once. $2 is the program for Linux.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/../cli/common.sh"
client=$(cd "$(dirname "$0")/../tools" && pwd)/http_client.py

"$2" fixture --scenario heaps --events 3000 -o a.etl 2>err
"$2" convert a.etl -o a.pftrace 2>err
: >link.out
"$heaptape" open --port 0 --no-browser a.etl >link.out 2>open_err &
id=$!
until [ -s link.out ]; do
    kill -0 $id 2>/dev/null || fail "it ended: $(cat open_err)"
    sleep 0.05
done
url=$(sed -n 's|^https://ui.perfetto.dev/#!/?url=||p' link.out)
python3 "$client" "$url" misbehave
python3 "$client" "$url" fetch >got
wait $id || fail "status $?: $(cat open_err)"
cmp got a.pftrace || fail "other bytes"
grep -q "a.etl.pftrace: fetched" open_err || fail "$(cat open_err)"
python3 "$client" "$url" refused
