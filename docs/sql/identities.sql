-- SPDX-License-Identifier: MIT
-- Where a profile does not add up to its counter: must return no rows when there are stacks.
WITH live AS (
    SELECT upid, ifnull('heap_' || substr(heap, 3), 'libc.malloc') AS heap_name, sum(value) AS value
    FROM (SELECT upid, heap, value, max(ts) AS ts FROM winheap_counter
      WHERE name = 'live_bytes' GROUP BY track_id)
    GROUP BY 1, 2),
  prof AS (
    -- "heap_1f0_2" is the second use of a handle.
    SELECT upid, iif(substr(heap_name, 6) GLOB '*_*' AND heap_name GLOB 'heap_*',
      substr(heap_name, 1, 4 + instr(substr(heap_name, 6), '_')), heap_name) AS heap_name,
      sum(size) AS size
    FROM heap_profile_allocation GROUP BY 1, 2)
SELECT * FROM live LEFT JOIN prof USING (upid, heap_name)
WHERE value <> ifnull(size, 0) AND (SELECT count(*) FROM heap_profile_allocation) > 0;
WITH pk AS (
    SELECT upid, max(value) AS peak FROM winheap_counter
    WHERE grp = 'Heap activity' AND name = 'live_bytes' GROUP BY upid),
  ap AS (
    SELECT upid, sum(size) AS size FROM heap_profile_allocation WHERE heap_name = 'at_peak' GROUP BY upid)
SELECT * FROM pk JOIN ap USING (upid) WHERE peak <> size;
