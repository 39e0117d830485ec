-- SPDX-License-Identifier: MIT
-- Stacks by bytes ever allocated (churn). Exact.
SELECT a.upid, sum(max(a.size, 0)) AS allocated, sum(max(a.count, 0)) AS allocs,
  sum(a.size) AS unreleased, s.stack
FROM heap_profile_allocation a JOIN winheap_stack s USING (callsite_id)
WHERE a.heap_name = 'libc.malloc'
GROUP BY a.upid, a.callsite_id ORDER BY allocated DESC, a.upid, s.stack LIMIT 20;
