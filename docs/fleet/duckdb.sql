-- SPDX-License-Identifier: MIT
-- The .tsv of any number of machines in DuckDB, each file a machine. Run where the files are.
CREATE VIEW event AS
SELECT row_number() OVER () AS line, parse_filename(filename, true) AS machine,
  * EXCLUDE (filename)
FROM read_csv('*.tsv', delim = '\t', quote = '', escape = '', header = true, filename = true,
  types = {'time_ns': 'BIGINT', 'pid': 'BIGINT', 'tid': 'BIGINT', 'kind': 'VARCHAR',
    'heap': 'VARCHAR', 'address': 'VARCHAR', 'size': 'UBIGINT', 'old_address': 'VARCHAR',
    'old_size': 'UBIGINT', 'source': 'UTINYINT', 'stack': 'VARCHAR'});

-- Where a block begins or grows (lives), and where one ends.
CREATE VIEW step AS
SELECT machine, pid, heap, line, address, size, kind <> 'free' AS lives
FROM event WHERE kind IN ('alloc', 'realloc', 'free') AND address <> '0x0'
UNION ALL
SELECT machine, pid, heap, line, old_address, NULL, false
FROM event WHERE kind = 'realloc' AND address <> '0x0' AND old_address <> address;

-- What each machine did.
SELECT machine, count(*) AS events, count(*) FILTER (WHERE kind = 'alloc') AS allocs,
  count(*) FILTER (WHERE kind = 'realloc') AS reallocs,
  count(*) FILTER (WHERE kind = 'realloc' AND address <> old_address AND address <> '0x0') AS moved,
  count(*) FILTER (WHERE kind = 'free') AS frees
FROM event GROUP BY machine ORDER BY machine;

-- What each heap had not freed at the end.
WITH
  last AS (
    SELECT machine, pid, heap, address, arg_max(lives, line) AS lives,
      arg_max(ifnull(size, 0), line) AS size, max(line) AS line
    FROM step GROUP BY machine, pid, heap, address),
  gone AS (
    SELECT machine, pid, heap, max(line) AS line FROM event WHERE kind = 'destroy'
    GROUP BY machine, pid, heap)
SELECT machine, pid, heap, count(*) AS blocks, sum(size)::BIGINT AS bytes
FROM last LEFT JOIN gone USING (machine, pid, heap)
WHERE lives AND last.line > ifnull(gone.line, 0)
GROUP BY machine, pid, heap ORDER BY machine, pid, heap;

-- The call sites that allocated most, of all machines.
SELECT split_part(stack, ',', 1) AS site, count(*) AS allocs, sum(size)::BIGINT AS bytes,
  count(DISTINCT machine) AS machines
FROM event WHERE kind = 'alloc' AND stack IS NOT NULL
GROUP BY site ORDER BY bytes DESC, site LIMIT 5;
