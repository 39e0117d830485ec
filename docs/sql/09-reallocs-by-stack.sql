-- SPDX-License-Identifier: MIT
-- Stacks by the bytes that their reallocs copied. Exact.
SELECT a.upid, sum(a.size) AS copied_bytes, sum(a.count) AS moves, s.stack
FROM heap_profile_allocation a JOIN winheap_stack s USING (callsite_id)
WHERE a.heap_name = 'realloc_moved_bytes'
GROUP BY a.upid, a.callsite_id ORDER BY copied_bytes DESC, a.upid, s.stack LIMIT 20;
