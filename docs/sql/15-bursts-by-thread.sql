-- SPDX-License-Identifier: MIT
-- The busiest 10 ms of each thread. Needs --full; exact then.
SELECT upid, tid, ts / 10000000 * 10000000 AS bucket, count(*) AS allocs, sum(size) AS bytes
FROM winheap_every WHERE kind = 'alloc'
GROUP BY upid, utid, bucket ORDER BY allocs DESC, bytes DESC, upid, tid, bucket LIMIT 20;
