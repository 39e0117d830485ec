-- SPDX-License-Identifier: MIT
-- Sizes of all blocks and lifetimes of all that ended, of each heap. Exact.
SELECT t.upid, printf('0x%x', extract_arg(s.arg_set_id, 'debug.heap')) AS heap,
  extract_arg(s.arg_set_id, 'debug.kind') AS kind,
  extract_arg(s.arg_set_id, 'debug.bucket_lo') AS lo,
  extract_arg(s.arg_set_id, 'debug.bucket_hi') AS hi,
  extract_arg(s.arg_set_id, 'debug.count') AS n
FROM slice s JOIN process_track t ON t.id = s.track_id
WHERE s.category = 'histogram' ORDER BY 1, 2, 3, 4, 6;
