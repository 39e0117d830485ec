-- SPDX-License-Identifier: MIT
-- Live bytes of each heap at a time; put it in place of trace_end(). Exact at the end.
SELECT upid, grp, max(ts) AS sample_ts, value AS live_bytes
FROM winheap_counter
WHERE heap IS NOT NULL AND name = 'live_bytes' AND ts <= trace_end()
GROUP BY upid, track_id ORDER BY live_bytes DESC, sample_ts DESC, upid, grp;
