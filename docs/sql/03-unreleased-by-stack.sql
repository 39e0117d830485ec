-- SPDX-License-Identifier: MIT
-- Stacks by bytes not released at the end. Exact.
WITH a AS (
  SELECT upid, callsite_id, sum(size) AS bytes, sum(count) AS blocks
  FROM heap_profile_allocation WHERE heap_name = 'libc.malloc'
  GROUP BY upid, callsite_id HAVING bytes > 0)
SELECT upid, bytes, blocks, stack
FROM a JOIN winheap_stack USING (callsite_id) ORDER BY bytes DESC, upid, stack LIMIT 20;
