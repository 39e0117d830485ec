#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Walks an .etl file and prints what is in it: a second opinion on our reader and writer.

Written from the description of the format alone; shares nothing with the C code. Prints the log
header, buffers, events by header kind and by hook (group, ff for other providers, and opcode). With
--events prints instead the heap allocs, reallocs and frees as heaptape's TSV, with their stacks.
"""
import bisect
import collections
import struct
import sys

HEADERS = {kind: (name + str(8 * pointer), size, pointer)
           for pointer, name, size, kind in [
               (4, "SYSTEM", 0x20, 1), (8, "SYSTEM", 0x20, 2), (4, "COMPACT", 0x18, 3),
               (8, "COMPACT", 0x18, 4), (4, "FULL", 0x30, 0x0A), (8, "FULL", 0x30, 0x14),
               (4, "INSTANCE", 0x48, 0x0B), (8, "INSTANCE", 0x48, 0x15), (4, "PERFINFO", 0x10, 0x10),
               (8, "PERFINFO", 0x10, 0x11), (4, "EVENT", 0x50, 0x12), (8, "EVENT", 0x50, 0x13)]}
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
        _, header, pointer = HEADERS[kind]
        by_hook = kind in (1, 2, 3, 4, 0x10, 0x11)
        size = u16(body, at + (4 if by_hook else 0))
        if size < header or at + size > len(body):
            break
        event = body[at:at + size]
        if by_hook:
            group, opcode, version = event[7], event[6], event[0]
        elif kind in (0x12, 0x13):
            group, opcode, version = GROUPS.get(event[0x18:0x28], 0xFF), event[0x2D], event[0x2A]
            if u16(event, 4) & 1:
                header += u16(event, 0x50)
        else:
            group, opcode, version = GROUPS.get(event[0x18:0x28], 0xFF), event[4], u16(event, 6)
        perfinfo = kind in (0x10, 0x11)
        stamp = u64(event, 8 if perfinfo else 0x10)
        pid, tid = (0, 0) if perfinfo else (u32(event, 0xC), u32(event, 8))
        yield kind, pointer, group, opcode, version, stamp, pid, tid, event[header:]
        at += (size + 7) & ~7


def heap_row(pointer, opcode, payload):
    """The columns of a TSV from kind to source."""
    count = {0x21: 3, 0x22: 5, 0x24: 2}[opcode]
    handle, *f, source = struct.unpack_from("<%d%sI" % (count, "IQ"[pointer == 8]), payload)
    if opcode == 0x21:
        return "alloc", hex(handle), hex(f[1]), f[0], "", "", source
    if opcode == 0x24:
        return "free", hex(handle), hex(f[0]), "", "", "", source
    return "realloc", hex(handle), hex(f[0]), f[2], hex(f[1]), f[3], source


class Stacks:
    """Whatever stacks need, taken in whole and resolved at the end."""

    def __init__(self):
        self.refs, self.keys, self.images, self.births = [], {}, [], {}

    def take(self, pointer, group, opcode, stamp, payload):
        word = "<Q" if pointer == 8 else "<I"

        def frames(at):
            return [f for f, in struct.iter_unpack(word, payload[at:]) if f]
        if group == 0x18 and opcode == 0x20:
            parts = frames(16)
            kernel = bool(parts) and parts[0] >> (8 * pointer - 1)
            self.refs.append((*struct.unpack_from("<QII", payload), not kernel, parts))
        elif group == 0x18 and opcode in (0x25, 0x26):
            key, = struct.unpack_from(word, payload, 16)
            self.refs.append((*struct.unpack_from("<QII", payload), opcode == 0x26, key))
        elif group == 0x18 and opcode in (0x22, 0x23, 0x24):
            key, = struct.unpack_from(word, payload)
            self.keys.setdefault(key, []).append((stamp, frames(pointer)))
        elif group == 3 and opcode == 1:
            self.births.setdefault(u32(payload, pointer), []).append(stamp)
        elif (group, opcode) == (3, 10) or (group == 0x14 and opcode in (2, 3, 4)):
            base, size = struct.unpack_from("<2" + word[1], payload)
            name = payload[0x38 if pointer == 8 else 0x2C:].decode("utf-16-le").split("\0")[0]
            name = name.split("\\")[-1]
            self.images.append((stamp, u32(payload, 2 * pointer), base, size, name, opcode))

    def frame(self, pid, stamp, address):
        # The name given last before in this life of the process, or first after, not beyond an
        # unload before or a load after.
        lives = sorted(self.births.get(pid, []))
        life = bisect.bisect_right(lives, stamp)
        for owner in (pid, 0):
            known = sorted(i for i in self.images if i[1] == owner and i[2] <= address < i[2] + i[3]
                           and (owner == 0 or bisect.bisect_right(lives, i[0]) == life))
            before = [i for i in known if i[0] <= stamp]
            after = [i for i in known if i[0] > stamp]
            found = None
            if before and before[-1][5] != 2:
                found = before[-1]
            elif after and after[0][5] != 10:
                found = after[0]
            if found:
                return "%s+0x%x" % (found[4], address - found[2])
        return hex(address)

    def texts(self):
        """The stack of each (stamp, pid, tid)."""
        parts = {}
        for stamp, pid, tid, is_user, what in self.refs:
            if isinstance(what, int):
                what = next(f for at, f in sorted(self.keys[what]) if at >= stamp)
            parts.setdefault((stamp, pid, tid), {}).setdefault(is_user, what)
        return {event: ",".join(self.frame(event[1], event[0], address)
                                for is_user in (False, True) for address in of.get(is_user, []))
                for event, of in parts.items()}


def main(path, prints_events):
    data = open(path, "rb").read()
    seen, hooks, rows, backwards = collections.Counter(), collections.Counter(), [], 0
    stacks = Stacks()
    start, log = u64(data, 0x58), data[0x68:]
    at = 0x100 if u32(log, 0x2C) == 8 else 0xF8
    hz = {1: u64(log, at), 2: 10000000, 3: u32(log, 0x34) * 1000000}[u32(log, at + 0x10)]
    for cpu, body, packed in buffers(data):
        seen["compressed buffers" if packed else "plain buffers"] += 1
        last = 0
        for kind, pointer, group, opcode, version, stamp, pid, tid, payload in events(body):
            seen[HEADERS[kind][0]] += 1
            hooks[(group, opcode, version)] += 1
            backwards += stamp < last
            last = stamp
            stacks.take(pointer, group, opcode, stamp, payload)
            if group == 0x10 and opcode in (0x21, 0x22, 0x24) and any(payload[:pointer]):
                rows.append((stamp, cpu, len(rows), pid, tid, heap_row(pointer, opcode, payload)))
    if prints_events:
        texts = stacks.texts()
        for stamp, cpu, _, pid, tid, row in sorted(rows):
            print((stamp - start) * 1000000000 // hz, pid, tid, cpu, *row,
                  texts.get((stamp, pid, tid), ""), sep="\t")
        return
    print("log header: OS %d.%d, sub %d.%d, %d CPUs, mode %#x, %d buffers, pointer %d, %d events lost"
          % (*log[4:8], u32(log, 12), u32(log, 0x20), *struct.unpack_from("<I4xII", log, 0x24)))
    for name, count in sorted(seen.items()):
        print(f"{name}: {count}")
    for (group, opcode, version), count in sorted(hooks.items()):
        print("hook %02x%02x v%d: %d" % (group, opcode, version, count))
    print("stamps going back in a buffer:", backwards)


if __name__ == "__main__":
    main(sys.argv[-1], "--events" in sys.argv)
