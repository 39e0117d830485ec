// SPDX-License-Identifier: MIT
//
// The instants and slices of the picture: category, name and arguments of one at a time. How a
// format writes them, and where, is its own part.
#ifndef HT_FORMATS_PICTURE_EVENTS_H
#define HT_FORMATS_PICTURE_EVENTS_H

#include "formats/picture_model.h"

enum ht_picture_category {
    HT_PICTURE_CATEGORY_REALLOC,
    HT_PICTURE_CATEGORY_BLOCK,
    HT_PICTURE_CATEGORY_CHAIN,
    HT_PICTURE_CATEGORY_HISTOGRAM,
    HT_PICTURE_CATEGORY_ALLOC,
    HT_PICTURE_CATEGORY_FREE,
    HT_PICTURE_CATEGORY_MARK,
    HT_PICTURE_CATEGORIES,
};

enum ht_picture_name {
    HT_PICTURE_REALLOC_MOVED,
    HT_PICTURE_REALLOC_IN_PLACE,
    HT_PICTURE_REALLOC_FAILED,
    HT_PICTURE_ALLOC,
    HT_PICTURE_ALLOC_FAILED,
    HT_PICTURE_FREE,
    HT_PICTURE_NAMES,
    HT_PICTURE_TITLED = HT_PICTURE_NAMES, // it has a title of its own
};

enum ht_picture_arg {
    HT_PICTURE_ARG_HEAP,
    HT_PICTURE_ARG_ADDRESS,
    HT_PICTURE_ARG_OLD_ADDRESS,
    HT_PICTURE_ARG_SIZE,
    HT_PICTURE_ARG_OLD_SIZE,
    HT_PICTURE_ARG_MOVED,
    HT_PICTURE_ARG_BLOCK_ID,
    HT_PICTURE_ARG_STEP,
    HT_PICTURE_ARG_SOURCE,
    HT_PICTURE_ARG_STACK_ID,
    HT_PICTURE_ARG_STEPS,
    HT_PICTURE_ARG_COPIED_BYTES,
    HT_PICTURE_ARG_GROWTH,
    HT_PICTURE_ARG_FIRST_SIZE,
    HT_PICTURE_ARG_LAST_SIZE,
    HT_PICTURE_ARG_KIND,
    HT_PICTURE_ARG_BUCKET_LO,
    HT_PICTURE_ARG_BUCKET_HI,
    HT_PICTURE_ARG_COUNT,
    HT_PICTURE_ARG_ALLOC_TID,
    HT_PICTURE_ARGS,
};

// What they are called in the files.
extern const char *const ht_picture_category_texts[HT_PICTURE_CATEGORIES];
extern const char *const ht_picture_name_texts[HT_PICTURE_NAMES];
extern const char *const ht_picture_arg_texts[HT_PICTURE_ARGS];

// What the rows are called that slices of a category stand in; NULL for the others.
extern const char *const ht_picture_row_texts[HT_PICTURE_CATEGORIES];

enum ht_picture_type {
    HT_PICTURE_NUMBER,
    HT_PICTURE_POINTER,
    HT_PICTURE_REAL,
    HT_PICTURE_FLAG,
    HT_PICTURE_TEXT,
};

struct ht_picture_argument {
    enum ht_picture_arg arg;
    enum ht_picture_type type;
    union {
        uint64_t number; // also of a pointer
        double real;
        bool flag;
        const char *text; // static
    };
};

struct ht_picture_event {
    enum ht_picture_category category;
    enum ht_picture_name name;
    char title[HT_PICTURE_NAME_SIZE + 64];
    uint32_t stack; // 0: none
    uint64_t flow;  // links it with all others of the same, 0: with none
    struct ht_picture_argument args[HT_PICTURE_ARGS];
    uint32_t arg_count;
};

// One without arguments, and adding one.
void ht_picture_begin_event(struct ht_picture_event *shown, enum ht_picture_category category);
void ht_picture_add_number(struct ht_picture_event *shown, enum ht_picture_arg arg, uint64_t value);
void ht_picture_add_pointer(struct ht_picture_event *shown, enum ht_picture_arg arg,
                            uint64_t value);
void ht_picture_add_text(struct ht_picture_event *shown, enum ht_picture_arg arg,
                         const char *value);

// A heap event, to be shown as an instant.
struct ht_picture_instant {
    const struct ht_event *event;
    const struct ht_pick_life *life; // of its block, NULL when not known
    uint32_t process;                // number in the model
    uint32_t alloc_tid;              // of a free: the thread that made the block
    uint64_t stamp;
    bool is_linked; // with the others of its block
};

void ht_picture_show_instant(struct ht_picture_event *shown, const struct ht_picture_instant *what);

// The blocks whose chains are shown: their reallocs are linked. Empty before.
enum ht_status ht_picture_find_linked(const struct ht_picture_model *model,
                                      struct ht_picture_index *linked, struct ht_error *error);

// A realloc that the model kept, at this stamp.
struct ht_picture_instant ht_picture_kept_realloc(const struct ht_pick *pick, uint64_t stamp,
                                                  const struct ht_picture_index *linked);

// The life of a block, to be shown as a slice of this category: block or chain.
void ht_picture_show_slice(struct ht_picture_event *shown, const struct ht_picture_model *model,
                           const struct ht_pick *pick, enum ht_picture_category category);

// Stamps the slices that were kept with their beginnings, and sorts them by these.
void ht_picture_stamp_slices(const struct ht_picture_model *model, struct ht_budget *slices);

// The stamp at which a slice ends, UINT64_MAX when it does not.
uint64_t ht_picture_slice_end(const struct ht_picture_model *model, const struct ht_pick *pick);

#endif
