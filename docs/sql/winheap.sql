-- SPDX-License-Identifier: MIT
-- The views that the queries beside this file use. Load it first:
--   cat winheap.sql 01-peak-live-bytes.sql | trace_processor query x.pftrace
-- or include it as a module of a SQL package.
-- Names follow docs/formats/perfetto.md.

-- Every sample of every counter, with its group ("Heap activity" or "Heap 0x…") and heap handle. The
-- parent is asked of `track`: in Perfetto 55, process_counter_track has none. A handle used again is
-- another heap: "Heap 0x1f0 #2".
CREATE PERFETTO VIEW winheap_counter AS
SELECT c.ts, c.value, ct.name, ct.id AS track_id, ct.upid, t.parent_id AS group_id, g.name AS grp,
  iif(g.name GLOB 'Heap 0x*', substr(g.name, 6, instr(substr(g.name, 6) || ' ', ' ') - 1), NULL) AS heap
FROM counter c
JOIN process_counter_track ct ON ct.id = c.track_id
JOIN track t ON t.id = ct.id
LEFT JOIN track g ON g.id = t.parent_id;

-- Each counter's last value and its highest.
CREATE PERFETTO VIEW winheap_end AS
SELECT upid, group_id, grp, heap, name, value AS last, most
FROM (
  SELECT *, max(value) OVER (PARTITION BY track_id) AS most,
    row_number() OVER (PARTITION BY track_id ORDER BY ts DESC) AS behind
  FROM winheap_counter)
WHERE behind = 1;

-- The figures of each process and of each heap, and what is said of the whole file: the rows that
-- docs/fleet/summary.textproto takes of every trace. All exact.
CREATE PERFETTO VIEW winheap_process AS
SELECT upid, p.pid, ifnull(p.name, '') AS process,
  max(iif(c.name = 'live_bytes', most, NULL)) AS peak_bytes,
  max(iif(c.name = 'live_bytes', last, NULL)) AS end_bytes,
  max(iif(c.name = 'live_blocks', last, NULL)) AS end_blocks,
  max(iif(c.name = 'realloc_moved', last, NULL)) AS reallocs_moved,
  max(iif(c.name = 'realloc_inplace', last, NULL)) AS reallocs_in_place,
  max(iif(c.name = 'copied_bytes', last, NULL)) AS copied_bytes
FROM winheap_end c JOIN process p USING (upid) WHERE c.grp = 'Heap activity' GROUP BY upid;

CREATE PERFETTO VIEW winheap_heap AS
SELECT group_id, p.pid, c.grp AS heap,
  max(iif(c.name = 'live_bytes', most, NULL)) AS peak_bytes,
  max(iif(c.name = 'live_bytes', last, NULL)) AS end_bytes,
  max(iif(c.name = 'committed_bytes', last, NULL)) AS committed_bytes
FROM winheap_end c JOIN process p USING (upid) WHERE c.heap IS NOT NULL GROUP BY group_id;

CREATE PERFETTO VIEW winheap_attribute AS
SELECT replace(name, 'trace_attribute.', '') AS key,
  coalesce(str_value, cast(int_value AS TEXT)) AS value
FROM metadata
WHERE name GLOB 'trace_attribute.*' OR name GLOB 'system_*' OR name = 'trace_uuid';

-- Reallocs (instants), chains and blocks (slices), with their annotations; peaks and destroyed heaps
-- (`mark`, instants); of a file written with --full also allocs and frees (instants).
CREATE PERFETTO VIEW winheap_event AS
SELECT s.id, s.ts, s.dur, s.name, s.category AS kind, s.track_id, s.arg_set_id,
  coalesce(t.upid, pt.upid) AS upid, t.utid, t.tid,
  extract_arg(s.arg_set_id, 'debug.heap') AS heap,
  extract_arg(s.arg_set_id, 'debug.address') AS address,
  extract_arg(s.arg_set_id, 'debug.old_address') AS old_address,
  extract_arg(s.arg_set_id, 'debug.size') AS size,
  extract_arg(s.arg_set_id, 'debug.old_size') AS old_size,
  extract_arg(s.arg_set_id, 'debug.moved') AS moved,
  extract_arg(s.arg_set_id, 'debug.block_id') AS block_id,
  extract_arg(s.arg_set_id, 'debug.step') AS step,
  extract_arg(s.arg_set_id, 'debug.alloc_tid') AS alloc_tid,
  extract_arg(s.arg_set_id, 'debug.source') AS source
FROM slice s
LEFT JOIN thread_track tt ON s.track_id = tt.id
LEFT JOIN thread t USING (utid)
LEFT JOIN process_track pt ON s.track_id = pt.id
WHERE s.category IN ('alloc', 'realloc', 'free', 'block', 'chain', 'mark');

-- The allocs, reallocs and frees of a file that has every one of them (--full); of another none, since
-- what asks for them would be answered wrongly.
CREATE PERFETTO VIEW winheap_every AS
SELECT * FROM winheap_event
WHERE kind IN ('alloc', 'realloc', 'free') AND EXISTS (
  SELECT 1 FROM metadata WHERE name = 'trace_attribute.winheap.every_event' AND int_value = 1);

-- The life of each block of such a file, with its last size. It died when it was freed or its heap was
-- destroyed, and else lives.
CREATE PERFETTO VIEW winheap_life AS
WITH
  step AS (
    SELECT upid, block_id, heap, min(ts) AS born, max(ts) AS last,
      max(iif(kind = 'free', ts, NULL)) AS freed, max(iif(kind = 'free', alloc_tid, NULL)) AS alloc_tid,
      max(iif(kind = 'free', tid, NULL)) AS free_tid
    FROM winheap_every WHERE block_id IS NOT NULL GROUP BY upid, block_id),
  sized AS (
    SELECT upid, block_id, size, max(ts) AS ts FROM winheap_every
    WHERE block_id IS NOT NULL AND kind <> 'free' GROUP BY upid, block_id)
SELECT upid, block_id, heap, born, size, alloc_tid, free_tid, coalesce(freed, (
    SELECT min(m.ts) FROM winheap_event m
    WHERE m.kind = 'mark' AND m.upid = step.upid AND m.heap = step.heap AND m.ts >= last)) AS died
FROM step JOIN sized USING (upid, block_id);

-- Call stacks as text, the innermost frame first: module and offset, or module and function where symbols
-- were put behind the trace (docs/formats/perfetto.md).
CREATE PERFETTO TABLE winheap_stack AS
WITH RECURSIVE
  n AS MATERIALIZED (
    SELECT c.id, c.parent_id, c.depth,
      coalesce(ltrim(m.name, '/') || '!' || y.name, f.deobfuscated_name, f.name) AS site
    FROM stack_profile_callsite c
    JOIN stack_profile_frame f ON f.id = c.frame_id
    JOIN stack_profile_mapping m ON m.id = f.mapping
    LEFT JOIN stack_profile_symbol y ON y.id = f.symbol_set_id),
  r(callsite_id, depth, site, stack) AS (
    SELECT id, depth, site, site FROM n WHERE parent_id IS NULL
    UNION ALL
    SELECT n.id, n.depth, n.site, n.site || ' < ' || r.stack
    FROM r JOIN n ON n.parent_id = r.callsite_id)
SELECT * FROM r;
