#!/bin/sh
# SPDX-License-Identifier: MIT
# The list of heaps, and replays on heaps out of libraries: by path, by name where they are
# installed, with settings. $3 is the folder of the libraries in tests/heaps.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
libraries=$3

expect 0 "$heaptape" heaps
for name in libc null jemalloc mimalloc tcmalloc; do
    prints "$name"
done
is_silent err
expect 0 "$heaptape" heaps --json
python3 "$2/tests/cli/check_json.py" out
cp out heaps.json

expect 0 "$heaptape" fixture --scenario churn --events 500 -o a.etl
expect 0 "$heaptape" convert a.etl -o a.htape

# A heap by its path, absolute and not; one whose file is not there, is no heap, is half a heap.
expect 0 "$heaptape" replay a.htape --heap "$libraries/heap_counting.so"
prints "on $libraries/heap_counting.so (heap_counting.so)"
cp "$libraries/heap_counting.so" .
expect 0 "$heaptape" replay a.htape --heap ./heap_counting.so
prints "allocs that failed here"
expect 1 "$heaptape" replay a.htape --heap ./no-such.so
says "./no-such.so: cannot open shared object file"
expect 1 "$heaptape" replay a.htape --heap ./a.htape
says "./a.htape: "
expect 1 "$heaptape" replay a.htape --heap "$libraries/heap_nothing.so"
says "this library has no malloc"
expect 1 "$heaptape" replay a.htape --heap "$libraries/heap_no_realloc.so"
says "this library has no realloc"

# What the heap says of itself; the counting heap as tcmalloc would. A heap that tells nothing has
# no such part.
expect 0 "$heaptape" replay a.htape --heap ./heap_counting.so
prints "MallocExtension_GetNumericProperty says of the whole process"
expect 0 "$heaptape" replay a.htape --heap ./heap_counting.so --metrics --json
python3 - <<'END'
import json
account = json.load(open("out"))["account"]
assert account["source"] == "MallocExtension_GetNumericProperty", account
told = [account[when] for when in ("before", "at_peak", "at_end")]
assert all(list(figures) == ["generic.current_allocated_bytes"] for figures in told), told
before, peak, end = (figures["generic.current_allocated_bytes"] for figures in told)
assert before == 0 < peak <= end, told
END
expect 0 "$heaptape" replay a.htape --heap null
grep -q "the heap of itself" out && fail "the null heap tells of itself"
expect 0 "$heaptape" replay a.htape --heap null --json
prints '"account":{}'

# An interrupt ends a replay between the spans of its plan, with the report until then; in a heap
# that never answers, the second one ends the program.
expect 0 "$heaptape" fixture --scenario churn --events 100000 -o long.etl
expect 1 "$heaptape" replay long.etl --heap "$libraries/heap_interrupting.so"
prints "interrupted; of the trace"
says "interrupted: this is of the first 65,"
expect 1 "$heaptape" replay long.etl --heap "$libraries/heap_interrupting.so" --json
prints '"is_whole":false'
expect 1 "$heaptape" replay long.etl --heap "$libraries/heap_interrupting.so" --order timed \
    --speed 0.001
prints "order timed"
prints "interrupted; of the trace"
says "interrupted: this is of "
expect 0 "$heaptape" replay a.htape --heap "$libraries/heap_interrupting.so" --json
prints '"is_whole":true'
python3 - "$heaptape" "$libraries/heap_waiting.so" <<'END'
import os, signal, subprocess, sys, time

child = subprocess.Popen([sys.argv[1], "replay", "a.htape", "--heap", sys.argv[2]])
while not os.path.exists("waiting"):
    assert child.poll() is None
    time.sleep(0.01)
while child.poll() is None:
    child.send_signal(signal.SIGINT)
    time.sleep(0.01)
assert child.returncode == -signal.SIGINT, child.returncode
END

# Settings reach the heap before it is loaded, and the report.
expect 0 "$heaptape" replay a.htape --heap-env MALLOC_ARENA_MAX=1 --heap-env A=b=c
prints "with MALLOC_ARENA_MAX=1"
prints "with A=b=c"
expect 0 "$heaptape" replay a.htape --heap-env MALLOC_ARENA_MAX=1 --json
prints '"heap_env":["MALLOC_ARENA_MAX=1"]'
expect 0 sh -c "'$heaptape' replay - --heap-env MALLOC_ARENA_MAX=1 <a.htape"
prints "standard input on libc"
expect 2 "$heaptape" replay a.htape --heap-env MALLOC_ARENA_MAX
says "--heap-env takes VAR=VALUE, not MALLOC_ARENA_MAX"
expect 2 "$heaptape" replay a.htape --heap-env =1
says "--heap-env takes VAR=VALUE"

# The known ones, where they are.
is_here() {
    python3 - "$1" <<'END'
import json, sys
heaps = {heap["name"]: heap for heap in json.load(open("heaps.json"))["heaps"]}
sys.exit(0 if heaps[sys.argv[1]]["is_here"] else 1)
END
}
expect 0 "$heaptape" fixture --scenario heaps --events 2000 -o heaps.etl
expect 0 "$heaptape" replay heaps.etl
prints "recorded heaps, all on one heap"
for name in jemalloc mimalloc tcmalloc; do
    if ! is_here "$name"; then
        echo "skipped: $name is not installed"
        expect 1 "$heaptape" replay a.htape --heap "$name"
        says "Debian's package is"
        continue
    fi
    expect 0 "$heaptape" replay a.htape --heap "$name" --touch fill
    prints "a.htape on $name"
    expect 0 sh -c "'$heaptape' replay - --heap $name --json <a.htape"
    prints "\"heap\":\"$name\""
    python3 - "$name" <<'END'
import json, sys
told = json.load(open("out"))
source, figure = {
    "jemalloc": ("mallctl", "stats.resident"),
    "mimalloc": ("mi_process_info", "current_commit"),
    "tcmalloc": ("MallocExtension_GetNumericProperty", "generic.heap_size"),
}[sys.argv[1]]
account = told["account"]
assert account["source"] == source, account
assert account["at_end"][figure] >= told["replayed"]["end_bytes"] > 0, told
END
    expect 0 "$heaptape" replay heaps.etl --heap "$name" --touch fill
    if [ "$name" = tcmalloc ]; then
        prints "recorded heaps, all on one heap"
    else
        prints "recorded heaps, each on a heap of its own"
    fi
done
if is_here jemalloc; then
    expect 0 "$heaptape" replay a.htape --heap jemalloc --heap-env MALLOC_CONF=stats_print:true
    cat out err >both
    grep -q "Begin jemalloc statistics" both || fail "jemalloc did not hear its setting"
fi
