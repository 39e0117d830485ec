-- SPDX-License-Identifier: MIT
-- Which block of a process has an address at a time. Here it is the middle of the block allocated
-- last, at that time: put yours in place. Needs --full; exact then, but for blocks older than the
-- recording.
WITH
  ask AS (
    SELECT upid, ts AS t, address + size / 2 AS a FROM winheap_every
    WHERE kind = 'alloc' AND size > 0 ORDER BY ts DESC, block_id DESC LIMIT 1),
  step AS (
    SELECT e.upid, e.block_id, e.address, e.size, e.tid, max(e.ts) AS since FROM winheap_every e, ask
    WHERE e.upid = ask.upid AND e.block_id IS NOT NULL AND e.kind <> 'free' AND e.ts <= t
    GROUP BY e.block_id)
SELECT upid, block_id, printf('0x%x', address) AS address, step.size, since, tid
FROM step JOIN ask USING (upid) JOIN winheap_life USING (upid, block_id)
WHERE address <= a AND address + step.size > a AND (died IS NULL OR died > t);
