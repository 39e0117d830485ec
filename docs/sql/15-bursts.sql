-- SPDX-License-Identifier: MIT
-- When a heap allocated fastest. Exact over the window that each sample begins.
SELECT upid, grp, ts, value AS allocs_a_second
FROM winheap_counter WHERE name = 'alloc_rate' AND heap IS NOT NULL
ORDER BY value DESC, ts, upid, grp LIMIT 20;
