// SPDX-License-Identifier: MIT
//
// The picture of a recording, which .pftrace and .json show: what is kept of the events while they
// pass. Processes, heaps and their counters, and the live blocks. Memory is bounded but for the
// live blocks, a note of 24 bytes each and 24 more for those that were reallocated.
//
// A process is one use of a pid. When a pid is used again the old process is retired: what it left
// live stays in its figures, and is nobody's after that. A heap is one use of a handle in one
// process, from its creation to its destruction. Heaps past the cap count in their process only,
// processes past the cap not at all.
#ifndef HT_FORMATS_PICTURE_MODEL_H
#define HT_FORMATS_PICTURE_MODEL_H

#include "formats/budget.h"
#include "formats/format.h"
#include "formats/picture_names.h"
#include "formats/picture_pages.h"
#include "formats/picture_sites.h"
#include "formats/series.h"

#include <assert.h>

enum {
    HT_PICTURE_PROCESSES_MAX = 256,
    HT_PICTURE_HEAPS_MAX = 1024,
    HT_PICTURE_REALLOC_BYTES = 1000, // of the budget, for each realloc shown one by one
    HT_PICTURE_REALLOCS_MAX = 1 << 20,
    HT_PICTURE_SLICES_MAX = 200,      // blocks, and as many chains, of a process
    HT_PICTURE_BUCKETS_MAX = 4096,    // of one track
    HT_PICTURE_BUCKETS_SUM = 1 << 16, // of all the heaps' tracks, and of all the processes'
};

// What a larger block counts as: no process has so much, and sums of it stay within 63 bits.
#define HT_PICTURE_SIZE_MAX (UINT64_C(1) << 47)

static_assert(HT_PICTURE_HEAPS_MAX + HT_PICTURE_PROCESSES_MAX <= HT_PICTURE_SPACES,
              "every owner is a space of pages");

// Values of a heap's space series.
enum { HT_PICTURE_COMMITTED, HT_PICTURE_RESERVED };

struct ht_picture_process {
    uint32_t pid;
    uint32_t entry;   // index in the trace's processes, or HT_PICTURE_NONE
    uint32_t next;    // the process that used the pid next, or HT_PICTURE_NONE: not retired
    int64_t first_ns; // of its first event
    bool is_shown;    // it had an event or something live in this piece
    struct ht_series live;
    uint64_t peak_bytes;
    int64_t peak_ns; // when the peak was reached first
    uint32_t peak;   // how often there was a new one
    struct ht_budget blocks;
    struct ht_budget chains;
};

// How often each length in bits was met: n counts the values of n bits, 0 the zeros.
struct ht_picture_histogram {
    uint64_t counts[65];
};

struct ht_picture_heap {
    uint32_t process;
    uint64_t handle;
    bool is_destroyed;
    int64_t destroyed_ns;
    bool has_state; // an extend, contract or snapshot told its space
    bool is_shown;  // as of a process
    bool is_folded; // shown among the other heaps of its process
    struct ht_series live;
    struct ht_series space;
    struct ht_picture_histogram sizes;     // bytes, of every block that began
    struct ht_picture_histogram lifetimes; // ns, of every block that ended
};

// The note of a live block.
struct ht_picture_note {
    int64_t begin_ns;
    uint64_t id;    // how many began before it
    uint32_t site;  // where it got its size; HT_PICTURE_NONE: the picture is without it
    uint32_t chain; // its reallocs, or HT_PICTURE_NONE before the first
};

// The reallocs of one block.
struct ht_picture_chain {
    uint64_t first_size;
    uint64_t copied_bytes;
    uint32_t steps;
    uint32_t next_free; // of a chain that is not in use
};

struct ht_picture_model {
    const struct ht_writer *writer; // whose blocks have the notes
    const struct ht_trace *trace;
    struct ht_event event;    // the newest, which the changes belong to
    struct ht_pick_life life; // of the block that the newest event is about; no steps: none
    uint32_t life_tid;        // thread that made it, with every event only
    bool has_life;
    bool is_full; // every event is shown: none are picked
    uint64_t event_count;
    uint64_t piece_count;    // of these, those before this piece
    uint64_t dropped_events; // of processes past the cap
    uint64_t dropped_heaps;  // past the cap
    int64_t base_ns;         // stamp 0: nothing is before it
    int64_t last_ns;
    int64_t piece_ns;                // what is open when this piece begins, begins then
    uint32_t process;                // of the newest event, or HT_PICTURE_NONE
    struct ht_pid_use use;           // of that process's pid: as long as it holds, so does this
    uint32_t revision;               // of the trace, when it was asked for
    uint32_t heap;                   // of the newest event that names one, or HT_PICTURE_NONE
    struct ht_picture_index pids;    // newest process of a pid
    struct ht_picture_index handles; // newest heap of a handle in a process
    uint32_t process_count;
    uint32_t heap_count;
    uint32_t heaps_apart;  // the largest of a process, which are never folded
    uint32_t fold_percent; // of the peak of its process, which a folded heap never went over
    struct ht_picture_sites sites; // by owner, see ht_picture_owner_process
    struct ht_picture_pages pages; // by owner
    struct ht_budget reallocs;     // pid holds the number of the process
    uint64_t begun_blocks;
    uint32_t *tids; // owned: who made a block, by its number; with every event only
    uint32_t tid_capacity;
    struct ht_picture_chain *chains; // owned
    uint32_t chain_count;
    uint32_t chain_capacity;
    uint32_t free_chain; // first of those not in use
    struct ht_picture_process processes[HT_PICTURE_PROCESSES_MAX];
    struct ht_picture_heap heaps[HT_PICTURE_HEAPS_MAX];
};

// The model of a writer, which it makes take notes. The quota's budget is not 0.
struct ht_picture_model *ht_picture_model_open(struct ht_writer *writer,
                                               const struct ht_trace *trace,
                                               const struct ht_quota *quota);
void ht_picture_model_close(struct ht_picture_model *model);

enum ht_status ht_picture_model_event(struct ht_picture_model *model, const struct ht_event *event,
                                      struct ht_error *error);
enum ht_status ht_picture_model_change(struct ht_picture_model *model,
                                       const struct ht_change *change, struct ht_error *error);

// Ends what the end of the recording ends: the last dump, and the blocks that still live.
enum ht_status ht_picture_model_finish(struct ht_picture_model *model, struct ht_error *error);

// Begins the next piece of the recording, after a finish: keeps what lives, as if it had all been
// allocated just now, and none of the rest.
enum ht_status ht_picture_model_restart(struct ht_picture_model *model, struct ht_error *error);

// ns since the base; what claims to be before it is at 0.
static inline uint64_t ht_picture_stamp(const struct ht_picture_model *model, int64_t time_ns)
{
    return time_ns > model->base_ns ? (uint64_t)time_ns - (uint64_t)model->base_ns : 0;
}

// The process in the trace, or NULL.
const struct ht_process *ht_picture_process_entry(const struct ht_picture_model *model,
                                                  uint32_t process);

// From when on the process has its pid: from its start where that is known, which it is for every
// process that got the pid of another, else from the beginning.
uint64_t ht_picture_process_stamp(const struct ht_picture_model *model, uint32_t process);

// From when on it is shown: not before the piece.
uint64_t ht_picture_shown_stamp(const struct ht_picture_model *model, uint32_t process);

// How many heaps before this one had its handle in its process.
uint32_t ht_picture_uses_before(const struct ht_picture_model *model, uint32_t heap);

// The numbers of the processes shown, the highest peak first. Returns how many.
uint32_t ht_picture_rank(const struct ht_picture_model *model,
                         uint32_t numbers[HT_PICTURE_PROCESSES_MAX]);

// The name of a process: "" when it is not known.
void ht_picture_process_name(const struct ht_picture_model *model, uint32_t process,
                             char name[HT_PICTURE_NAME_SIZE]);

// The name of a thread of a process: "" when it has none.
void ht_picture_thread_name(const struct ht_picture_model *model, uint32_t process, uint32_t tid,
                            char name[HT_PICTURE_NAME_SIZE]);

enum { HT_PICTURE_TID_UNKNOWN = INT32_MAX };

// Pids and tids in the file: 0 and the unknown one have a meaning in Perfetto, and get numbers that
// Windows does not use.
int32_t ht_picture_pid(uint32_t pid);
int32_t ht_picture_tid(uint32_t tid);

// The process of an owner: of the number of a heap or, past HT_PICTURE_HEAPS_MAX, of that of a
// process, whose heaps past the cap share it.
static inline uint32_t ht_picture_owner_process(const struct ht_picture_model *model,
                                                uint32_t owner)
{
    return owner < HT_PICTURE_HEAPS_MAX ? model->heaps[owner].process
                                        : owner - HT_PICTURE_HEAPS_MAX;
}

#endif
