#!/bin/sh
# SPDX-License-Identifier: MIT
# open serves the .pftrace that convert writes, once, to a client that behaves, whatever others do.
# $2 is the root of the source.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
client=$2/tests/tools/http_client.py

"$heaptape" fixture --scenario heaps --events 3000 -o "a b.etl" 2>err
"$heaptape" convert "a b.etl" -o a.pftrace 2>err
"$heaptape" convert "a b.etl" --pid 4242 -o part.pftrace 2>err
"$heaptape" convert "a b.etl" -o a.json 2>err

# opened ARGUMENT...: begins `open`, on a port of its own, and waits for its link.
opened() {
    : >link.out
    "$heaptape" open --port 0 "$@" >link.out 2>open_err &
    id=$!
    until [ -s link.out ]; do
        kill -0 $id 2>/dev/null || fail "it ended: $(cat open_err)"
        sleep 0.05
    done
    url=$(sed -n 's|^https://ui.perfetto.dev/#!/?url=||p' link.out)
}

# ended STATUS: it ends by itself with this status.
ended() {
    status=0
    wait $id || status=$?
    [ $status -eq "$1" ] || fail "status $status, not $1: $(cat open_err)"
}

# What is converted, the very bytes; the headers; no second time.
opened "a b.etl" --no-browser
case $url in http://127.0.0.1:*/a_b.etl.pftrace) ;; *) fail "link: $(cat link.out)" ;; esac
python3 "$client" "$url" fetch >got
ended 0
cmp got a.pftrace || fail "other bytes"
grep -q "a_b.etl.pftrace: fetched" open_err || fail "$(cat open_err)"
python3 "$client" "$url" refused

# Filters choose; what is written already is served as it is.
opened "a b.etl" --pid 4242 --no-browser
python3 "$client" "$url" fetch | cmp - part.pftrace || fail "filter"
ended 0
"$heaptape" convert "a b.etl" --full -o full.pftrace 2>err
opened "a b.etl" --full --no-browser
python3 "$client" "$url" fetch | cmp - full.pftrace || fail "--full"
ended 0
for file in a.pftrace a.json; do
    opened $file --no-browser
    python3 "$client" "$url" fetch | cmp - $file || fail "$file"
    ended 0
done

# What is left out is told.
"$heaptape" fixture --scenario vectors --events 3000 -o v.etl 2>err
opened v.etl --budget 1 --no-browser
python3 "$client" "$url" fetch >got
ended 0
grep -q "v.etl.pftrace: will count every event and show the largest reallocs, in at most 1 MB" open_err ||
    fail "$(cat open_err)"
grep -q "v.etl.pftrace: 1,000 of [0-9,]* reallocs are shown one by one" open_err || fail "$(cat open_err)"

# Clients that stall, break off, send nonsense or too much, or ask for what is not there.
opened "a b.etl" --no-browser
python3 "$client" "$url" misbehave
kill -0 $id || fail "a client ended it: $(cat open_err)"
python3 "$client" "$url" fetch_among_silent | cmp - a.pftrace || fail "among silent ones"
ended 0

# A busy port is told before any work.
opened a.pftrace --no-browser
port=${url#http://127.0.0.1:}
expect 1 "$heaptape" open missing.etl --no-browser --port "${port%%/*}"
says "listening on 127.0.0.1:${port%%/*}: Address already in use"
is_silent out

# An interrupt ends the waiting. (A shell without job control has its background jobs ignore it.)
python3 "$client" "$url" fetch >got
ended 0
python3 - "$heaptape" a.pftrace <<'PYTHON' || fail "interrupt"
import signal, subprocess, sys
run = subprocess.Popen([sys.argv[1], "open", sys.argv[2], "--no-browser", "--port", "0"],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                       preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
run.stdout.readline()
run.send_signal(signal.SIGINT)
error = run.communicate(timeout=60)[1]
if run.returncode != 1 or "ended before anybody fetched it" not in error:
    sys.exit(f"{run.returncode}: {error}")
PYTHON

# With a screen the link goes to the browser, too.
mkdir bin
cat >bin/xdg-open <<'BROWSER'
#!/bin/sh
echo "noise"
echo "$1" >shown
BROWSER
chmod +x bin/xdg-open
PATH=$PWD/bin:$PATH DISPLAY=:0 opened a.pftrace
until [ -s shown ]; do sleep 0.05; done
cmp shown link.out || fail "shown: $(cat shown)"
python3 "$client" "$url" fetch >got
ended 0
[ "$(wc -l <link.out)" -eq 1 ] || fail "the browser's noise: $(cat link.out)"

expect 2 "$heaptape" open
says "IN is missing"
expect 2 "$heaptape" open a.pftrace --pid 1
says "a.pftrace is served as it is, alone"
expect 2 "$heaptape" open a.pftrace --full
says "a.pftrace is served as it is, alone"
expect 2 "$heaptape" open a.etl --port 65536
expect 1 "$heaptape" open missing.etl --no-browser --port 0
says "missing.etl"
