# SPDX-License-Identifier: MIT
"""metrics.py TRACE.tsv REPLAY.json: computes the metrics of the recording from the text of the trace,
from the list of live blocks anew after every operation, and compares them with the report."""
import collections
import csv
import json
import sys

PAGE = 4096
REGION = 65536
FACTORS = 110, 125, 150, 175, 200, 300, 400


class Heap:
    """The live blocks, by pid, heap and address, in the order they were made."""

    def __init__(self):
        self.blocks = {}
        self.moments = []
        self.reallocs = 0
        self.moved = 0
        self.grown = collections.Counter()
        self.requests = []  # sizes
        self.made = {}      # operation, by block

    def note(self, time):
        pages = collections.Counter()
        for (pid, _, address), size in self.blocks.items():
            for at in range(address // PAGE, (address + size + PAGE - 1) // PAGE):
                begin = max(address, at * PAGE)
                pages[pid, at] += min(address + size, at * PAGE + PAGE) - begin
        pages = [live for live in pages.values() if live > 0]
        last = self.moments[-1]["time_ns"] if self.moments else time
        self.moments.append(
            {
                "operation": len(self.moments),
                "time_ns": max(time, last),
                "live_bytes": sum(self.blocks.values()),
                "live_blocks": len(self.blocks),
                "page_bytes": PAGE * len(pages),
                "sparse_bytes": PAGE * sum(live * 4 < PAGE for live in pages),
                "reallocs": self.reallocs,
                "moved": self.moved,
                "blocks": dict(self.blocks),
                "made": dict(self.made),
            }
        )

    def end(self, key, time):
        del self.blocks[key]
        self.note(time)

    def begin(self, key, size, time):
        if key in self.blocks:
            self.end(key, time)
        self.blocks[key] = size
        self.made[key] = len(self.moments)
        self.note(time)


def number(text):
    return int(text, 0) if text else 0


def destroy(heap, pid, handle, time):
    for key in reversed([key for key in heap.blocks if key[:2] == (pid, handle)]):
        heap.end(key, time)


def realloc(heap, key, old, size, old_size, time):
    """Without an entry of its own place the block would be the newest: it keeps its age."""
    if key != old and key in heap.blocks:
        heap.end(key, time)
    if old not in heap.blocks:
        heap.begin(old, old_size, time)
    was = heap.blocks[old]
    made = heap.made.pop(old)
    heap.made[key] = made
    heap.reallocs += 1
    heap.moved += key != old
    if size > was:
        factor = next((f for f in FACTORS if size * 100 <= was * f), None)
        heap.grown[factor, "count"] += 1
        heap.grown[factor, "in_place"] += key == old
    heap.blocks = {
        key if each == old else each: size if each == old else bytes_
        for each, bytes_ in heap.blocks.items()
    }
    heap.note(time)


def play(rows):
    heap = Heap()
    for row in rows:
        time, pid, handle = int(row["time_ns"]), row["pid"], row["heap"]
        key = pid, handle, number(row["address"])
        old = pid, handle, number(row["old_address"])
        kind = row["kind"]
        if kind == "destroy":
            destroy(heap, pid, handle, time)
        elif kind == "free" and key in heap.blocks:
            heap.end(key, time)
        elif kind not in ("alloc", "realloc") or key[2] == 0:
            continue
        elif kind == "alloc" or old[2] == 0:
            heap.requests.append(number(row["size"]))
            heap.begin(key, number(row["size"]), time)
        else:
            heap.requests.append(number(row["size"]))
            realloc(heap, key, old, number(row["size"]), number(row["old_size"]), time)
    return heap


def runs(pid, blocks):
    """The free runs of one process, byte by byte."""
    live = set()
    for (of, _, address), size in blocks.items():
        if of == pid:
            live.update(range(address, address + size))
    used = {at // REGION for at in live}
    run = 0
    found = []
    for region in sorted(used):
        for at in range(region * REGION, region * REGION + REGION):
            if at in live:
                found.append(run)
                run = 0
            else:
                run += 1
        if region + 1 not in used:
            found.append(run)
            run = 0
    return len(used), found


def percentiles(requests):
    requests = sorted(requests)
    return [max(1, requests[-(-len(requests) * p // 100) - 1]) if requests else 1
            for p in (50, 90, 99)]


def decade(number_):
    return min(len(str(number_)) - 1, 7)


def pinning(moment):
    """{decade: [blocks, pinned bytes]} of the blocks on sparse pages, by size and by age."""
    pages = collections.defaultdict(list)
    for key, size in moment["blocks"].items():
        for at in range(key[2] // PAGE, (key[2] + size + PAGE - 1) // PAGE):
            live = min(key[2] + size, at * PAGE + PAGE) - max(key[2], at * PAGE)
            if live > 0:
                pages[key[0], at].append((key, live))
    pinned = collections.Counter()
    for on in pages.values():
        live = sum(part for _, part in on)
        for key, part in on if live * 4 < PAGE else ():
            pinned[key] += PAGE * part // live
    found = {"by_size": {}, "by_age": {}}
    for key, bytes_ in pinned.items():
        for name, value in (("by_size", moment["blocks"][key]),
                            ("by_age", moment["operation"] - moment["made"][key])):
            sums = found[name].setdefault(decade(value), [0, 0])
            sums[0] += 1
            sums[1] += bytes_
    return found


def gaps(blocks, sizes):
    regions, found = 0, []
    for pid in {key[0] for key in blocks}:
        of_pid = runs(pid, blocks)
        regions += of_pid[0]
        found += of_pid[1]
    slim = sum(run for run in found if run < 32)
    found = [run for run in found if run >= 32]
    return {
        "slim_bytes": slim,
        "regions": regions,
        "count": len(found),
        "free_bytes": sum(found),
        "largest_bytes": max(found, default=0),
        **{
            name: 1 - sum(run // size * size for run in found) / sum(found) if found else None
            for name, size in zip(("unusable_p50", "unusable_p90", "unusable_p99"), sizes)
        },
    }


def ratios(moments, peak, page_peak, end):
    def spread(moment):
        return moment["page_bytes"] / moment["live_bytes"] if moment["live_bytes"] else None

    found = {
        "f2": spread(peak),
        "f3": spread(page_peak),
        "f4": page_peak["page_bytes"] / peak["live_bytes"],
        "retention": spread(end),
    }
    lively = [spread(moment) for moment in moments if moment["live_bytes"]]
    found["f1_operations"] = sum(lively) / len(lively)
    passed = [
        (spread(was), now["time_ns"] - was["time_ns"])
        for was, now in zip(moments, moments[1:])
        if was["live_bytes"]
    ]
    time = sum(part for _, part in passed)
    found["f1_time"] = sum(each * part for each, part in passed) / time if time else None
    return found


def compare(what, found, expected):
    if isinstance(expected, float):
        same = found is not None and abs(found - expected) <= 0.00051
    else:
        same = found == expected
    if not same:
        sys.exit(f"{what}: expected {expected}, found {found}")


def main(trace, report):
    with open(trace, encoding="utf-8") as file:
        heap = play(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    moments = heap.moments
    metrics = json.load(open(report, encoding="utf-8"))["metrics"]
    recorded = metrics["recorded"]
    sizes = percentiles(heap.requests)
    compare("sizes for gaps", metrics["gap_sizes"], sizes)
    compare("operations", recorded["operations"], len(moments))
    if not moments:
        return
    peak = max(moments, key=lambda moment: moment["live_bytes"])  # the first of several
    page_peak = max(moments, key=lambda moment: moment["page_bytes"])
    places = {"peak": peak, "page_peak": page_peak, "end": moments[-1]}
    for name, moment in places.items():
        for key, value in recorded[name].items():
            compare(f"{name} {key}", value, moment[key])
    for key, value in ratios(moments, peak, page_peak, moments[-1]).items():
        compare(key, recorded.get(key), value)
    for name, moment in {"at_peak": peak, "at_end": moments[-1]}.items():
        compare(f"{name} operation", recorded[name]["operation"], moment["operation"])
        for key, value in gaps(moment["blocks"], sizes).items():
            compare(f"{name} {key}", recorded[name]["gaps"].get(key), value)
        for by, sums in pinning(moment).items():
            told = {decade(each["from"]): [each["blocks"], each["pinned_bytes"]]
                    for each in recorded[name]["pinning"][by]}
            compare(f"{name} pinning {by}", told, sums)
    for each in recorded["marks"]:
        moment = next(moment for moment in moments if moment["time_ns"] >= each["mark_ns"])
        for key, value in each["moment"].items():
            compare(f"mark {key}", value, moment[key])
        compare("mark's look", each["look"]["operation"], moment["operation"])
        for key, value in gaps(moment["blocks"], sizes).items():
            compare(f"mark {key}", each["look"]["gaps"].get(key), value)
    for each in recorded["gaps"]:
        moment = moments[each.pop("operation")]
        compare("time of gaps", each.pop("time_ns"), moment["time_ns"])
        expected = gaps(moment["blocks"], sizes)
        for key, value in each.items():
            if key != "largest_free_index":
                compare(f"gaps over the run: {key}", value, expected[key])
    grown = {}
    for each in recorded["reallocs"]["grown_by"]:
        factor = round(each["up_to"] * 100) if "up_to" in each else None
        grown.update({(factor, key): each[key] for key in ("count", "in_place") if each[key]})
    compare("growth", grown, dict(+heap.grown))


main(*sys.argv[1:])
