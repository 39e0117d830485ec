-- SPDX-License-Identifier: MIT
-- Which part of each heap served its allocs. Needs --full; exact then.
SELECT upid, printf('0x%x', heap) AS heap,
  CASE source WHEN 1 THEN 'look-aside' WHEN 2 THEN 'low-fragmentation heap' WHEN 3 THEN 'main path'
    WHEN 4 THEN 'slow path' WHEN 6 THEN 'segment heap' ELSE 'source ' || ifnull(source, '?') END
  AS front_end,
  count(*) AS allocs, sum(size) AS bytes
FROM winheap_every WHERE kind = 'alloc'
GROUP BY upid, heap, front_end ORDER BY allocs DESC, upid, heap, front_end;
