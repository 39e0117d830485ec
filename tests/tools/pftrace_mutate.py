#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Breaks a good .pftrace in every way that pftrace_walk.py is there to find, and sees that it does.

Most of these Perfetto's importer answers by dropping something without a word. The file is taken
apart and put together again with one thing changed; put together unchanged it has the same bytes.
"""
import contextlib
import copy
import io
import os
import struct
import sys
import tempfile

import pftrace_walk as walker


class Packed(list):
    """A repeated number in the packed form."""


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def encode_value(kind, value):
    if kind == walker.U64:
        return varint(value)
    if kind in (walker.DOUBLE, walker.FIXED):
        return struct.pack("<d" if kind == walker.DOUBLE else "<Q", value)
    if isinstance(kind, dict):
        value = encode(value, kind)
    elif isinstance(value, str):
        value = value.encode("utf-8")
    return varint(len(value)) + value


def encode(message, fields):
    numbers = {name: (number, kind) for number, (name, kind, *_) in fields.items()}
    out = bytearray()
    for name, value in message.items():
        number, kind = numbers[name]
        wire = 2 if isinstance(kind, dict) else walker.WIRES[kind]
        if isinstance(value, Packed):
            packed = b"".join(encode_value(kind, item) for item in value)
            out += varint(number << 3 | 2) + varint(len(packed)) + packed
            continue
        for item in value if isinstance(value, list) else [value]:
            out += varint(number << 3 | wire) + encode_value(kind, item)
    return bytes(out)


def assemble(packets):
    return b"".join(b"\x0a" + encode_value(walker.PACKET, p) for p in packets)


def walk(data):
    """What the walker says of the bytes: "" when it finds nothing."""
    handle, path = tempfile.mkstemp()
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        with contextlib.redirect_stdout(io.StringIO()):
            walker.main([path])
    except SystemExit as stop:
        return str(stop.code)
    finally:
        os.unlink(path)
    return ""


def which(packets, *path):
    """The packets that have all of a path, such as "track_event", "flow_ids"."""
    for packet in packets:
        found = packet
        for name in path:
            found = found[0] if isinstance(found, list) else found
            found = found.get(name) if isinstance(found, dict) else None
        if found is not None:
            yield packet


def first(packets, *path):
    return next(which(packets, *path))


def of_type(packets, kind):
    return [p for p in which(packets, "track_event") if p["track_event"]["type"] == kind]


def dumps(packets):
    return list(which(packets, "profile_packet"))


def dump_of(packet):
    return packet["profile_packet"]["process_dumps"][0]


def two_dumps(packets):
    """Two dumps of one sequence that share a stack."""
    for number, before in enumerate(dumps(packets)):
        for after in dumps(packets)[number + 1:]:
            if before["trusted_packet_sequence_id"] == after["trusted_packet_sequence_id"]:
                stacks = {s["callstack_id"] for s in dump_of(before)["samples"]}
                if stacks & {s["callstack_id"] for s in dump_of(after)["samples"]}:
                    return before, after
    sys.exit("pftrace_mutate: the sample has no two dumps of one stack")


def pack_flows(packets):
    event = first(packets, "track_event", "flow_ids")["track_event"]
    event["flow_ids"] = Packed(event["flow_ids"])


def pack_frames(packets):
    stack = first(packets, "interned_data", "callstacks")["interned_data"]["callstacks"][0]
    stack["frame_ids"] = Packed(stack["frame_ids"])


def leave_dump_open(packets):
    dumps(packets)[-1]["profile_packet"]["continued"] = 1


def sample_before_its_counter(packets):
    sample = of_type(packets, walker.COUNTER)[0]
    packets.remove(sample)
    begun = next(i for i, p in enumerate(packets) if "interned_data" in p)
    packets.insert(begun + 1, sample)


def end_without_begin(packets):
    end = of_type(packets, walker.END)[0]
    packets.remove(next(p for p in of_type(packets, walker.BEGIN)
                        if p["track_event"]["track_uuid"] == end["track_event"]["track_uuid"]))


def clocks_later(packets):
    packets[0], packets[1] = packets[1], packets[0]


def no_coarse_clock(packets):
    clocks = packets[0]["clock_snapshot"]["clocks"]
    packets[0]["clock_snapshot"]["clocks"] = [c for c in clocks if c["clock_id"] != 4]


def equal_stamps(packets):
    samples = of_type(packets, walker.COUNTER)
    track = samples[0]["track_event"]["track_uuid"]
    one, two = [p for p in samples if p["track_event"]["track_uuid"] == track][:2]
    two["timestamp"] = one["timestamp"]


def clear_again(packets):
    dumps(packets)[-1]["sequence_flags"] = walker.CLEARED | walker.NEEDED


def never_cleared(packets):
    number = dumps(packets)[0]["trusted_packet_sequence_id"]
    first_packet = next(p for p in packets if p.get("trusted_packet_sequence_id") == number)
    first_packet["sequence_flags"] = walker.NEEDED


def no_sequence(packets):
    del of_type(packets, walker.COUNTER)[0]["trusted_packet_sequence_id"]


def no_stamp(packets):
    del of_type(packets, walker.INSTANT)[0]["timestamp"]


def index_skips(packets):
    dumps(packets)[-1]["profile_packet"]["index"] += 1


def start_at_the_end_before(packets):
    before, after = two_dumps(packets)
    dump_of(after)["start_timestamp"] = dump_of(before)["timestamp"]


def equal_ends(packets):
    one = dumps(packets)[0]
    two = next(p for p in dumps(packets) if dump_of(p)["pid"] == dump_of(one)["pid"] and
               p["trusted_packet_sequence_id"] != one["trusted_packet_sequence_id"])
    dump_of(two)["timestamp"] = two["timestamp"] = dump_of(one)["timestamp"]
    dump_of(two)["start_timestamp"] = 0


def two_heaps_on_a_sequence(packets):
    dump_of(two_dumps(packets)[1])["heap_name"] = "another"


def counts_fall(packets):
    before, after = two_dumps(packets)
    for sample in dump_of(after)["samples"]:
        sample["self_allocated"] = 0
        sample["alloc_count"] = 1


def stack_twice(packets):
    samples = dump_of(dumps(packets)[0])["samples"]
    samples.append(samples[0])


def no_counts(packets):
    dump_of(dumps(packets)[0])["samples"][0]["alloc_count"] = 0


def two_numbers_of_a_path(packets):
    stacks = first(packets, "interned_data", "callstacks")["interned_data"]["callstacks"]
    stacks.append({"iid": 4711, "frame_ids": list(stacks[0]["frame_ids"])})


def empty_stack(packets):
    stacks = first(packets, "interned_data", "callstacks")["interned_data"]["callstacks"]
    stacks[0]["frame_ids"] = []


def unknown_mapping(packets):
    frames = first(packets, "interned_data", "frames")["interned_data"]["frames"]
    frames[0]["mapping_id"] = 4711


def unknown_stack(packets):
    first(packets, "track_event", "callstack_iid")["track_event"]["callstack_iid"] = 4711


def unknown_name(packets):
    first(packets, "track_event", "name_iid")["track_event"]["name_iid"] = 4711


def name_twice(packets):
    names = first(packets, "interned_data", "event_names")["interned_data"]["event_names"]
    names.append(dict(names[0]))


def heaps_merge(packets):
    group = next(p for p in which(packets, "track_descriptor", "name")
                 if p["track_descriptor"]["name"].startswith("Heap 0x"))
    group["track_descriptor"]["sibling_merge_behavior"] = 0


def heaps_of_one_name(packets):
    group = next(p for p in which(packets, "track_descriptor", "name")
                 if " #2" in p["track_descriptor"]["name"])
    group["track_descriptor"]["name"] = group["track_descriptor"]["name"].split(" #")[0]


def colon_in_a_heap_name(packets):
    for packet in dumps(packets):
        dump_of(packet)["heap_name"] += ":"


def control_character(packets):
    first(packets, "process_tree")["process_tree"]["processes"][0]["cmdline"][1] = "a\x01b"


def surrogate(packets):
    tree = first(packets, "process_tree")["process_tree"]["processes"][0]
    tree["cmdline"][1] = b"\xed\xa0\x80"


def pid_zero(packets):
    first(packets, "track_descriptor", "process")["track_descriptor"]["process"]["pid"] = 0


def pid_used_again_at_once(packets):
    one, two = list(which(packets, "track_descriptor", "process"))[:2]
    two["timestamp"] = one["timestamp"]


def one_word(packets):
    first(packets, "process_tree")["process_tree"]["processes"][0]["cmdline"].pop()


def other_name(packets):
    first(packets, "process_tree")["process_tree"]["processes"][0]["cmdline"][0] = "other"


def unknown_parent(packets):
    first(packets, "process_tree")["process_tree"]["processes"][0]["ppid"] = 4711


def flow_of_another(packets):
    first(packets, "track_event", "flow_ids")["track_event"]["flow_ids"] = [4711]
    event = list(which(packets, "track_event", "flow_ids"))[1]["track_event"]
    event["flow_ids"] = [4711]
    names = first(packets, "interned_data", "debug_annotation_names")["interned_data"]
    number = next(n["iid"] for n in names["debug_annotation_names"] if n["str"] == b"block_id")
    next(a for a in event["debug_annotations"] if a["name_iid"] == number)["uint_value"] = 4711


def no_uuid(packets):
    packets.remove(first(packets, "trace_uuid"))


def no_sum(packets):
    dump_of(dumps(packets)[-1])["samples"][0]["self_allocated"] += 1


def no_histogram(packets):
    packets.remove(next(p for p in of_type(packets, walker.INSTANT)
                        if p["track_event"].get("name") == "size"))


MUTATIONS = (
    (pack_flows, "flow_ids: wire type 2"), (pack_frames, "frame_ids: wire type 2"),
    (leave_dump_open, "not closed"), (sample_before_its_counter, "event before its track"),
    (end_without_begin, "depth -1"), (clocks_later, "no clock snapshot"),
    (no_coarse_clock, "no clock snapshot"), (equal_stamps, "two events at"),
    (clear_again, "flags 3"), (never_cleared, "flags 2"), (no_sequence, "without a sequence"),
    (no_stamp, "without a stamp"), (index_skips, "index"),
    (start_at_the_end_before, "a dump from"), (equal_ends, "two dumps end at"),
    (two_heaps_on_a_sequence, "another"), (counts_fall, "falls"),
    (stack_twice, "twice in a dump"), (no_counts, "without counts"),
    (two_numbers_of_a_path, "two call stacks of one path"), (empty_stack, "empty call stack"),
    (unknown_mapping, "without mapping"), (unknown_stack, "call stack 4711 is not known"),
    (unknown_name, "4711 is not known"), (name_twice, "given twice"),
    (heaps_merge, "heap groups may merge"), (heaps_of_one_name, "is there twice"), (colon_in_a_heap_name, "heap name"),
    (control_character, "\\x01"), (surrogate, "no UTF-8"), (pid_zero, "pid 0 is reserved"),
    (pid_used_again_at_once, "not after the other"), (one_word, "command line of"),
    (other_name, "command line of"), (unknown_parent, "unknown parent"),
    (flow_of_another, "flow 4711 links"), (no_uuid, "no trace uuid"),
    (no_sum, "sum of the dumps"), (no_histogram, "too many"),
)


def main(path):
    with open(path, "rb") as file:
        whole = file.read()
    packets = walker.read(path)
    walker.check(assemble(packets) == whole, "put together again it is another file")
    walker.check(walk(whole) == "", f"the file itself: {walk(whole)}")
    walker.check("is cut" in walk(whole[:-1]), "a file that is cut")
    for mutate, expected in MUTATIONS:
        broken = copy.deepcopy(packets)
        mutate(broken)
        walker.check(assemble(broken) != whole, f"{mutate.__name__} changes nothing")
        said = walk(assemble(broken))
        walker.check(expected in said, f"{mutate.__name__}: expected '{expected}', found '{said}'")
    print(len(MUTATIONS) + 1, "found")


if __name__ == "__main__":
    main(sys.argv[1])
