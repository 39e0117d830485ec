#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Walks an .etl file and prints what is in it: a second opinion on our reader and writer.

Written from the description of the format alone; shares nothing with the C code. Prints the log
header, buffers, events by header kind and by hook (group and opcode), and with --events one line
for each heap alloc, realloc and free in the order of time: stamp, CPU, kind, pid, tid, address,
size, old address, old size.
"""
import collections
import struct
import sys

HEADERS = {1: (0x20, 4), 2: (0x20, 8), 3: (0x18, 4), 4: (0x18, 8), 0x0A: (0x30, 4), 0x14: (0x30, 8),
           0x0B: (0x48, 4), 0x15: (0x48, 8), 0x10: (0x10, 4), 0x11: (0x10, 8), 0x12: (0x50, 4),
           0x13: (0x50, 8)}
NAMES = {1: "SYSTEM32", 2: "SYSTEM64", 3: "COMPACT32", 4: "COMPACT64", 0x0A: "FULL32",
         0x14: "FULL64", 0x0B: "INSTANCE32", 0x15: "INSTANCE64", 0x10: "PERFINFO32",
         0x11: "PERFINFO64", 0x12: "EVENT32", 0x13: "EVENT64"}
GROUPS = {bytes.fromhex("ab6229228061884ba825346b75f2a24a"): 0x10,
          bytes.fromhex("d3a86f3d05fed0119dda00c04fd7ba7c"): 0x02}


def u16(data, at):
    return struct.unpack_from("<H", data, at)[0]


def u32(data, at):
    return struct.unpack_from("<I", data, at)[0]


def u64(data, at):
    return struct.unpack_from("<Q", data, at)[0]


def unpack(data, size):
    """Plain LZ77 XPRESS."""
    out = bytearray()
    at = flags = left = 0
    half = None
    while len(out) < size:
        if left == 0:
            flags, left, at = u32(data, at), 32, at + 4
        left -= 1
        if not flags >> left & 1:
            out.append(data[at])
            at += 1
            continue
        token, at = u16(data, at), at + 2
        length, distance = token & 7, (token >> 3) + 1
        if length == 7:
            if half is None:
                half, extra, at = at, data[at] & 15, at + 1
            else:
                extra, half = data[half] >> 4, None
            if extra == 15:
                extra, at = data[at], at + 1
                if extra == 255:
                    extra, at = u16(data, at), at + 2
                    if extra == 0:
                        extra, at = u32(data, at), at + 4
                    extra -= 22
                extra += 15
            length += extra
        if distance > len(out):
            raise ValueError("match before the start")
        for _ in range(length + 3):
            out.append(out[-distance])
    if len(out) != size:
        raise ValueError("match past the end")
    if data[at:] not in (b"", b"\xff\xff\xff\xff"):
        raise ValueError(f"{len(data) - at} bytes behind the end of the stream")
    return bytes(out)


def buffers(data):
    """Yields (cpu, body up to its valid length, whether it was compressed)."""
    at = 0
    while at + 0x48 <= len(data):
        size = u32(data, at)
        if size < 0x48:
            break
        saved, current, offset = u32(data, at + 4), u32(data, at + 8), u32(data, at + 0x30)
        flags, valid = u16(data, at + 0x34), saved or offset or current
        cpu = u16(data, at + 0x28) & 0x7FF if flags & 0x20 else data[at + 0x28]
        body = data[at + 0x48:at + size]
        if flags & 0x40:
            if at + size <= len(data):
                yield cpu, unpack(body, valid - 0x48), True
        else:
            yield cpu, body[:valid - 0x48], False
        at += size


def events(body):
    at = 0
    while at + 8 <= len(body) and body[at + 3] == 0xC0 and body[at + 2] in HEADERS:
        kind = body[at + 2]
        header, pointer = HEADERS[kind]
        by_hook = kind in (1, 2, 3, 4, 0x10, 0x11)
        size = u16(body, at + (4 if by_hook else 0))
        if size < header or at + size > len(body):
            break
        event = body[at:at + size]
        if by_hook:
            group, opcode, version = event[7], event[6], event[0]
        elif kind in (0x12, 0x13):
            group, opcode, version = GROUPS.get(event[0x18:0x28]), event[0x2D], event[0x2A]
            if u16(event, 4) & 1:
                header += u16(event, 0x50)
        else:
            group, opcode, version = GROUPS.get(event[0x18:0x28]), event[4], u16(event, 6)
        perfinfo = kind in (0x10, 0x11)
        stamp = u64(event, 8 if perfinfo else 0x10)
        pid, tid = (0, 0) if perfinfo else (u32(event, 0xC), u32(event, 8))
        yield kind, pointer, group, opcode, version, stamp, pid, tid, event[header:]
        at += (size + 7) & ~7


def main(path, lists_events):
    data = open(path, "rb").read()
    seen, hooks, heap = collections.Counter(), collections.Counter(), []
    backwards, position = 0, 0
    for number, (cpu, body, packed) in enumerate(buffers(data)):
        seen["compressed buffers" if packed else "plain buffers"] += 1
        last = 0
        for kind, pointer, group, opcode, version, stamp, pid, tid, payload in events(body):
            seen[NAMES[kind]] += 1
            hooks[(group, opcode, version)] += 1
            backwards += stamp < last
            last = stamp
            if number == 0 and group == 0 and opcode == 0:
                print("log header: OS %d.%d, sub %d.%d, %d CPUs, mode %#x, %d buffers, pointer %d, "
                      "%d events lost" % (*payload[4:8], u32(payload, 12), u32(payload, 0x20),
                                          *struct.unpack_from("<I4xII", payload, 0x24)))
            if group == 0x10 and opcode in (0x21, 0x22, 0x24):
                count = {0x21: 3, 0x22: 5, 0x24: 2}[opcode]
                f = struct.unpack_from("<%d%s" % (count, "IQ"[pointer == 8]), payload)
                what = {0x21: ("alloc", f[-1], f[1], 0, 0), 0x24: ("free", f[1], 0, 0, 0),
                        0x22: ("realloc", f[1], *f[3:4], *f[2:3], *f[4:])}[opcode]
                heap.append((stamp, cpu, position, pid, tid, f[0], what))
                position += 1
    for name, count in sorted(seen.items()):
        print(f"{name}: {count}")
    for (group, opcode, version), count in sorted(hooks.items(), key=str):
        print("hook %s%02x v%d: %d" % ("??" if group is None else "%02x" % group, opcode, version,
                                       count))
    print("stamps going back in a buffer:", backwards)
    for stamp, cpu, _, pid, tid, handle, what in sorted(heap) if lists_events else ():
        print(stamp, cpu, what[0], pid, tid, hex(handle), hex(what[1]), what[2], hex(what[3]), what[4])


if __name__ == "__main__":
    main(sys.argv[-1], "--events" in sys.argv)
