-- SPDX-License-Identifier: MIT
-- Blocks by whether they were allocated inside (AI) or outside (AO) of a window of time, and freed
-- inside (FI) or outside (FO) of it, as Windows' own tools split them. Here the window is the middle
-- half of the recording: put your times in place. Needs --full; exact then, but for blocks older
-- than the recording.
WITH w AS (
  SELECT (3 * trace_start() + trace_end()) / 4 AS t1, (trace_start() + 3 * trace_end()) / 4 AS t2)
SELECT upid, iif(born >= t1, 'AI', 'AO') || iif(died <= t2, 'FI', 'FO') AS type,
  count(*) AS blocks, sum(size) AS bytes
FROM w, winheap_life WHERE born <= t2 AND (died IS NULL OR died >= t1)
GROUP BY upid, type ORDER BY upid, type;
