-- SPDX-License-Identifier: MIT
-- The views that the queries beside this file use. Load it first:
--   trace_processor query -f winheap.sql ... , or include it as a module of a SQL package.
-- Names follow docs/formats/perfetto.md.

-- Every sample of every counter, with its group ("Heap activity" or "Heap 0x…") and heap handle. The
-- parent is asked of `track`: in Perfetto 55, process_counter_track has none.
CREATE PERFETTO VIEW winheap_counter AS
SELECT c.ts, c.value, ct.name, ct.id AS track_id, ct.upid, g.name AS grp,
  iif(g.name GLOB 'Heap 0x*', substr(g.name, 6), NULL) AS heap
FROM counter c
JOIN process_counter_track ct ON ct.id = c.track_id
JOIN track t ON t.id = ct.id
LEFT JOIN track g ON g.id = t.parent_id;

-- Reallocs (instants), chains and blocks (slices), with their annotations.
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
  extract_arg(s.arg_set_id, 'debug.source') AS source
FROM slice s
LEFT JOIN thread_track tt ON s.track_id = tt.id
LEFT JOIN thread t USING (utid)
LEFT JOIN process_track pt ON s.track_id = pt.id
WHERE s.category IN ('realloc', 'block', 'chain');

-- Call stacks as text, the innermost frame first.
CREATE PERFETTO TABLE winheap_stack AS
WITH RECURSIVE
  n AS MATERIALIZED (
    SELECT c.id, c.parent_id, c.depth, coalesce(f.deobfuscated_name, f.name) AS site
    FROM stack_profile_callsite c JOIN stack_profile_frame f ON f.id = c.frame_id),
  r(callsite_id, depth, site, stack) AS (
    SELECT id, depth, site, site FROM n WHERE parent_id IS NULL
    UNION ALL
    SELECT n.id, n.depth, n.site, n.site || ' < ' || r.stack
    FROM r JOIN n ON n.parent_id = r.callsite_id)
SELECT * FROM r;
