-- SPDX-License-Identifier: MIT
-- The most expensive chains: one block, reallocated over and over.
SELECT e.upid, e.name, e.ts, e.dur, e.block_id,
  extract_arg(e.arg_set_id, 'debug.steps') AS steps,
  extract_arg(e.arg_set_id, 'debug.copied_bytes') AS copied_bytes,
  extract_arg(e.arg_set_id, 'debug.growth') AS growth
FROM winheap_event e WHERE e.kind = 'chain'
ORDER BY copied_bytes DESC, steps DESC, e.upid, e.block_id LIMIT 20;
