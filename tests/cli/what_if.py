# SPDX-License-Identifier: MIT
"""what_if.py TRACE.tsv REPLAY.json: plays the trace from its text under the policy that the report
names, the simplest way, and compares the calls that are left and what lives."""
import csv
import json
import sys
from fractions import Fraction


def number(text):
    return int(text, 0) if text else 0


class Policy:
    def __init__(self, changes):
        self.factor = None
        self.off = None
        for change in changes:
            name, _, value = change.partition("=")
            if name == "growth":
                self.factor = Fraction(value)
            elif name == "size-class-off":
                ends = value.split("-") if value else ["0", "1024"]
                self.off = range(int(ends[0]), int(ends[-1]) + 1)

    def capacity(self, before, size):
        """None where the realloc is no call."""
        if self.factor is None:
            return size
        if size > before:
            return max(size, int(before * self.factor))
        return size if before > int(size * self.factor) else None


class Program:
    def __init__(self, policy):
        self.policy = policy
        self.blocks = {}  # (pid, heap, address): [wanted, capacity]
        self.calls = self.spared = self.elsewhere = 0
        self.peak = self.spare_peak = self.elsewhere_peak = 0

    def is_off(self, block):
        return self.policy.off is not None and block[1] in self.policy.off

    def call(self, *blocks):
        """A call on the heap if any form of the block is there, else one elsewhere."""
        if all(self.is_off(block) for block in blocks):
            self.elsewhere += 1
        else:
            self.calls += 1

    def note(self):
        here = [block[1] for block in self.blocks.values() if not self.is_off(block)]
        there = [block[1] for block in self.blocks.values() if self.is_off(block)]
        self.peak = max(self.peak, sum(here))
        self.elsewhere_peak = max(self.elsewhere_peak, sum(there))
        spare = sum(capacity - wanted for wanted, capacity in self.blocks.values())
        self.spare_peak = max(self.spare_peak, spare)
        self.end_bytes = sum(here)

    def begin(self, key, size):
        if key in self.blocks:
            self.end(key)
        self.blocks[key] = [size, size]
        self.call(self.blocks[key])
        self.note()

    def end(self, key):
        self.call(self.blocks.pop(key))
        self.note()

    def resize(self, old, key, size):
        if key != old and key in self.blocks:
            self.end(key)
        was = self.blocks.pop(old)
        capacity = self.policy.capacity(was[1], size)
        self.blocks[key] = is_ = [size, was[1] if capacity is None else capacity]
        if self.is_off(was) or self.is_off(is_) or self.policy.factor is None:
            self.call(was, is_)
        elif is_[1] == was[1]:
            self.spared += 1
        else:
            self.calls += 1
        self.note()


def play(program, rows):
    for row in rows:
        where = row["pid"], row["heap"]
        key, old = (*where, number(row["address"])), (*where, number(row["old_address"]))
        kind, size = row["kind"], number(row["size"])
        if kind == "destroy":
            for each in [each for each in program.blocks if each[:2] == where]:
                program.end(each)
        elif kind == "free" and key in program.blocks:
            program.end(key)
        elif kind in ("alloc", "realloc") and key[2] != 0:
            if kind == "alloc" or old[2] == 0:
                program.begin(key, size)
                continue
            if old not in program.blocks:
                program.begin(old, number(row["old_size"]))
            program.resize(old, key, size)


def main(trace, report):
    report = json.load(open(report, encoding="utf-8"))
    found = report["what_if"]
    program = Program(Policy(found["changes"]))
    with open(trace, encoding="utf-8") as file:
        play(program, csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    for what, is_, expected in (
        ("calls", found["operations"]["what_if"], program.calls),
        ("peak", found["peak_bytes"]["what_if"], program.peak),
        ("end", found["end_bytes"]["what_if"], program.end_bytes),
        ("spared", found["spared"], program.spared),
        ("spare", found["spare_peak_bytes"], program.spare_peak),
        ("elsewhere", found["elsewhere"], program.elsewhere),
        ("bytes elsewhere", found["elsewhere_peak_bytes"], program.elsewhere_peak),
    ):
        if is_ != expected:
            sys.exit(f"{found['changes']}: {what}: expected {expected}, found {is_}")
    if "realloc=copy" in found["changes"]:
        assert found["in_place"]["what_if"] == 0, found["in_place"]


main(*sys.argv[1:])
