-- SPDX-License-Identifier: MIT
-- Blocks that never ended, of the large and long-lived that are kept one by one. The exact sums by
-- stack are in 03 and 06.
SELECT upid, name AS site, printf('0x%x', address) AS address, size, ts
FROM winheap_event WHERE kind = 'block' AND dur = -1 ORDER BY size DESC, ts, upid, block_id LIMIT 20;
