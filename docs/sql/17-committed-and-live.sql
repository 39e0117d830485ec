-- SPDX-License-Identifier: MIT
-- Committed and reserved against live at the end, the worst heap first.
WITH e AS (
  SELECT upid, grp, group_id, name, value, max(ts) AS ts FROM winheap_counter WHERE heap IS NOT NULL
  GROUP BY upid, track_id)
SELECT upid, grp, sum(value) FILTER (WHERE name = 'live_bytes') AS live,
  sum(value) FILTER (WHERE name = 'committed_bytes') AS committed,
  sum(value) FILTER (WHERE name = 'reserved_bytes') AS reserved,
  round(100 * (1 - sum(value) FILTER (WHERE name = 'live_bytes') /
    sum(value) FILTER (WHERE name = 'committed_bytes')), 1) AS free_inside_pct
FROM e GROUP BY upid, group_id ORDER BY committed - live DESC, live DESC, upid, grp;
