#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads a .htape and prints heaptape's TSV, with nothing of heaptape but its .proto.

    protoc --python_out=. -I formats formats/compact.proto
    PYTHONPATH=. python3 docs/examples/read_htape.py app.htape

Needs python3-protobuf, protoc and lz4. Follows docs/formats/htape.md, for whole files only."""
import ntpath
import subprocess
import sys
from types import SimpleNamespace

import compact_pb2

MASK = (1 << 64) - 1
ADDRESS, SIZE, OLD_ADDRESS, OLD_SIZE, DETAIL, STACK, BIRTH, PLACE = (1 << i for i in range(8))
REALLOC, FREE = 2, 3
KINDS = """alloc realloc free create destroy extend snapshot create_snapshot destroy_snapshot
    extend_snapshot contract lock unlock validate walk subsegment_alloc subsegment_free
    subsegment_alloc_cached subsegment_free_cached commit decommit subsegment_init affinity_enable
    reserved subsegment_activated affinity_assign reuse_threshold range_rundown range_create
    range_reserve range_release range_destroy""".split()
BARE = """destroy lock unlock validate walk affinity_enable reserved range_rundown
    range_destroy""".split()
NO_ADDRESS = BARE + """create snapshot create_snapshot destroy_snapshot extend_snapshot
    range_create""".split()
NO_SIZE = BARE + "free subsegment_activated affinity_assign reuse_threshold".split()
HAS_SOURCE = "alloc realloc free commit decommit".split()


def events(block):
    """The events of a block, as tuples."""
    column = {field: iter(getattr(block, field)) for field in (
        "time", "shape", "thread", "heap", "cpu", "address", "size", "old_address", "old_size",
        "stack", "birth", "place", "place_offset")}
    births, pools, last_of_pool, cpus = [], {}, {}, {}
    expected = end = last_address = 0
    time, unit = block.first_time_ns, block.address_unit
    for _ in range(block.event_count):
        shape = next(column["shape"])
        kind, fields = block.shape_kind[shape], block.shape_fields[shape]
        time += next(column["time"]) * block.time_unit_ns
        thread, heap = next(column["thread"], 0), next(column["heap"], 0)
        cpus[thread] = cpus.get(thread, 0) + next(column["cpu"], 0)
        pid = block.thread_pid[thread]
        size = next(column["size"]) if fields & SIZE else 0
        grains = (size + 7) // 8
        pool = (pid, heap, min(grains, 1 << 40))
        named, address, old_address, old_size = None, 0, 0, 0
        if fields & ADDRESS:
            last_address += next(column["address"]) * unit
            address = last_address & MASK
        if fields & BIRTH:
            expected += next(column["birth"])
            named = births[expected]
            expected += 1
            if kind == FREE:
                address = named.address
            else:
                old_address, old_size = named.address, named.size
        if fields & PLACE:
            place = next(column["place"])
            if place >= 2:
                address = pools[pool].pop(1 - place)
            else:
                base = last_of_pool.get(pool, 0) + 8 * grains if place == 1 else end
                address = (base + next(column["place_offset"]) * unit) & MASK
            births.append(SimpleNamespace(address=address, size=size, pool=pool))
            last_of_pool[pool] = address
            end = address + 8 * grains
        elif named and kind == REALLOC and not fields & ADDRESS:  # in place
            address, named.size, named.pool = named.address, size, pool
        if named and (kind == FREE or fields & PLACE):
            pools.setdefault(named.pool, []).append(named.address)
        if fields & OLD_ADDRESS:
            old_address = (address + next(column["old_address"]) * unit) & MASK
        if fields & OLD_SIZE:
            old_size = (size + next(column["old_size"])) & MASK
        stack = next(column["stack"]) if fields & STACK else 0
        yield (time, pid, block.thread_tid[thread], cpus[thread], shape, block.heap_handle[heap],
               address, size, old_address, old_size, stack)


def text_of_stacks(stream):
    """The text of every stack, by its number; modules by their base names."""
    texts, stacks = [""], [""]
    for message in stream.strings:
        texts += ["".join(chr(b) if b >= 32 and chr(b) not in "%+," else f"%{b:02X}" for b in text)
                  .encode("latin-1").decode() for text in map(ntpath.basename, message.text)]
    for message in stream.stacks:
        modules, addresses, last = iter(message.module), iter(message.address), 0
        for count in message.frame_count:
            frames = []
            for _ in range(count):
                last = (last + next(addresses)) & MASK
                module = next(modules, 0)
                frames.append((texts[module] + "+" if module else "") + hex(last))
            stacks.append(",".join(frames))
    return stacks


def main():
    content = subprocess.run(["lz4", "-dc", sys.argv[1]], check=True, stdout=subprocess.PIPE).stdout
    stream = compact_pb2.Stream.FromString(content)
    stacks = text_of_stacks(stream)
    print(*"time_ns pid tid cpu kind heap address size old_address old_size source stack".split(),
          sep="\t")
    for block in stream.blocks:
        for (time, pid, tid, cpu, shape, heap, address, size, old_address, old_size,
             stack) in events(block):
            kind, source = KINDS[block.shape_kind[shape] - 1], block.shape_source[shape]
            print(time, *("" if n == 0xFFFFFFFF else n for n in (pid, tid)), cpu, kind, hex(heap),
                  "" if kind in NO_ADDRESS else hex(address), "" if kind in NO_SIZE else size,
                  *(hex(old_address), old_size) if kind == "realloc" else ("", ""),
                  source if source and kind in HAS_SOURCE else "", stacks[stack], sep="\t")


main()
