#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs a test over the corpus of real recordings: run.sh TEST CORPUS SCRATCH. HT_CORPUS says where
# the corpus is when it is not at CORPUS. Exits with 77 where there is none.
set -eu
corpus=${HT_CORPUS:-$2}
if [ ! -d "$corpus/etl" ]; then
    echo "skipped: no corpus at $corpus (HT_CORPUS can say where it is)"
    exit 77
fi
if ! command -v unzip >/dev/null; then
    echo "skipped: unzip is needed for the corpus"
    exit 77
fi
mkdir -p "$3"
unzip -oq "$corpus/etl/perfview-net.4.5.2.x86.etl.zip" net.4.5.2.x86.etl -d "$3"
cp -f "$corpus"/etl/*.etl "$3"
cd "$3"
exec "$1"
