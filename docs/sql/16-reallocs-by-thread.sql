-- SPDX-License-Identifier: MIT
-- Who reallocates in which heap, of the reallocs that are kept.
SELECT p.pid, e.tid, printf('0x%x', e.heap) AS heap, count(*) AS n, sum(e.moved) AS moved
FROM winheap_event e JOIN process p USING (upid)
WHERE e.kind = 'realloc' GROUP BY e.upid, e.utid, e.heap ORDER BY n DESC, e.upid, e.tid, e.heap;
