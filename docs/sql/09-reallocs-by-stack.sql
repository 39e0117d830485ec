-- SPDX-License-Identifier: MIT
-- Stacks by the bytes that their reallocs copied. Exact.
WITH a AS (
  SELECT upid, callsite_id, sum(size) AS copied_bytes, sum(count) AS moves
  FROM heap_profile_allocation WHERE heap_name = 'realloc_moved_bytes' GROUP BY upid, callsite_id)
SELECT upid, copied_bytes, moves, stack
FROM a JOIN winheap_stack USING (callsite_id) ORDER BY copied_bytes DESC, upid, stack LIMIT 20;
