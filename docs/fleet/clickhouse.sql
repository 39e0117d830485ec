-- SPDX-License-Identifier: MIT
-- The .tsv of any number of machines in ClickHouse. Columns that may be empty are text there, since an
-- empty field is no number of its TSV. Each file is loaded, its machine in front of each line, by:
--   awk -v machine=x 'NR > 1 { print machine "\t" $0 }' x.tsv |
--     clickhouse-client --query 'INSERT INTO heap_text FORMAT TabSeparated'
CREATE TABLE heap_text (
  machine String, time_ns Int64, pid String, tid String, cpu UInt16, kind String,
  heap String, address String, size String, old_address String, old_size String, source String,
  stack String
) ENGINE = MergeTree ORDER BY (machine, time_ns);

-- What each machine did.
SELECT machine, count() AS events, countIf(kind = 'alloc') AS allocs,
  countIf(kind = 'realloc') AS reallocs,
  countIf(kind = 'realloc' AND address != old_address AND address != '0x0') AS moved,
  countIf(kind = 'free') AS frees
FROM heap_text GROUP BY machine ORDER BY machine;

-- The call sites that allocated most, of all machines.
SELECT splitByChar(',', stack)[1] AS site, count() AS allocs, sum(toUInt64OrZero(size)) AS bytes,
  uniqExact(machine) AS machines
FROM heap_text WHERE kind = 'alloc' AND stack != ''
GROUP BY site ORDER BY bytes DESC, site LIMIT 5;
