-- SPDX-License-Identifier: MIT
-- Growth between two times ("generations"); put them in place of trace_start() and trace_end().
-- Exact at the ends of dumps.
SELECT a.upid, sum(a.size) AS growth, sum(max(a.size, 0)) AS allocated, s.stack
FROM heap_profile_allocation a JOIN winheap_stack s USING (callsite_id)
WHERE a.heap_name = 'libc.malloc' AND a.ts > trace_start() AND a.ts <= trace_end()
GROUP BY a.upid, a.callsite_id HAVING growth > 0 ORDER BY growth DESC, a.upid, s.stack LIMIT 20;
