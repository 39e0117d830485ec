// SPDX-License-Identifier: MIT
//
// Every cap on a length or a count that comes from a file, in one place. A cap is generous for
// real traces and small enough that a hostile file cannot make heaptape reserve much.
#ifndef HT_FORMATS_LIMITS_H
#define HT_FORMATS_LIMITS_H

#include <stdint.h>

enum {
    HT_TASTE_BYTES = 1024, // how much of an input a format may look at to recognise it

    HT_INPUTS_MAX = 16, // files read as one recording

    // ETL. Session buffers are 1 KiB to 16 MiB (docs/formats/etl.md).
    HT_ETL_BUFFER_MAX = 16 << 20,       // one buffer, unpacked
    HT_ETL_BUFFERS_MAX = 1 << 24,       // buffers in one file
    HT_ETL_OPEN_BYTES_MAX = 64 << 20,   // unpacked buffers held at once by the merge
    HT_ETL_AHEAD_BYTES_MAX = 1 << 20,   // of these, loaded before they are needed
    HT_ETL_STRING_BYTES_MAX = 32 << 10, // a name in an event; an event has at most 64 KiB
    HT_ETL_IMAGES_MAX = 1 << 20,        // image records; what is past them stays without names
    HT_ETL_STACK_KEYS_MAX = 1 << 21,    // definitions of cached stacks
    HT_ETL_KEY_BYTES_MAX = 512 << 20,   // their frames, each stack once
    HT_ETL_RECENT_STACKS = 1 << 17,     // distinct stacks without a key that are known again
    HT_ETL_RECENT_BYTES = 32 << 20,     // their frames
    HT_ETL_WINDOW = 2048,               // events that wait for their stack

    // The compact stream.
    HT_COMPACT_MESSAGE_MAX = 32 << 20, // one frame, packed or unpacked, or the arrays of a message
    HT_COMPACT_EVENTS_MAX = 1 << 17,   // events in one block
    HT_COMPACT_DETAIL_VALUES_MAX = 1 << 17,      // detail values in one block, as written
    HT_COMPACT_DAMAGED_FRAMES_MAX = 256,         // after so many the rest of a file is given up
    HT_COMPACT_GROUP_PIDS_MAX = 64,              // processes that the index tells of one frame
    HT_COMPACT_INDEX_COLUMN_BYTES_MAX = 4 << 20, // of frames past this there is no index

    // TSV and allocation logs.
    HT_TEXT_LINE_MAX = 64 << 10,

    // The dictionary of names, stacks, processes and details.
    HT_DICT_STRINGS_MAX = 1 << 22,
    HT_DICT_STRING_BYTES_MAX = 256 << 20,
    HT_DICT_STACKS_MAX = (1 << 24) - 1, // a stack id has 24 bits in struct ht_event
    HT_DICT_STACK_BYTES_MAX = 512 << 20,
    HT_DICT_FRAMES_MAX = 256, // frames in one stack
    HT_DICT_PROCESSES_MAX = 1 << 20,
    HT_DICT_MODULES_MAX = 1 << 20,
    HT_DICT_THREADS_MAX = 1 << 20,
    HT_DICT_DETAIL_VALUES_MAX = 8200,     // values in one detail; an event has at most 64 KiB
    HT_DICT_DETAIL_RING_VALUES = 1 << 19, // detail values kept; older ones are gone

    // What a reader tells of its input besides events (formats/trace.h).
    HT_TRACE_COUNTERS_MAX = 4096,
    HT_TRACE_PID_USES = 64,       // processes of equal pid hash that a look-up walks
    HT_TRACE_DAMAGE_KEPT = 16,    // places of damage kept by offset; all are counted
    HT_TALLY_HEAPS_MAX = 4096,    // heaps that a tally tells of
    HT_TRACE_FILTERS_BYTES = 512, // text of the filters that events went through

    // Stages.
    HT_FILTER_VALUES_MAX = 32, // filters of one command, of all sorts
    HT_FOLD_WINDOW = 2048,     // events that fold may hold back
    HT_REBASE_REGIONS_MAX = 1 << 20,
    HT_LIVE_BLOCKS_MAX = 1 << 30, // blocks live at once
    HT_HEAPS_MAX = 1 << 20,       // heaps in one trace
};

// A frequency of the ETL clock above this cannot be meant; 10^9 times it fits into 64 bits.
#define HT_ETL_CLOCK_HZ_MAX UINT64_C(10000000000)

#endif
