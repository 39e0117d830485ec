-- SPDX-License-Identifier: MIT
-- Blocks that another thread freed than the one that allocated them. Needs --full; exact then.
SELECT upid, alloc_tid, free_tid, count(*) AS blocks, sum(size) AS bytes
FROM winheap_life WHERE alloc_tid <> free_tid
GROUP BY upid, alloc_tid, free_tid ORDER BY blocks DESC, upid, alloc_tid, free_tid;
