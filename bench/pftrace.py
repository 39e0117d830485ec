#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a .pftrace and a .json cost, beside .htape -> null and `info --scan`, which numbers blocks too.

Runs each as a program of its own, in turn, ROUNDS times. Prints the medians and the least of the processor
time, million events a second, the size of the .pftrace, and the most memory that it took. Arguments: the
program, ROUNDS, .htape files.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile


def run(command):
    """Processor seconds and the most memory, in MiB, of a program with its output going nowhere."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        child = subprocess.Popen(command, stdout=nowhere, stderr=nowhere)
        _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"failed: {' '.join(command)}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


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
        seconds = statistics.median(cost[0] for cost in taken)
        least = min(cost[0] for cost in taken)
        print(f"  {name:9} {seconds:8.3f} s {1e9 * seconds / events:8.1f} ns an event"
              f" (least {1e9 * least / events:.1f})"
              f" {events / seconds / 1e6:7.2f} million/s {max(c[1] for c in taken):8.1f} MiB")


def main(program, rounds, *paths):
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            measure(program, int(rounds), path, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
