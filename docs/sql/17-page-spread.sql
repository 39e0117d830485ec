-- SPDX-License-Identifier: MIT
-- Page spread of each heap, the bytes of its pages that hold a block over the bytes of its blocks: when
-- it was largest, and at the end. What its pages held besides at the largest, the worst heap first.
WITH
  peak AS (
    SELECT upid, grp, group_id, max(value) AS live, ts FROM winheap_counter
    WHERE name = 'live_bytes' AND heap IS NOT NULL GROUP BY upid, group_id),
  spread AS (SELECT group_id, ts, value FROM winheap_counter WHERE name = 'page_spread'),
  at_peak AS (
    SELECT peak.*, spread.value AS spread, max(spread.ts) FROM peak JOIN spread USING (group_id)
    WHERE spread.ts <= peak.ts GROUP BY group_id),
  at_end AS (SELECT group_id, value AS spread, max(ts) FROM spread GROUP BY group_id)
SELECT upid, grp, peak.live AS peak_bytes, round(peak.spread, 3) AS at_peak,
  round(at_end.spread, 3) AS at_end, round(peak.live * (peak.spread - 1)) AS besides_bytes
FROM at_peak AS peak JOIN at_end USING (group_id)
ORDER BY besides_bytes DESC, upid, grp, peak.ts;
