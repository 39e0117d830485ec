# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced by the tests of .pftrace: the fixtures have few call stacks of their own.

# with_stacks: gives every alloc and most reallocs of a .tsv a call stack, by size.
with_stacks() {
    python3 -c '
import sys
modules = ["app.exe", "C:\\Windows\\System32\\shell32.dll", "odd \x27name\x27: \u00e9.dll"]
for line in sys.stdin:
    fields = line.rstrip("\n").split("\t")
    if fields[4] in ("alloc", "realloc") and int(fields[7] or 0) % 7:
        n = int(fields[7]) % 5
        inner = [f"{modules[(n + i) % 3]}+{0x100 * n + i:#x}" for i in range(1 + n)]
        fields[11] = ",".join(["ntdll.dll+0x10"] + inner + inner[:1] + ["0x7ff600001000"])
    print("\t".join(fields))
'
}
