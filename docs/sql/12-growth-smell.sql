-- SPDX-License-Identifier: MIT
-- Blocks that grow by a constant step or by less than a fifth, three times or more. Of the reallocs
-- that are kept: all of them when trace_attribute.winheap.reallocs_dropped is 0.
SELECT upid, block_id, count(*) AS steps, min(size - old_size) AS min_inc,
  max(size - old_size) AS max_inc, round(avg(1.0 * size / old_size), 3) AS ratio,
  sum(iif(moved, old_size, 0)) AS copied
FROM winheap_event
WHERE kind = 'realloc' AND block_id IS NOT NULL AND size > old_size AND old_size > 0
GROUP BY upid, block_id
HAVING steps >= 3 AND (min_inc = max_inc OR ratio < 1.2)
ORDER BY copied DESC, steps DESC, upid, block_id LIMIT 20;
