// SPDX-License-Identifier: MIT
//
// Which module was where, in which process and when: image records made into a map that can be
// asked (docs/formats/etl.md, section 8). Notes come in any order and a look-up needs all of them,
// because a recording names the modules that were there before it only at its end.
#ifndef HT_FORMATS_ETL_MODULES_H
#define HT_FORMATS_ETL_MODULES_H

#include "formats/dict.h"
#include "formats/etl_record.h"
#include "formats/trace.h"

struct ht_etl_modules;

// A span of addresses of one process that a module had for a while.
struct ht_etl_module {
    uint64_t base;
    uint64_t size;
    int64_t from_ticks; // first of the ticks it was there
    int64_t to_ticks;   // first of the ticks it was not
    uint32_t pid;       // 0 for the kernel's
    uint32_t identity;  // what ht_etl_modules_name() takes
};

// True for the records that ht_etl_modules_note takes: images, starts of processes, identities of
// debug files.
bool ht_etl_modules_is(const struct ht_etl_record *record);

// NULL when there is no memory. Close accepts NULL.
struct ht_etl_modules *ht_etl_modules_open(void);
void ht_etl_modules_close(struct ht_etl_modules *modules);

// Notes what a record says. False when it is too short; *status tells memory and full caps.
bool ht_etl_modules_note(struct ht_etl_modules *modules, const struct ht_etl_record *record,
                         int64_t ticks, enum ht_status *status, struct ht_error *error);

// Makes the map out of the notes. To be called once, after the last note.
enum ht_status ht_etl_modules_finish(struct ht_etl_modules *modules, struct ht_error *error);

// The module at an address of a process, or of the kernel; NULL when none is known.
const struct ht_etl_module *ht_etl_modules_find(const struct ht_etl_modules *modules, uint32_t pid,
                                                uint64_t address, int64_t ticks);

// The ticks around `ticks` in which the pid stays that of one process and no module of it or of the
// kernel comes or goes: every look-up there gives the same.
void ht_etl_modules_quiet(const struct ht_etl_modules *modules, uint32_t pid, int64_t ticks,
                          int64_t *from_ticks, int64_t *to_ticks);

// The string in the trace's dictionary that names a module, its whole path. Notes the module in
// the trace. 0 when the dictionary is full, which is counted.
enum ht_status ht_etl_modules_name(struct ht_etl_modules *modules, uint32_t identity,
                                   struct ht_trace *trace, uint32_t *name, struct ht_error *error);

#endif
