-- SPDX-License-Identifier: MIT
-- Peak of live bytes of each process, and when. Exact.
SELECT p.upid, p.pid, p.name, max(c.value) AS peak_bytes, c.ts AS at_ts, abs_time_str(c.ts) AS at_utc
FROM winheap_counter c JOIN process p USING (upid)
WHERE c.grp = 'Heap activity' AND c.name = 'live_bytes'
GROUP BY p.upid ORDER BY peak_bytes DESC, p.upid;
