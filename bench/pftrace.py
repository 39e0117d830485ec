#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a .pftrace and a .json cost, beside .htape -> null and `info --scan`, which numbers blocks too.

Runs each as a program of its own, in turn, ROUNDS times. Prints, by the clock and of processor time, the
medians and the least, million events a second by the clock, the size of the .pftrace, and the most memory
that it took. Arguments: the program, ROUNDS, .htape files.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time


def run(command):
    """Seconds by the clock and of processor time, and the most memory, in MiB, of a program. What it wrote
    before is removed: to overwrite a file costs more than to write one."""
    if "-o" in command and os.path.exists(command[-1]):
        os.remove(command[-1])
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        begin = time.perf_counter()
        child = subprocess.Popen(command, stdout=nowhere, stderr=nowhere)
        _, status, usage = os.wait4(child.pid, 0)
        taken = time.perf_counter() - begin
    if status != 0:
        sys.exit(f"failed: {' '.join(command)}")
    return taken, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def measure(program, rounds, path, folder):
    target = os.path.join(folder, "x.pftrace")
    commands = {"null": [program, "convert", path, "--to", "null"],
                "info": [program, "info", "--scan", path],
                ".pftrace": [program, "convert", path, "-o", target],
                ".json": [program, "convert", path, "-o", os.path.join(folder, "x.json")]}
    told = subprocess.run([program, "info", "--json", path], capture_output=True, check=True)
    events = json.loads(told.stdout)["events"]
    costs = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            costs[name].append(run(command))
    print(f"{path}: {events} events, {os.path.getsize(target) / 1e6:.1f} MB of .pftrace")
    for name, taken in costs.items():
        told = [f"{1e9 * number(cost[which] for cost in taken) / events:8.1f}"
                for which in (0, 1) for number in (statistics.median, min)]
        seconds = statistics.median(cost[0] for cost in taken)
        print(f"  {name:9} ns an event: clock {told[0]} (least {told[1]}) processor {told[2]} (least {told[3]})"
              f" {events / seconds / 1e6:7.2f} million/s {max(cost[2] for cost in taken):8.1f} MiB")


def main(program, rounds, *paths):
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            measure(program, int(rounds), path, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
