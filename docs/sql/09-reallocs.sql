-- SPDX-License-Identifier: MIT
-- Reallocs of each heap: how many moved, how many stayed, bytes copied. Exact.
SELECT upid, grp, sum(iif(name = 'realloc_moved', total, 0)) AS moved,
  sum(iif(name = 'realloc_inplace', total, 0)) AS in_place,
  sum(iif(name = 'copied_bytes', total, 0)) AS copied_bytes
FROM (
  SELECT upid, grp, group_id, name, max(value) AS total FROM winheap_counter
  WHERE name IN ('realloc_moved', 'realloc_inplace', 'copied_bytes') GROUP BY track_id)
GROUP BY upid, group_id ORDER BY copied_bytes DESC, moved DESC, in_place DESC, upid, grp;
