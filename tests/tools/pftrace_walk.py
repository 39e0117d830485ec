#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Walks a .pftrace file: a second opinion on our writer.

Written from the rules of Perfetto's importer alone (docs/formats/perfetto.md); shares nothing with
the C code and uses no protobuf library. Fails on the first rule that is broken, most of all on what
the importer drops without a word. Otherwise prints what is in the file, a line a figure. With
--text prints every packet instead. With a .tsv of the same recording it also works out the figures
of every process from its events, and compares.
"""
import collections
import struct
import sys

CLEARED, NEEDED = 1, 2
BEGIN, END, INSTANT, COUNTER = 1, 2, 3, 4
U64, TEXT, BYTES, DOUBLE, FIXED = "u64", "text", "bytes", "double", "fixed"
REPEATED = True

# field: (name, type or message, repeated)
STRING = {1: ("iid", U64), 2: ("str", BYTES)}
CLOCK = {1: ("clock_id", U64), 2: ("timestamp", U64)}
ATTRIBUTE = {1: ("key", TEXT), 2: ("long_value", U64), 3: ("string_value", TEXT)}
ANNOTATION = {1: ("name_iid", U64), 2: ("bool_value", U64), 3: ("uint_value", U64),
              4: ("int_value", U64), 5: ("double_value", DOUBLE), 6: ("string_value", TEXT),
              7: ("pointer_value", U64)}
EVENT = {3: ("category_iids", U64, REPEATED), 4: ("debug_annotations", ANNOTATION, REPEATED),
         9: ("type", U64), 10: ("name_iid", U64), 11: ("track_uuid", U64), 23: ("name", TEXT),
         30: ("counter_value", U64), 44: ("double_counter_value", DOUBLE),
         47: ("flow_ids", FIXED, REPEATED), 56: ("callstack_iid", U64)}
DATA = {1: ("event_categories", STRING, REPEATED), 2: ("event_names", STRING, REPEATED),
        3: ("debug_annotation_names", STRING, REPEATED), 5: ("function_names", STRING, REPEATED),
        6: ("frames", {1: ("iid", U64), 2: ("function_name_id", U64), 3: ("mapping_id", U64),
                       4: ("rel_pc", U64)}, REPEATED),
        7: ("callstacks", {1: ("iid", U64), 2: ("frame_ids", U64, REPEATED)}, REPEATED),
        17: ("mapping_paths", STRING, REPEATED),
        19: ("mappings", {1: ("iid", U64), 7: ("path_string_ids", U64, REPEATED)}, REPEATED)}
SAMPLE = {1: ("callstack_id", U64), 2: ("self_allocated", U64), 3: ("self_freed", U64),
          5: ("alloc_count", U64), 6: ("free_count", U64)}
DUMP = {1: ("pid", U64), 2: ("samples", SAMPLE, REPEATED), 9: ("timestamp", U64),
        11: ("heap_name", TEXT), 15: ("start_timestamp", U64)}
TRACK = {1: ("uuid", U64), 2: ("name", TEXT),
         3: ("process", {1: ("pid", U64), 6: ("process_name", TEXT),
                         7: ("start_timestamp_ns", U64)}),
         4: ("thread", {1: ("pid", U64), 2: ("tid", U64), 5: ("thread_name", TEXT)}),
         5: ("parent_uuid", U64),
         8: ("counter", {3: ("unit", U64), 6: ("unit_name", TEXT), 7: ("y_axis_share_key", TEXT)}),
         11: ("child_ordering", U64), 12: ("sibling_order_rank", U64), 14: ("description", TEXT),
         15: ("sibling_merge_behavior", U64), 19: ("process_ordering", U64)}
TREE = {1: ("processes", {1: ("pid", U64), 2: ("ppid", U64), 3: ("cmdline", TEXT, REPEATED)},
            REPEATED)}
PACKET = {2: ("process_tree", TREE),
          6: ("clock_snapshot", {1: ("clocks", CLOCK, REPEATED), 2: ("primary_trace_clock", U64)}),
          8: ("timestamp", U64), 10: ("trusted_packet_sequence_id", U64),
          11: ("track_event", EVENT), 12: ("interned_data", DATA), 13: ("sequence_flags", U64),
          37: ("profile_packet", {5: ("process_dumps", DUMP, REPEATED), 6: ("continued", U64),
                                  7: ("index", U64)}),
          45: ("system_info", {1: ("utsname", {1: ("sysname", TEXT), 2: ("version", TEXT),
                                               3: ("release", TEXT)}), 8: ("num_cpus", U64)}),
          60: ("track_descriptor", TRACK),
          89: ("trace_uuid", {1: ("msb", U64), 2: ("lsb", U64)}),
          126: ("trace_attributes", {1: ("attribute", ATTRIBUTE, REPEATED)})}


def check(is_so, what):
    if not is_so:
        sys.exit("pftrace_walk: " + what)


def varint(data, at):
    value = shift = 0
    while at < len(data):
        byte = data[at]
        at += 1
        if byte < 0x80:
            return (value | byte << shift) & (1 << 64) - 1, at
        value |= (byte & 0x7F) << shift
        shift += 7
    sys.exit("pftrace_walk: a number is cut")


WIRES = {U64: 0, DOUBLE: 1, FIXED: 1, TEXT: 2, BYTES: 2}


def decode(data, fields, path):
    """The message as a dict. A number in the wire type of bytes would be a packed one."""
    message = {}
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag >> 3 not in fields:
            check(False, f"{path}: field {tag >> 3} is not of the format")
        name, kind, *repeated = fields[tag >> 3]
        expected = 2 if isinstance(kind, dict) else WIRES[kind]
        if tag & 7 != expected:
            check(False, f"{path}.{name}: wire type {tag & 7}, expected {expected}: packed?")
        if expected == 0:
            value, at = varint(data, at)
        else:
            size, at = (8, at) if expected == 1 else varint(data, at)
            if at + size > len(data):
                check(False, f"{path}.{name}: is cut")
            value, at = data[at:at + size], at + size
            if isinstance(kind, dict):
                value = decode(value, kind, f"{path}.{name}")
            elif kind == TEXT:
                try:
                    value = value.decode("utf-8")
                except UnicodeDecodeError:
                    check(False, f"{path}.{name}: {value!r} is no UTF-8")
                if any(ord(c) < 32 or ord(c) == 127 for c in value):
                    check(False, f"{path}.{name}: {value!r}")
            elif expected == 1:
                (value,) = struct.unpack("<d" if kind == DOUBLE else "<Q", value)
        if repeated:
            message.setdefault(name, []).append(value)
        else:
            if name in message:
                check(False, f"{path}.{name}: twice")
            message[name] = value
    return message


def show(message, depth):
    for name, value in message.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                print("  " * depth + name + ":")
                show(item, depth + 1)
            else:
                print("  " * depth + f"{name}: {item!r}")


def signed(value):
    return value - (1 << 64) if value >> 63 else value


class Sequence:
    def __init__(self):
        self.interned = {}
        self.index = 0
        self.heap = None
        self.end = None
        self.totals = {}
        self.dump = None
        self.paths = {}  # by number of the stack
        self.known_paths = set()
        self.packet_stamp = 0


class Walk:
    def __init__(self, packets):
        self.packets = packets
        self.sequences = {}
        self.tracks = {}
        self.events = collections.defaultdict(list)  # by track, in the order of the file
        self.processes = []  # (pid, from, uuid, name)
        self.dumps = []      # (pid, heap name, start, end, {stack: totals so far}, sequence)
        self.attributes = {}
        self.flows = collections.defaultdict(list)
        self.uuid = None

    def walk(self):
        first = self.packets[0].get("clock_snapshot", {}).get("clocks", [])
        check({3, 4, 6} <= {c["clock_id"] for c in first}, "the first packet is no clock snapshot")
        for packet in self.packets:
            self.take(packet)
        for number, sequence in self.sequences.items():
            check(sequence.dump is None, f"sequence {number}: the last dump is not closed")
        for uuid, events in self.events.items():
            self.check_track(self.tracks[uuid], events)
        self.check_processes()
        self.check_flows()
        check(self.uuid, "no trace uuid")

    def take(self, packet):
        number = packet.get("trusted_packet_sequence_id", 0)
        needs = {"track_event", "interned_data", "profile_packet"} & packet.keys()
        check(number or not needs, f"{needs} without a sequence")
        if number:
            flags = packet.get("sequence_flags", 0)
            is_first = number not in self.sequences
            check(flags == (CLEARED | NEEDED if is_first else NEEDED),
                  f"sequence {number}: flags {flags}")
            sequence = self.sequences.setdefault(number, Sequence())
            self.take_names(sequence, packet.get("interned_data", {}))
        if "track_descriptor" in packet:
            self.take_track(packet["track_descriptor"], packet.get("timestamp"))
        if "process_tree" in packet:
            for process in packet["process_tree"]["processes"]:
                named = [p for p in self.processes
                         if p[:2] == (process["pid"], packet["timestamp"])]
                check(named, f"a command line at no process's stamp: {process}")
                check(named[0][3] in (None, process["cmdline"][0]) and
                      len(process["cmdline"]) >= 2, f"command line of {process}")
                check("ppid" not in process or any(p[0] == process["ppid"]
                                                   for p in self.processes),
                      f"an unknown parent makes a process: {process}")
        if "track_event" in packet:
            event = packet["track_event"]
            check("timestamp" in packet, "an event without a stamp")
            check(event["track_uuid"] in self.tracks, f"event before its track: {event}")
            for field, names in (("category_iids", "event_categories"),):
                for iid in event.get(field, []):
                    check(iid in sequence.interned[names], f"{field} {iid} is not known")
            if "name_iid" in event:
                check(event["name_iid"] in sequence.interned["event_names"],
                      f"name {event['name_iid']} is not known")
                event["name"] = sequence.interned["event_names"][event["name_iid"]]
            event["category"] = [sequence.interned["event_categories"][i]
                                 for i in event.get("category_iids", [])]
            event["args"] = {}
            for item in event.get("debug_annotations", []):
                name = sequence.interned["debug_annotation_names"][item.pop("name_iid")]
                (event["args"][name],) = item.values()
            if "callstack_iid" in event:
                check(event["callstack_iid"] in sequence.interned.get("callstacks", {}),
                      f"call stack {event['callstack_iid']} is not known")
            for flow in event.get("flow_ids", []):
                check(flow > 0, "a flow without a number")
                self.flows[flow].append((packet["timestamp"], event))
            self.events[event["track_uuid"]].append((packet["timestamp"], event))
        if "profile_packet" in packet:
            self.take_profile(number, sequence, packet)
        self.uuid = packet.get("trace_uuid", self.uuid)
        for item in packet.get("trace_attributes", {}).get("attribute", []):
            self.attributes[item["key"]] = item.get("string_value", item.get("long_value"))

    def take_names(self, sequence, data):
        for field, items in data.items():
            known = sequence.interned.setdefault(field, {})
            for item in items:
                iid = item["iid"]
                check(iid > 0 and iid not in known, f"{field}: {iid} is given twice")
                known[iid] = item["str"].decode("utf-8") if "str" in item else item
        for frame in data.get("frames", []):
            check(frame["mapping_id"] in sequence.interned["mappings"], "a frame without mapping")
        for stack in data.get("callstacks", []):
            check(stack.get("frame_ids"), "an empty call stack")
            path = []
            for iid in stack["frame_ids"]:
                frame = sequence.interned["frames"][iid]
                mapping = sequence.interned["mappings"][frame["mapping_id"]]
                path.append((tuple(sequence.interned["mapping_paths"][i]
                                   for i in mapping["path_string_ids"]), frame["rel_pc"],
                             sequence.interned["function_names"].get(frame["function_name_id"])))
            check(tuple(path) not in sequence.known_paths, f"two call stacks of one path: {path}")
            sequence.known_paths.add(tuple(path))
            sequence.paths[stack["iid"]] = path

    def take_track(self, track, stamp):
        uuid = track["uuid"]
        check(uuid not in self.tracks, f"track {uuid} is given twice")
        parent = track.get("parent_uuid")
        check(parent is None or parent in self.tracks, f"track {uuid}: its parent comes later")
        self.tracks[uuid] = track
        if track.get("name", "").startswith("Heap "):
            check(track["sibling_merge_behavior"] == 2, "heap groups may merge")
        if "process" in track:
            process = track["process"]
            check(process["pid"] != 0, "pid 0 is reserved")
            for pid, before, _, _ in self.processes:
                check(pid != process["pid"] or before != stamp, f"pid {pid}: not after the other")
            self.processes.append((process["pid"], stamp, uuid, process.get("process_name")))
        if "thread" in track:
            check(track["thread"]["tid"] != 0, "tid 0 is reserved")
            track["stamp"] = stamp

    def take_profile(self, number, sequence, packet):
        profile = packet["profile_packet"]
        check(profile["index"] == sequence.index, f"sequence {number}: index {profile['index']}")
        check(packet["timestamp"] >= sequence.packet_stamp, f"sequence {number}: stamps fall")
        sequence.packet_stamp = packet["timestamp"]
        sequence.index += 1
        (dump,) = profile["process_dumps"]
        heap = (dump["pid"], dump["heap_name"])
        check(sequence.heap in (None, heap), f"sequence {number}: {sequence.heap} and {heap}")
        check(":" not in heap[1] and "'" not in heap[1], f"heap name {heap[1]}")
        if sequence.dump is None:
            check(sequence.end is None or dump["start_timestamp"] == sequence.end + 1,
                  f"{heap}: a dump from {dump['start_timestamp']} after {sequence.end}")
            check(dump["start_timestamp"] <= dump["timestamp"], f"{heap}: a dump of no time")
            sequence.dump = {}
            sequence.heap = heap
            sequence.end = dump["timestamp"]
        check(dump["timestamp"] == sequence.end == packet["timestamp"], f"{heap}: stamps of a dump")
        for sample in dump.get("samples", []):
            stack = sample["callstack_id"]
            check(stack in sequence.interned["callstacks"], f"{heap}: stack {stack} is not known")
            check(stack not in sequence.dump, f"{heap}: stack {stack} twice in a dump")
            now = [sample.get(f, 0) for f in ("self_allocated", "self_freed", "alloc_count",
                                              "free_count")]
            before = sequence.totals.get(stack, [0] * 4)
            check(all(a >= b for a, b in zip(now, before)), f"{heap}: {stack} falls")
            check(now[2] >= 1, f"{heap}: {stack} without counts")
            sequence.totals[stack] = now
            sequence.dump[stack] = now
        if not profile.get("continued", 0):
            self.dumps.append((*heap, dump["start_timestamp"], sequence.end,
                               dict(sequence.totals), sequence))
            sequence.dump = None

    def check_track(self, track, events):
        depth = 0
        before = -1
        is_counter = "counter" in track
        for stamp, event in sorted(events, key=lambda e: e[0]):
            kind = event["type"]
            check(stamp > before, f"{track}: two events at {stamp}")
            before = stamp
            check((kind == COUNTER) == is_counter, f"{track}: an event of type {kind}")
            check("args" not in event or kind != COUNTER or not event["args"], "counter with args")
            depth += {BEGIN: 1, END: -1}.get(kind, 0)
            check(0 <= depth <= 1, f"{track}: depth {depth} at {stamp}")

    def check_processes(self):
        ends = set()
        for pid, heap, start, end, *_ in self.dumps:
            check((pid, end) not in ends, f"{pid}: two dumps end at {end}")
            ends.add((pid, end))
            check(self.process_at(pid, end) == self.process_at(pid, start),
                  f"{pid} {heap}: a dump of two processes")

        for uuid, track in self.tracks.items():
            for stamp, _ in self.events[uuid] if "thread" in track else []:
                pid = track["thread"]["pid"]
                check(self.process_at(pid, track["stamp"]) == self.process_at(pid, stamp),
                      f"a thread of another process: {track}")

    def check_flows(self):
        for flow, events in self.flows.items():
            ids = {event["args"]["block_id"] for _, event in events}
            check(len(ids) == 1, f"flow {flow} links blocks {ids}")
            check(len(events) <= 51, f"flow {flow} has {len(events)} ends")

    def process_at(self, pid, stamp):
        known = [p for p in self.processes if p[0] == pid and p[1] <= stamp]
        check(known, f"{pid} at {stamp}: no process")
        return max(known, key=lambda p: p[1])

    def is_brief(self, uuid):
        """Whether a process had its pid for so short a time that no dump can end within it."""
        pid, since = next(p[:2] for p in self.processes if p[2] == uuid)
        return any(p[0] == pid and since < p[1] < since + 8192 for p in self.processes)

    def counters(self):
        """{(process uuid, group uuid): {counter: [(stamp, value)]}}"""
        found = collections.defaultdict(dict)
        for uuid, events in self.events.items():
            track = self.tracks[uuid]
            if "counter" in track:
                group = track["parent_uuid"]
                process = self.tracks[group]["parent_uuid"]
                found[process, group][track["name"]] = [
                    (stamp, signed(e["counter_value"]) if "counter_value" in e
                     else e["double_counter_value"]) for stamp, e in sorted(events,
                                                                            key=lambda e: e[0])]
        return found

    def all_events(self, kind, category):
        return [(self.tracks[uuid], stamp, event) for uuid, events in self.events.items()
                for stamp, event in events
                if event["type"] == kind and category in event["category"]]


def sums(walk):
    """The sum identities; returns the figures of each process and heap."""
    figures = []
    last_dumps = {}
    for pid, heap, start, _, totals, _ in walk.dumps:
        process = walk.process_at(pid, start)
        last_dumps[process[2], heap] = totals
    used = set()
    for (process, group), counters in sorted(walk.counters().items()):
        name = walk.tracks[group]["name"]
        live = counters.get("live_bytes", [(0, 0)])
        totals = {c: counters.get(c, [(0, 0)])[-1][1]
                  for c in ("realloc_moved", "realloc_inplace", "copied_bytes")}
        figure = {"process": process, "group": name, "live_bytes": live[-1][1],
                  "live_blocks": counters.get("live_blocks", [(0, 0)])[-1][1],
                  "peak": max(v for _, v in live), **totals}
        figures.append(figure)
        if name.startswith("Other heaps"):
            continue
        is_heap = name.startswith("Heap 0x")
        # A heap of a handle used again is "Heap 0x1f0 #2", its profile "heap_1f0_2".
        check((process, name) not in used, f"{name} is there twice")
        used.add((process, name))
        channel = "heap_" + name[7:].replace(" #", "_") if is_heap else "libc.malloc"
        dump = last_dumps.get((process, channel))
        if not walk.dumps or (dump is None and figure["live_bytes"] == 0 == figure["peak"]):
            continue
        if dump is None and walk.is_brief(process):
            continue
        check(dump is not None, f"{channel} of {process} has no dump")
        check(sum(t[0] - t[1] for t in dump.values()) == figure["live_bytes"],
              f"{channel} of {process}: sum of the dumps is not live_bytes")
        check(sum(t[2] - t[3] for t in dump.values()) == figure["live_blocks"],
              f"{channel} of {process}: sum of the dumps is not live_blocks")
        if is_heap:
            continue
        peak = last_dumps.get((process, "at_peak"), {})
        check(sum(t[0] for t in peak.values()) == figure["peak"], f"{process}: at_peak")
        moved = last_dumps.get((process, "realloc_moved_bytes"), {})
        check(sum(t[0] for t in moved.values()) == figure["copied_bytes"], f"{process}: copied")
        check(sum(t[2] for t in moved.values()) == figure["realloc_moved"], f"{process}: moves")
    blocks = collections.Counter()
    for track, _, event in walk.all_events(INSTANT, "histogram"):
        args = event["args"]
        check(args["bucket_lo"] <= args["bucket_hi"] and args["count"] > 0, f"bucket {args}")
        name = f"Heap {args['heap']:#x}" if "heap" in args else "Other heaps"
        blocks[track["parent_uuid"], name] += (
            args["count"] * {"size": 1, "lifetime_ns": -1}[args["kind"]])
    for figure in figures:
        name = figure["group"].split(" (" if figure["group"].startswith("Other heaps") else " #")[0]
        blocks[figure["process"], name] -= figure["live_blocks"]
    for (_, name), rest in blocks.items():
        check(rest == 0 or name in ("Heap activity", "Metrics"),
              f"histograms of {name}: {rest} too many")
    if walk.attributes.get("winheap.reallocs_dropped") == 0:
        instants = walk.all_events(INSTANT, "realloc")
        moved = sum(e["args"]["moved"] for _, _, e in instants)
        failed = sum(e["args"]["address"] == 0 for _, _, e in instants)
        whole = [f for f in figures if f["group"] == "Heap activity"]
        check(moved == sum(f["realloc_moved"] for f in whole), "moved instants")
        check(len(instants) - moved - failed == sum(f["realloc_inplace"] for f in whole),
              "instants in place")
    return figures


def replay(lines):
    """The figures of each pid, from the events: {pid: {...}}."""
    figures = collections.defaultdict(lambda: dict.fromkeys(
        ("live_bytes", "live_blocks", "peak", "realloc_moved", "realloc_inplace", "copied_bytes"),
        0))
    live = {}

    def change(figure, size, blocks):
        figure["live_bytes"] += size
        figure["live_blocks"] += blocks
        figure["peak"] = max(figure["peak"], figure["live_bytes"])

    for line in lines[1:]:
        _, pid, _, _, kind, heap, address, size, old, old_size, _, _ = line.rstrip("\n").split("\t")
        figure = figures[int(pid)]
        key = (pid, heap, address)
        if kind == "destroy":
            for dead in [k for k in live if k[:2] == (pid, heap)]:
                change(figure, -live.pop(dead), -1)
        elif kind == "free":
            if key in live:
                change(figure, -live.pop(key), -1)
        elif kind in ("alloc", "realloc") and address not in ("", "0x0"):
            if kind == "realloc" and old not in ("", "0x0"):
                if old != address and key in live:
                    change(figure, -live.pop(key), -1)
                if (pid, heap, old) not in live:
                    live[pid, heap, old] = int(old_size)
                    change(figure, int(old_size), 1)
                before = live.pop((pid, heap, old))
                live[key] = int(size)
                change(figure, int(size) - before, 0)
                figure["realloc_inplace" if old == address else "realloc_moved"] += 1
                if old != address:
                    figure["copied_bytes"] += min(before, int(size))
            else:
                if key in live:
                    change(figure, -live.pop(key), -1)
                live[key] = int(size)
                change(figure, int(size), 1)
    return figures


def compare(walk, figures, path):
    with open(path, encoding="utf-8") as lines:
        expected = replay(lines.readlines())
    pids = {uuid: pid for pid, _, uuid, _ in walk.processes}
    found = {}
    for figure in figures:
        if figure["group"] == "Heap activity":
            # A pid used again has a process for each use; the events do not tell them apart.
            of_pid = found.setdefault(pids[figure["process"]], dict.fromkeys(figure, 0))
            for name in next(iter(expected.values())):
                add = max if name == "peak" else int.__add__
                of_pid[name] = add(of_pid[name], figure[name])
    for pid, figure in found.items():
        for name, value in expected[pid].items():
            check(figure[name] == value, f"pid {pid}: {name} {figure[name]}, not {value}")
    shown = {pids[f["process"]] for f in figures}
    for pid, values in expected.items():
        check(pid in shown or values["peak"] == 0, f"pid {pid} is not shown")


def read(path):
    with open(path, "rb") as file:
        return decode(file.read(), {1: ("packet", PACKET, REPEATED)}, "")["packet"]


def main(arguments):
    is_text = arguments[:1] == ["--text"]
    paths = arguments[is_text:]
    packets = read(paths[0])
    if is_text:
        for packet in packets:
            print("packet:")
            show(packet, 1)
        return
    walk = Walk(packets)
    walk.walk()
    figures = sums(walk)
    if len(paths) > 1:
        compare(walk, figures, paths[1])
    slices = [e for category in ("chain", "block") for e in walk.all_events(BEGIN, category)]
    closed = sum(e["type"] == END for events in walk.events.values() for _, e in events)
    print("packets", len(packets))
    print("processes", len(walk.processes))
    print("heaps", sum(t.get("name", "").startswith("Heap 0x") for t in walk.tracks.values()))
    print("samples", sum(len(c) for g in walk.counters().values() for c in g.values()))
    print("reallocs", len(walk.all_events(INSTANT, "realloc")))
    print("chains", len(walk.all_events(BEGIN, "chain")))
    print("blocks", len(walk.all_events(BEGIN, "block")))
    print("open", len(slices) - closed)
    print("dumps", len(walk.dumps))
    for figure in figures:
        print(*(f"{k}={v}" for k, v in figure.items()))


if __name__ == "__main__":
    main(sys.argv[1:])
