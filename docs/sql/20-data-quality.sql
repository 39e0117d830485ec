-- SPDX-License-Identifier: MIT
-- What the recording lost and what the file left out, then what the importer complains about.
SELECT name, int_value, str_value FROM metadata WHERE name GLOB 'trace_attribute.*';
SELECT name, idx, severity, source, value FROM stats
WHERE severity IN ('error', 'data_loss', 'notice') AND value > 0;
SELECT name, value FROM stats WHERE value > 0 AND name IN (
  'track_event_tokenizer_errors', 'track_event_parser_errors', 'interned_data_tokenizer_errors',
  'tokenizer_skipped_packets');
