-- SPDX-License-Identifier: MIT
-- Stacks by bytes ever allocated (churn). Exact.
WITH a AS (
  SELECT upid, callsite_id, sum(max(size, 0)) AS allocated, sum(max(count, 0)) AS allocs,
    sum(size) AS unreleased
  FROM heap_profile_allocation WHERE heap_name = 'libc.malloc' GROUP BY upid, callsite_id)
SELECT upid, allocated, allocs, unreleased, stack
FROM a JOIN winheap_stack USING (callsite_id) ORDER BY allocated DESC, upid, stack LIMIT 20;
