-- SPDX-License-Identifier: MIT
-- Growth between two times ("generations"); put them in place of trace_start() and trace_end().
-- Exact at the ends of dumps.
WITH a AS (
  SELECT upid, callsite_id, sum(size) AS growth, sum(max(size, 0)) AS allocated
  FROM heap_profile_allocation
  WHERE heap_name = 'libc.malloc' AND ts > trace_start() AND ts <= trace_end()
  GROUP BY upid, callsite_id HAVING growth > 0)
SELECT upid, growth, allocated, stack
FROM a JOIN winheap_stack USING (callsite_id) ORDER BY growth DESC, upid, stack LIMIT 20;
