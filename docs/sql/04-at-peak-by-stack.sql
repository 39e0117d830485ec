-- SPDX-License-Identifier: MIT
-- Stacks by bytes that lived at the peak of their process. Exact. For any dump D of the main
-- profile use heap_name 'libc.malloc' and ts <= the end of D instead.
SELECT a.upid, sum(a.size) AS bytes, sum(a.count) AS blocks, s.stack
FROM heap_profile_allocation a JOIN winheap_stack s USING (callsite_id)
WHERE a.heap_name = 'at_peak'
GROUP BY a.upid, a.callsite_id HAVING bytes > 0 ORDER BY bytes DESC, a.upid, s.stack LIMIT 20;
