-- SPDX-License-Identifier: MIT
-- All reallocs that are kept of one block; here of the one that copied most. `step` has gaps where
-- some are not kept.
SELECT ts, name, tid, printf('0x%x', old_address) AS old, printf('0x%x', address) AS address,
  old_size, size, moved, step
FROM winheap_event
WHERE kind = 'realloc' AND block_id = (
  SELECT block_id FROM winheap_event WHERE kind = 'chain'
  ORDER BY extract_arg(arg_set_id, 'debug.copied_bytes') DESC, block_id LIMIT 1)
ORDER BY ts;
