-- SPDX-License-Identifier: MIT
-- Stacks by bytes that lived at the peak of their process. Exact. For any dump D of the main
-- profile use heap_name 'libc.malloc' and ts <= the end of D instead.
WITH a AS (
  SELECT upid, callsite_id, sum(size) AS bytes, sum(count) AS blocks
  FROM heap_profile_allocation WHERE heap_name = 'at_peak'
  GROUP BY upid, callsite_id HAVING bytes > 0)
SELECT upid, bytes, blocks, stack
FROM a JOIN winheap_stack USING (callsite_id) ORDER BY bytes DESC, upid, stack LIMIT 20;
