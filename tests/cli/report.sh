#!/bin/sh
# SPDX-License-Identifier: MIT
# The page of a replay against the JSON of the same one; hostile names in it are text.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"

for scenario in empty one churn vectors heaps; do
    expect 0 "$heaptape" fixture --scenario "$scenario" --events 600 -o "$scenario.etl"
    expect 0 "$heaptape" replay "$scenario.etl" --report "$scenario.html" --json
    is_silent err
    mv out "$scenario.json"
    python3 "$2/tests/cli/report.py" "$scenario.html" "$scenario.json" || fail "page of $scenario"
done

hostile='<script>alert(1)<!--.tsv'
{
    printf 'time_ns\tpid\ttid\tcpu\tkind\theap\taddress\tsize\told_address\told_size\tsource\tstack\n'
    printf '0\t1\t7\t0\talloc\t0x100\t0x10000\t8\t\t\t\t%s\n' '"><script>b</script>+0x1f0'
} >"$hostile"
expect 0 "$heaptape" replay "$hostile" --report page.html --json
python3 "$2/tests/cli/report.py" page.html out || fail "page of a hostile name"
grep -q '&lt;script&gt;alert(1)&lt;!--.tsv' page.html || fail "the file's name is not there"
grep -q '&quot;&gt;&lt;script&gt;b' page.html || fail "the module's name is not there"

expect 2 "$heaptape" replay one.etl --report -
says "--report needs the name of a file"
expect 2 "$heaptape" replay one.etl --report one.etl
says "one.etl is also the input"
expect 2 "$heaptape" replay one.etl --report x.html --latency 10
expect 1 "$heaptape" replay one.etl --heap null --report x.html
expect 1 "$heaptape" replay one.etl --report no/such/x.html
exists_not x.html no
