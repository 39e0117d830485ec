// SPDX-License-Identifier: MIT
//
// Perfetto's native trace format, protobuf packets for ui.perfetto.dev and trace_processor, written
// only. What is in the file, by which names, is described in docs/formats/perfetto.md.
#ifndef HT_FORMATS_PERFETTO_H
#define HT_FORMATS_PERFETTO_H

#include "formats/format.h"

extern const struct ht_format ht_format_perfetto;

#endif
