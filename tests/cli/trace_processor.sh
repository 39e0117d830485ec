#!/bin/sh
# SPDX-License-Identifier: MIT
# Perfetto's own trace_processor opens what is written, finds nothing wrong with it, and answers every
# query of docs/sql as our own reading of the file does. Skipped where it or Node.js is missing:
# tools/install-trace-processor gets it.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/cli/with_stacks.sh
. "$(dirname "$0")/with_stacks.sh"
tools=$2/tests/tools
engine=$2/build/trace-processor
if [ ! -f "$engine/trace_processor.wasm" ] || ! command -v node >/dev/null; then
    echo "SKIPPED: needs Node.js and the files of tools/install-trace-processor"
    exit 77
fi
mkdir sql
cp "$2"/docs/sql/*.sql sql

# ask FILE QUERY.sql...: trace_processor's answers go to `theirs`, the views loaded first.
ask() {
    trace=$1
    shift
    node "$tools/trace_processor.mjs" "$engine" "$trace" sql/winheap.sql "$@" >out 2>err
    sed 1d out >theirs
}

# agree NAME FILE: both give the same rows to every query, so the importer's errors are none.
agree() {
    python3 -B "$tools/pftrace_sql.py" "$2" sql >ours || fail "$1: $(cat ours)"
    # shellcheck disable=SC2046  # names without spaces
    ask "$2" $(find sql -name '[0-9i]*.sql' | sort) || fail "$1: $(cat err)"
    diff ours theirs >differences || fail "$1: $(cat differences)"
}

for scenario in empty one heaps unknown lost kinds; do
    "$heaptape" fixture --scenario "$scenario" --events 300 -o a.etl 2>err
    "$heaptape" convert a.etl -o a.tsv 2>err
    with_stacks <a.tsv >stacks.tsv
    "$heaptape" convert stacks.tsv -o stacks.pftrace 2>err
    agree "$scenario" stacks.pftrace
    "$heaptape" convert stacks.tsv --full -o stacks.pftrace 2>err
    agree "every event of $scenario" stacks.pftrace
done

# What needs every event, against the events themselves.
for scenario in heaps cpus churn; do
    "$heaptape" fixture --scenario "$scenario" --events 3000 -o a.etl 2>err
    "$heaptape" convert a.etl -o a.tsv 2>err
    "$heaptape" convert a.etl --full -o a.pftrace 2>err
    # A time between those of the recording's clock.
    since=$(sed -n 800p a.tsv | awk '{ print $1 + 50 }')
    until=$(sed -n 2100p a.tsv | awk '{ print $1 + 50 }')
    sed "s/SELECT (3 .* AS t1, .* AS t2/SELECT $since AS t1, $until AS t2/" \
        "$2/docs/sql/08-inside-and-outside.sql" >sql/08-inside-and-outside.sql
    grep -q "$since AS t1" sql/08-inside-and-outside.sql || fail "the window of 08"
    ask a.pftrace sql/01*.sql sql/08*.sql sql/15*.sql sql/16*.sql sql/18*.sql sql/19*.sql ||
        fail "$scenario: $(cat err)"
    python3 "$tools/every_event.py" a.tsv theirs "$since" "$until" || fail "$scenario"
done
# Of a file without every event they say nothing.
"$heaptape" convert a.etl -o a.pftrace 2>err
ask a.pftrace sql/08*.sql sql/15-bursts-by*.sql sql/16-frees*.sql sql/18*.sql sql/19*.sql
[ "$(grep -c ' 0$' theirs)" -eq 5 ] || fail "from a part of the events: $(cat theirs)"

# The summary of a fleet's spec, with docs/sql as a package: its figures are those of info. One text of
# views and query, as Bigtrace is sent, runs as well.
"$heaptape" fixture --scenario heaps --events 300 -o a.etl 2>err
"$heaptape" convert a.etl -o a.pftrace 2>err
"$heaptape" info --json a.etl >info.json
node "$tools/trace_processor.mjs" "$engine" a.pftrace --package sql@winheap \
    "$2/docs/fleet/summary.textproto" >summary 2>err || fail "summary: $(cat err)"
python3 - summary info.json <<'PYTHON' || fail "summary"
import collections, json, re, sys

text = open(sys.argv[1]).read()
info = json.load(open(sys.argv[2]))
attributes = dict(re.findall(r'key: "([^"]*)"\s*value: "([^"]*)"', text))
assert attributes["winheap.schema"] == "1" and attributes["winheap.events_lost"] == "0", attributes
assert attributes["system_name"] == "Windows" and attributes["winheap.host"] == "", attributes
found = {}
for bundle in text.split("metric_bundles {")[1:]:
    name = re.search(r'bundle_id: "(.*)"', bundle)[1]
    rows = re.split(r"\n  row \{", bundle)[1:]
    found[name] = [re.findall(r'(?:_value: )"?([^"\n]*)"?\n', row) for row in rows]
# info has one row for all uses of a handle.
heaps = {(h["pid"], "Heap " + h["handle"]): (h["peak_bytes"], h["end_bytes"])
         for h in info["heaps"]}
told = {}
for _, pid, group, peak, end, *_ in found["heap"]:
    heap = group.split(" #")[0]
    most, left = told.get((int(pid), heap), (0, 0))
    told[int(pid), heap] = max(most, int(float(peak))), left + int(float(end))
assert len(told) >= 10 and told.items() <= heaps.items(), (told, heaps)
ends = collections.Counter()
for heap in info["heaps"]:
    ends[heap["pid"]] += heap["end_bytes"]
assert {int(row[1]): int(float(row[4])) for row in found["process"]} == ends, found["process"]
PYTHON
cat sql/winheap.sql sql/01-peak-live-bytes.sql >one.sql
node "$tools/trace_processor.mjs" "$engine" a.pftrace one.sql >out 2>err || fail "$(cat err)"
[ "$(sed 1d out | wc -l)" -eq 3 ] || fail "one text: $(cat out)"

# Symbols put behind the trace name its frames, also of one that is gzipped, as members one behind the
# other.
"$heaptape" fixture --scenario vectors --events 300 -o a.etl 2>err
"$heaptape" convert a.etl -o a.tsv 2>err
with_stacks <a.tsv >stacks.tsv
"$heaptape" convert stacks.tsv -o a.pftrace 2>err
"$heaptape" convert stacks.tsv -o a.pftrace.gz 2>err
python3 - <<'PYTHON'
def field(number, value):
    tag = number << 3 | 2
    head = bytes([tag]) if tag < 0x80 else bytes([tag & 0x7F | 0x80, tag >> 7])
    return head + bytes([len(value)]) + value

# ModuleSymbols: path, then of the address 0x10 a line of code with its function.
symbols = field(1, b"/ntdll.dll") + field(3, b"\x08\x10" + field(2, field(1, b"RtlpHeap")))
open("symbols", "wb").write(field(1, field(61, symbols)))
PYTHON
echo "SELECT count(*), sum(stack LIKE 'ntdll.dll!RtlpHeap < %'), sum(stack LIKE 'ntdll.dll+%')
FROM winheap_stack WHERE stack LIKE 'ntdll%';
SELECT name FROM stats WHERE severity IN ('error', 'data_loss', 'notice') AND value > 0;" >named.sql
gzip -c symbols >symbols.gz
cat a.pftrace symbols >named.pftrace
cat a.pftrace.gz symbols.gz >named.pftrace.gz
for file in named.pftrace named.pftrace.gz; do
    ask "$file" named.sql || fail "$(cat err)"
    grep -Eqx "  ([1-9][0-9]*)	\\1	0" theirs || fail "$file: $(cat theirs)"
    [ "$(wc -l <theirs)" -eq 2 ] || fail "the importer complains: $(cat theirs)"
done

# .json is imported without an error and tells the same as the .pftrace, in the same process: each sample
# of each counter, each realloc, mark, chain and block at its nanosecond, and each histogram. So few
# events that its coarser counters hold all of them.
cat >owner.sql <<'SQL'
CREATE PERFETTO VIEW owner AS
SELECT t.id AS track_id, pid FROM process_track t JOIN process USING (upid) UNION ALL
SELECT t.id, pid FROM thread_track t JOIN thread USING (utid) JOIN process USING (upid);
SQL
cat >native.sql <<'SQL'
SELECT 'process', pid, name FROM process WHERE name IS NOT NULL;
SELECT 'counter', pid, c.grp || ' ' || c.name, ts, printf('%.6g', value)
FROM winheap_counter c JOIN process USING (upid);
SELECT 'event', pid, category, iif(category = 'histogram', 0, ts), dur, name,
  printf('0x%x', extract_arg(arg_set_id, 'debug.heap')),
  printf('0x%x', extract_arg(arg_set_id, 'debug.address')),
  printf('0x%x', extract_arg(arg_set_id, 'debug.old_address')),
  extract_arg(arg_set_id, 'debug.size'), extract_arg(arg_set_id, 'debug.block_id'),
  extract_arg(arg_set_id, 'debug.step'), extract_arg(arg_set_id, 'debug.steps'),
  extract_arg(arg_set_id, 'debug.copied_bytes'), extract_arg(arg_set_id, 'debug.bucket_lo'),
  extract_arg(arg_set_id, 'debug.count'), printf('%.6g', extract_arg(arg_set_id, 'debug.growth'))
FROM slice JOIN owner USING (track_id)
WHERE category IN ('realloc', 'mark', 'chain', 'block', 'histogram');
SQL
# In .json the steps of a chain stand in it too, each slice stands in one of its row's name, those that
# never ended do so with the recording, and the last sample of a counter is repeated at the end.
cat >json.sql <<'SQL'
SELECT 'process', pid, name FROM process WHERE name IS NOT NULL;
SELECT 'counter', pid, name, ts, printf('%.6g', value) FROM (
  SELECT c.*, p.pid, t.name, lag(value) OVER (PARTITION BY track_id ORDER BY ts) AS before
  FROM counter c JOIN process_counter_track t ON t.id = c.track_id JOIN process p USING (upid))
WHERE before IS NULL OR value <> before;
SELECT 'event', pid, category, iif(category = 'histogram', 0, ts),
  iif(extract_arg(arg_set_id, 'args.ended') = 0, -1, dur), name,
  ifnull(extract_arg(arg_set_id, 'args.heap'), '0x0'),
  ifnull(extract_arg(arg_set_id, 'args.address'), '0x0'),
  ifnull(extract_arg(arg_set_id, 'args.old_address'), '0x0'),
  extract_arg(arg_set_id, 'args.size'), extract_arg(arg_set_id, 'args.block_id'),
  extract_arg(arg_set_id, 'args.step'), extract_arg(arg_set_id, 'args.steps'),
  extract_arg(arg_set_id, 'args.copied_bytes'), extract_arg(arg_set_id, 'args.bucket_lo'),
  extract_arg(arg_set_id, 'args.count'), printf('%.6g', extract_arg(arg_set_id, 'args.growth'))
FROM slice JOIN owner USING (track_id) WHERE (category <> 'chain' OR dur <> 0)
  AND name NOT IN ('Realloc chains', 'Large and long-lived blocks');
SELECT 'wrong', t.type, t.name, r.name FROM slice r JOIN track t ON t.id = r.track_id
WHERE category IN ('chain', 'block') AND depth = 0 AND dur <> 0
  AND (t.type <> 'legacy_async_process_slice' OR t.name <> r.name OR r.name NOT LIKE '% %s');
SELECT 'wrong', name, value FROM stats WHERE severity IN ('error', 'data_loss', 'notice') AND value > 0;
SQL
for scenario in heaps kinds empty churn lost; do
    "$heaptape" fixture --scenario "$scenario" --events 300 -o a.etl 2>err
    # As on a machine that has been up for 50 days: no nanosecond gets lost.
    "$heaptape" convert a.etl --to tsv -o - 2>err |
        awk 'BEGIN { FS = OFS = "\t" } NR > 1 { $1 = sprintf("%.0f", $1 + 4320000123456789) } 1' >a.tsv
    with_stacks <a.tsv >stacks.tsv
    for to in pftrace json.gz; do
        "$heaptape" convert stacks.tsv -o "a.$to" 2>err
    done
    ask a.pftrace owner.sql native.sql || fail "$(cat err)"
    grep '^  ' theirs | sed '/^  counter/s/ #[0-9]*//' | sort >ours
    node "$tools/trace_processor.mjs" "$engine" a.json.gz owner.sql json.sql >out 2>err || fail "$(cat err)"
    # "Heap 0x1f0 #2 live_bytes bytes": not the use, which is one of the pid there, and not the unit.
    grep '^  ' out | sed '/^  counter/{s/ #[0-9]*//; s/ [^ \t]*\(\t[0-9]*\t[^\t]*\)$/\1/;}' | sort >theirs
    diff ours theirs >differences || fail "$scenario.json: $(head -50 differences)"
done
[ -s ours ] || fail "nothing to compare"

# A pid used twice: Perfetto 55 gives the first process's heap profiles to the second, 58 does not.
# So those queries are left out here.
# shellcheck disable=SC2046  # names without spaces
rm $(grep -l heap_profile sql/[0-9i]*.sql)
"$heaptape" fixture --scenario modules --events 300 -o a.etl 2>err
"$heaptape" convert a.etl -o a.pftrace 2>err
agree modules a.pftrace
grep -q "winheap.host.*BUILD-PC" theirs || fail "the machine is not named"
[ "$(grep -c 4242 theirs)" -ge 2 ] || fail "one process for two of the same pid: $(cat theirs)"

# What is no trace is an error.
echo "no trace" >a.pftrace
expect 1 node "$tools/trace_processor.mjs" "$engine" a.pftrace
