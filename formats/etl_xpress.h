// SPDX-License-Identifier: MIT
//
// Unpacks the bodies of compressed ETL buffers: plain LZ77 XPRESS, without Huffman codes
// (docs/formats/etl.md, section 2).
#ifndef HT_FORMATS_ETL_XPRESS_H
#define HT_FORMATS_ETL_XPRESS_H

#include <stddef.h>
#include <stdint.h>

// Unpacks until `out_size` bytes are made, the input ends, or the stream makes no sense; asking
// for fewer bytes than there are unpacks a prefix. Returns the bytes made: fewer than `out_size`
// means a damaged stream. `in` and `out` do not overlap.
size_t ht_etl_xpress_unpack(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size);

#endif
