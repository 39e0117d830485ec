-- SPDX-License-Identifier: MIT
-- Stacks by bytes not released at the end. Exact.
SELECT a.upid, sum(a.size) AS bytes, sum(a.count) AS blocks, s.stack
FROM heap_profile_allocation a JOIN winheap_stack s USING (callsite_id)
WHERE a.heap_name = 'libc.malloc'
GROUP BY a.upid, a.callsite_id HAVING bytes > 0 ORDER BY bytes DESC, a.upid, s.stack LIMIT 20;
