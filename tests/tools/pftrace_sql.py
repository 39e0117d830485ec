#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the queries of a folder, docs/sql, over a .pftrace, in SQLite.

Makes the tables that trace_processor would make of our file, those columns that the queries use, and
fails when a query does not run, when identities.sql finds something, or when a sum is not that of
the walker. Prints each query's rows as trace_processor.mjs does, which asks the real one: where both
are there, they have to agree.
"""
import datetime
import pathlib
import sqlite3
import sys

import pftrace_walk as walker

TABLES = """
CREATE TABLE process(upid, pid, name);
CREATE TABLE thread(utid, upid, tid);
CREATE TABLE track(id, name, parent_id);
CREATE TABLE process_track(id, name, upid, parent_id);
CREATE TABLE thread_track(id, utid);
CREATE TABLE process_counter_track(id, name, upid, parent_id);
CREATE TABLE counter(ts, value, track_id);
CREATE TABLE slice(id, ts, dur, name, category, track_id, arg_set_id);
CREATE TABLE heap_profile_allocation(ts, upid, heap_name, callsite_id, count, size);
CREATE TABLE stack_profile_callsite(id, parent_id, depth, frame_id);
CREATE TABLE stack_profile_frame(id, name, deobfuscated_name, mapping, symbol_set_id);
CREATE TABLE stack_profile_mapping(id, name);
CREATE TABLE stack_profile_symbol(id, name);
CREATE TABLE metadata(name, int_value, str_value);
CREATE TABLE stats(name, idx, severity, source, value);
"""


class Tables:
    def __init__(self, walk):
        self.walk = walk
        self.args = []
        self.upids = {process[2]: i + 1 for i, process in enumerate(walk.processes)}
        self.stamps = [stamp for events in walk.events.values() for stamp, _ in events] or [0]
        self.database = sqlite3.connect(":memory:")
        self.database.executescript(TABLES)
        self.insert("stack_profile_mapping", 0, "") # of all: it names a function only
        self.add_tracks()
        self.add_events()
        self.add_profiles()
        for key, value in walk.attributes.items():
            number, text = (None, value) if isinstance(value, str) else (value, None)
            self.insert("metadata", f"trace_attribute.{key}", number, text)
        self.database.create_function("trace_start", 0, lambda: min(self.stamps))
        self.database.create_function("trace_end", 0, lambda: max(self.stamps))
        self.database.create_function("abs_time_str", 1, self.wall_time)
        self.database.create_function("extract_arg", 2, self.extract_arg)

    def insert(self, table, *values):
        marks = ",".join("?" * len(values))
        self.database.execute(f"INSERT INTO {table} VALUES({marks})", values)

    def extract_arg(self, number, name):
        return self.args[number].get(name.removeprefix("debug."))

    def wall_time(self, stamp):
        clocks = {c["clock_id"]: c["timestamp"]
                  for c in self.walk.packets[0]["clock_snapshot"]["clocks"]}
        if 1 not in clocks:
            return None
        seconds, ns = divmod(clocks[1] + stamp - clocks[6], 10 ** 9)
        time = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
        return f"{time:%Y-%m-%dT%H:%M:%S}.{ns:09}"

    def process_of(self, uuid):
        """The process track above a track, by parents; a thread's by its pid and time."""
        track = self.walk.tracks[uuid]
        if "thread" in track:
            first = self.walk.events[uuid][0][0] if self.walk.events[uuid] else 0
            return self.walk.process_at(track["thread"]["pid"], first)[2]
        return uuid if "process" in track else self.process_of(track["parent_uuid"])

    def add_tracks(self):
        for pid, _, uuid, name in self.walk.processes:
            self.insert("process", self.upids[uuid], pid, name)
        for uuid, track in self.walk.tracks.items():
            if uuid == 0 or "process" in track:
                continue
            process = self.process_of(uuid)
            upid = self.upids[process]
            if "thread" in track:
                self.insert("thread", uuid, upid, track["thread"]["tid"])
                self.insert("thread_track", uuid, uuid)
                continue
            # A child of the process has no parent in SQL.
            parent = track["parent_uuid"] if track["parent_uuid"] != process else None
            self.insert("track", uuid, track["name"], parent)
            table = "process_counter_track" if "counter" in track else "process_track"
            self.insert(table, uuid, track["name"], upid, parent)

    def add_events(self):
        for uuid, events in self.walk.events.items():
            opened = None
            for stamp, event in sorted(events, key=lambda e: e[0]):
                if event["type"] == walker.COUNTER:
                    value = event.get("double_counter_value")
                    if value is None:
                        value = float(walker.signed(event["counter_value"]))
                    self.insert("counter", stamp, value, uuid)
                elif event["type"] == walker.END:
                    self.database.execute("UPDATE slice SET dur = ? WHERE id = ?",
                                          (stamp - opened[0], opened[1]))
                else:
                    number = len(self.args)
                    self.args.append({k: walker.signed(v) if isinstance(v, int) else v
                                      for k, v in event["args"].items()})
                    duration = 0 if event["type"] == walker.INSTANT else -1
                    self.insert("slice", number, stamp, duration, event["name"],
                                event["category"][0], uuid, number)
                    opened = (stamp, number)

    def add_profiles(self):
        callsites = {}
        before = {}
        for pid, heap, start, end, totals, sequence in self.walk.dumps:
            upid = self.upids[self.walk.process_at(pid, start)[2]]
            for stack, now in totals.items():
                last = before.get((id(sequence), stack), [0] * 4)
                before[id(sequence), stack] = now
                callsite = self.callsite(callsites, sequence.paths[stack])
                for sign, size, count in ((1, 0, 2), (-1, 1, 3)):
                    if now[count] > last[count]:
                        self.stamps.append(end)
                        self.insert("heap_profile_allocation", end, upid, heap, callsite,
                                    sign * (now[count] - last[count]),
                                    sign * (now[size] - last[size]))

    def callsite(self, callsites, path):
        parent = None
        for depth in range(len(path)):
            key = tuple(path[:depth + 1])
            if key not in callsites:
                callsites[key] = len(callsites)
                self.insert("stack_profile_frame", callsites[key], path[depth][2], None, 0, None)
                self.insert("stack_profile_callsite", callsites[key], parent, depth, callsites[key])
            parent = callsites[key]
        return parent

    def run(self, path):
        text = path.read_text(encoding="utf-8").replace("CREATE PERFETTO", "CREATE")
        rows = []
        statement = ""
        for line in text.splitlines(keepends=True):
            statement += line
            if sqlite3.complete_statement(statement):
                rows += self.database.execute(statement).fetchall()
                statement = ""
        walker.check(not [l for l in statement.splitlines() if l.strip()], f"{path}: does not end")
        return rows


def cell(value):
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if is_whole else value)


def main(trace, folder):
    walk = walker.Walk(walker.read(trace))
    walk.walk()
    tables = Tables(walk)
    figures = [f for f in walker.sums(walk) if f["group"] == "Heap activity"]
    for figure in figures:
        figure["process"] = tables.upids[figure["process"]]
    folder = pathlib.Path(folder)
    tables.run(folder / "winheap.sql")
    results = {}
    for path in sorted(folder.glob("*.sql")):
        if path.name != "winheap.sql":
            results[path.stem] = tables.run(path)
            print(path.stem, len(results[path.stem]))
            for row in results[path.stem]:
                print(" ", "\t".join(map(cell, row)))
    walker.check(not results.get("identities"), "the identities do not hold")
    peaks = {row[0]: row[3] for row in results["01-peak-live-bytes"]}
    walker.check(peaks == {f["process"]: f["peak"] for f in figures}, f"peaks {peaks}")
    reallocs = {row[0]: row[2:] for row in results["09-reallocs"] if row[1] == "Heap activity"}
    walker.check(reallocs == {f["process"]: (f["realloc_moved"], f["realloc_inplace"],
                                             f["copied_bytes"]) for f in figures}, "reallocs")
    unreleased = results.get("03-unreleased-by-stack")
    if walk.dumps and unreleased is not None and len(unreleased) < 20:
        walker.check(sum(row[1] for row in unreleased) ==
                     sum(f["live_bytes"] for f in figures), "unreleased bytes")


main(*sys.argv[1:])
