// SPDX-License-Identifier: MIT
//
// Image records of every version to a map from (process, address, time) to modules. A note says
// that a module came, went, or was there at one moment; the starts of processes part the uses of
// one pid. The map is an array sorted by process, base and time.
#include "formats/etl_modules.h"

#include "formats/bytes.h"
#include "formats/limits.h"

#include <stdlib.h>
#include <string.h>

enum {
    KERNEL_PID = 4, // the pid of what pid 0 names as well
    PATH_BYTES_MAX = 2048,
    GUID_SIZE = 16,
    LOOK_BACK = 16, // modules of lower base that a look-up tries
    IMAGE_TAIL_SIZE = 16,
};

enum what { CAME, WENT, WAS_THERE };

struct note {
    uint64_t base;
    uint64_t size;
    int64_t ticks;
    uint32_t order; // of noting, between equal ticks
    uint32_t pid;
    uint32_t path;
    uint32_t time_stamp;
    uint8_t what;
};

struct birth {
    int64_t ticks;
    uint32_t pid;
};

// A module of the process has come or gone, or its pid has become another's.
struct change {
    int64_t ticks;
    uint32_t pid;
};

// The debug file of what is at a base in a process.
struct debug_file {
    uint64_t base;
    uint32_t pid;
    uint32_t age;
    uint32_t name;
    uint8_t guid[GUID_SIZE];
};

struct ht_etl_modules {
    struct ht_dict *paths;
    struct ht_buffer notes;      // struct note
    struct ht_buffer births;     // struct birth
    struct ht_buffer files;      // struct debug_file
    struct ht_buffer spans;      // struct ht_etl_module, the map
    struct ht_buffer identities; // struct ht_module, its texts in `paths`
    struct ht_buffer changes;    // struct change, sorted
    uint32_t *names;             // of each path in the trace's dictionary, 0 until asked for
};

static bool is_image(const struct ht_etl_record *record)
{
    if (record->group == HT_ETL_GROUP_IMAGE)
        return (record->opcode >= HT_ETL_IMAGE_START && record->opcode <= HT_ETL_IMAGE_DC_END) ||
               record->opcode == HT_ETL_IMAGE_LOAD;
    return record->group == HT_ETL_GROUP_PROCESS && record->opcode == HT_ETL_IMAGE_LOAD;
}

static bool is_birth(const struct ht_etl_record *record)
{
    return record->group == HT_ETL_GROUP_PROCESS && record->opcode == HT_ETL_PROCESS_START;
}

static bool is_debug_file(const struct ht_etl_record *record)
{
    return record->group == HT_ETL_GROUP_IMAGE_ID && record->opcode == HT_ETL_IMAGE_ID_RSDS;
}

bool ht_etl_modules_is(const struct ht_etl_record *record)
{
    return is_image(record) || is_birth(record) || is_debug_file(record);
}

struct ht_etl_modules *ht_etl_modules_open(void)
{
    struct ht_etl_modules *modules = calloc(1, sizeof *modules);
    if (modules == NULL)
        return NULL;
    modules->notes = ht_buffer_with_limit(sizeof(struct note) * HT_ETL_IMAGES_MAX);
    modules->births = ht_buffer_with_limit(sizeof(struct birth) * HT_ETL_IMAGES_MAX);
    modules->files = ht_buffer_with_limit(sizeof(struct debug_file) * HT_ETL_IMAGES_MAX);
    modules->spans = ht_buffer_with_limit(sizeof(struct ht_etl_module) * HT_ETL_IMAGES_MAX);
    modules->identities = ht_buffer_with_limit(sizeof(struct ht_module) * HT_ETL_IMAGES_MAX);
    modules->changes = ht_buffer_with_limit(3 * sizeof(struct change) * HT_ETL_IMAGES_MAX);
    modules->paths = ht_dict_open();
    if (modules->paths != NULL)
        return modules;
    free(modules);
    return NULL;
}

void ht_etl_modules_close(struct ht_etl_modules *modules)
{
    if (modules == NULL)
        return;
    ht_buffer_reset(&modules->notes);
    ht_buffer_reset(&modules->births);
    ht_buffer_reset(&modules->files);
    ht_buffer_reset(&modules->spans);
    ht_buffer_reset(&modules->identities);
    ht_buffer_reset(&modules->changes);
    ht_dict_close(modules->paths);
    free(modules->names);
    free(modules);
}

// The kernel's modules are told of pid 0 in some records and of pid 4 in others.
static uint32_t owner_of(uint32_t pid)
{
    return pid == KERNEL_PID ? 0 : pid;
}

static enum ht_status append(struct ht_buffer *list, const void *entry, size_t size,
                             struct ht_error *error)
{
    return ht_buffer_append(list, entry, size, error);
}

static enum ht_status intern_path(struct ht_etl_modules *modules, struct ht_cursor *payload,
                                  uint32_t *id, struct ht_error *error)
{
    char text[PATH_BYTES_MAX / 2 * 3];
    size_t size = ht_cursor_left(payload);
    size_t length =
        ht_utf8_from_utf16(payload->at, size < PATH_BYTES_MAX ? size : PATH_BYTES_MAX, text);
    return ht_dict_add_string(modules->paths, text, length, id, error);
}

static bool note_image(struct ht_etl_modules *modules, const struct ht_etl_record *record,
                       int64_t ticks, enum ht_status *status, struct ht_error *error)
{
    struct ht_cursor payload = ht_cursor_over(record->payload, record->payload_size);
    unsigned pointer_size = record->pointer_size;
    struct note note = {.ticks = ticks, .pid = record->pid, .what = WAS_THERE};
    note.order = (uint32_t)(modules->notes.size / sizeof note);
    note.base = ht_cursor_pointer(&payload, pointer_size);
    note.size =
        record->version == 0 ? ht_cursor_u32(&payload) : ht_cursor_pointer(&payload, pointer_size);
    if (record->version > 0)
        note.pid = ht_cursor_u32(&payload);
    if (record->version > 1) {
        ht_cursor_u32(&payload); // checksum
        note.time_stamp = ht_cursor_u32(&payload);
        ht_cursor_u32(&payload); // signature
        ht_cursor_pointer(&payload, pointer_size);
        ht_cursor_take(&payload, IMAGE_TAIL_SIZE);
    }
    if (payload.failed)
        return false;
    note.pid = owner_of(note.pid);
    if (record->opcode == HT_ETL_IMAGE_LOAD || record->opcode == HT_ETL_IMAGE_START)
        note.what = CAME;
    else if (record->opcode == HT_ETL_IMAGE_UNLOAD)
        note.what = WENT;
    *status = intern_path(modules, &payload, &note.path, error);
    if (*status == HT_OK)
        *status = append(&modules->notes, &note, sizeof note, error);
    return true;
}

static bool note_birth(struct ht_etl_modules *modules, const struct ht_etl_record *record,
                       int64_t ticks, enum ht_status *status, struct ht_error *error)
{
    struct ht_cursor payload = ht_cursor_over(record->payload, record->payload_size);
    struct birth birth = {.ticks = ticks};
    uint64_t first = ht_cursor_pointer(&payload, record->pointer_size);
    birth.pid = record->version == 0 ? (uint32_t)first : ht_cursor_u32(&payload);
    if (!payload.failed)
        *status = append(&modules->births, &birth, sizeof birth, error);
    return !payload.failed;
}

static bool note_debug_file(struct ht_etl_modules *modules, const struct ht_etl_record *record,
                            enum ht_status *status, struct ht_error *error)
{
    struct ht_cursor payload = ht_cursor_over(record->payload, record->payload_size);
    struct debug_file file = {.base = ht_cursor_pointer(&payload, record->pointer_size)};
    file.pid = owner_of(ht_cursor_u32(&payload));
    const uint8_t *guid = ht_cursor_take(&payload, GUID_SIZE);
    file.age = ht_cursor_u32(&payload);
    if (guid == NULL || payload.failed)
        return false;
    memcpy(file.guid, guid, GUID_SIZE);
    char text[3 * PATH_BYTES_MAX];
    const uint8_t *end = memchr(payload.at, 0, ht_cursor_left(&payload));
    size_t size = end != NULL ? (size_t)(end - payload.at) : ht_cursor_left(&payload);
    size_t length =
        ht_utf8_from_bytes(payload.at, size < PATH_BYTES_MAX ? size : PATH_BYTES_MAX, text);
    *status = ht_dict_add_string(modules->paths, text, length, &file.name, error);
    if (*status == HT_OK)
        *status = append(&modules->files, &file, sizeof file, error);
    return true;
}

bool ht_etl_modules_note(struct ht_etl_modules *modules, const struct ht_etl_record *record,
                         int64_t ticks, enum ht_status *status, struct ht_error *error)
{
    *status = HT_OK;
    if (is_image(record))
        return note_image(modules, record, ticks, status, error);
    if (is_birth(record))
        return note_birth(modules, record, ticks, status, error);
    return note_debug_file(modules, record, status, error);
}

static int compare64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_ticks(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_notes(const void *left, const void *right)
{
    const struct note *a = left;
    const struct note *b = right;
    int order = compare64(a->pid, b->pid);
    if (order == 0)
        order = compare64(a->base, b->base);
    if (order == 0)
        order = compare_ticks(a->ticks, b->ticks);
    return order != 0 ? order : compare64(a->order, b->order);
}

static int compare_births(const void *left, const void *right)
{
    const struct birth *a = left;
    const struct birth *b = right;
    int order = compare64(a->pid, b->pid);
    return order != 0 ? order : compare_ticks(a->ticks, b->ticks);
}

static int compare_files(const void *left, const void *right)
{
    const struct debug_file *a = left;
    const struct debug_file *b = right;
    int order = compare64(a->pid, b->pid);
    return order != 0 ? order : compare64(a->base, b->base);
}

static int compare_changes(const void *left, const void *right)
{
    const struct change *a = left;
    const struct change *b = right;
    int order = compare64(a->pid, b->pid);
    return order != 0 ? order : compare_ticks(a->ticks, b->ticks);
}

static void sort(struct ht_buffer *list, size_t size, int (*compare)(const void *, const void *))
{
    if (list->size > 0)
        qsort(list->data, list->size / size, size, compare);
}

// Ticks around a moment; the use of its pid that it belongs to, between two starts of a process.
struct use {
    int64_t from_ticks;
    int64_t to_ticks;
};

static struct use use_at(const struct ht_etl_modules *modules, uint32_t pid, int64_t ticks)
{
    const struct birth *births = (const struct birth *)(const void *)modules->births.data;
    size_t low = 0;
    size_t high = modules->births.size / sizeof *births;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct birth sought = {ticks, pid};
        if (compare_births(&births[middle], &sought) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    struct use use = {INT64_MIN, INT64_MAX};
    if (low > 0 && births[low - 1].pid == pid)
        use.from_ticks = births[low - 1].ticks;
    if (low < modules->births.size / sizeof *births && births[low].pid == pid)
        use.to_ticks = births[low].ticks;
    return use;
}

static const struct debug_file *find_file(const struct ht_etl_modules *modules, uint32_t pid,
                                          uint64_t base)
{
    const struct debug_file sought = {.base = base, .pid = pid};
    size_t count = modules->files.size / sizeof sought;
    return count > 0 ? bsearch(&sought, modules->files.data, count, sizeof sought, compare_files)
                     : NULL;
}

// Lists the module of a note, with the debug file of what is at its base.
static enum ht_status identify(struct ht_etl_modules *modules, const struct note *note,
                               uint32_t *identity, struct ht_error *error)
{
    struct ht_module fresh = {.path = note->path,
                              .size = note->size <= UINT32_MAX ? (uint32_t)note->size : 0,
                              .time_stamp = note->time_stamp};
    const struct debug_file *file = find_file(modules, note->pid, note->base);
    if (file != NULL) {
        fresh.debug_name = file->name;
        fresh.debug_age = file->age;
        memcpy(fresh.debug_guid, file->guid, GUID_SIZE);
    }
    *identity = (uint32_t)(modules->identities.size / sizeof fresh);
    return append(&modules->identities, &fresh, sizeof fresh, error);
}

static struct ht_etl_module *last_span(const struct ht_etl_modules *modules)
{
    struct ht_etl_module *spans = (struct ht_etl_module *)(void *)modules->spans.data;
    size_t count = modules->spans.size / sizeof *spans;
    return count > 0 ? &spans[count - 1] : NULL;
}

static bool is_same_place(const struct ht_etl_module *span, const struct note *note)
{
    return span != NULL && span->pid == note->pid && span->base == note->base;
}

// Adds a span that is open to the end of the use of its pid.
static enum ht_status open_span(struct ht_etl_modules *modules, const struct note *note,
                                int64_t from_ticks, int64_t to_ticks, struct ht_error *error)
{
    struct ht_etl_module span = {.base = note->base,
                                 .size = note->size,
                                 .from_ticks = from_ticks,
                                 .to_ticks = to_ticks,
                                 .pid = note->pid};
    enum ht_status status = identify(modules, note, &span.identity, error);
    return status == HT_OK ? append(&modules->spans, &span, sizeof span, error) : status;
}

// Places the next note, in the order of process, base and time.
static enum ht_status place(struct ht_etl_modules *modules, const struct note *note,
                            struct ht_error *error)
{
    struct use use = use_at(modules, note->pid, note->ticks);
    struct ht_etl_module *last =
        is_same_place(last_span(modules), note) ? last_span(modules) : NULL;
    bool is_there = last != NULL && last->to_ticks > note->ticks;
    if (is_there && note->what == WENT) {
        last->to_ticks = note->ticks;
        return HT_OK;
    }
    if (is_there && last->size == note->size)
        return HT_OK; // told again
    if (is_there)
        last->to_ticks = note->ticks;
    int64_t from = note->what == CAME ? note->ticks : use.from_ticks;
    if (last != NULL && last->to_ticks > from)
        from = last->to_ticks;
    return open_span(modules, note, from, note->what == WENT ? note->ticks : use.to_ticks, error);
}

static enum ht_status list_change(struct ht_etl_modules *modules, uint32_t pid, int64_t ticks,
                                  struct ht_error *error)
{
    struct change change = {ticks, pid};
    if (ticks == INT64_MIN || ticks == INT64_MAX)
        return HT_OK;
    return append(&modules->changes, &change, sizeof change, error);
}

static enum ht_status list_changes(struct ht_etl_modules *modules, struct ht_error *error)
{
    const struct birth *births = (const struct birth *)(const void *)modules->births.data;
    const struct ht_etl_module *spans =
        (const struct ht_etl_module *)(const void *)modules->spans.data;
    enum ht_status status = HT_OK;
    for (size_t i = 0; i < modules->births.size / sizeof *births && status == HT_OK; i++)
        status = list_change(modules, births[i].pid, births[i].ticks, error);
    for (size_t i = 0; i < modules->spans.size / sizeof *spans && status == HT_OK; i++) {
        status = list_change(modules, spans[i].pid, spans[i].from_ticks, error);
        if (status == HT_OK)
            status = list_change(modules, spans[i].pid, spans[i].to_ticks, error);
    }
    sort(&modules->changes, sizeof(struct change), compare_changes);
    return status;
}

enum ht_status ht_etl_modules_finish(struct ht_etl_modules *modules, struct ht_error *error)
{
    const struct note *notes = (const struct note *)(const void *)modules->notes.data;
    size_t count = modules->notes.size / sizeof *notes;
    sort(&modules->notes, sizeof(struct note), compare_notes);
    sort(&modules->births, sizeof(struct birth), compare_births);
    sort(&modules->files, sizeof(struct debug_file), compare_files);
    enum ht_status status = HT_OK;
    for (size_t i = 0; i < count && status == HT_OK; i++)
        status = place(modules, &notes[i], error);
    ht_buffer_reset(&modules->notes);
    modules->names =
        calloc((size_t)ht_dict_string_count(modules->paths) + 1, sizeof *modules->names);
    if (modules->names == NULL)
        return ht_fail_memory(error, "the names of modules");
    return status == HT_OK ? list_changes(modules, error) : status;
}

static const struct ht_etl_module *find_of_owner(const struct ht_etl_modules *modules, uint32_t pid,
                                                 uint64_t address, int64_t ticks)
{
    const struct ht_etl_module *spans =
        (const struct ht_etl_module *)(const void *)modules->spans.data;
    size_t low = 0;
    size_t high = modules->spans.size / sizeof *spans;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        bool is_before =
            spans[middle].pid < pid || (spans[middle].pid == pid && spans[middle].base <= address);
        low = is_before ? middle + 1 : low;
        high = is_before ? high : middle;
    }
    for (int i = 0; i < LOOK_BACK && low > 0 && spans[low - 1].pid == pid; i++, low--) {
        const struct ht_etl_module *span = &spans[low - 1];
        if (address - span->base < span->size && span->from_ticks <= ticks &&
            ticks < span->to_ticks)
            return span;
    }
    return NULL;
}

const struct ht_etl_module *ht_etl_modules_find(const struct ht_etl_modules *modules, uint32_t pid,
                                                uint64_t address, int64_t ticks)
{
    const struct ht_etl_module *found = find_of_owner(modules, owner_of(pid), address, ticks);
    return found != NULL || owner_of(pid) == 0 ? found : find_of_owner(modules, 0, address, ticks);
}

// Narrows the ticks around `ticks` to those in which nothing changes for the owner of modules.
static void narrow(const struct ht_etl_modules *modules, uint32_t pid, int64_t ticks,
                   struct use *quiet)
{
    const struct change *changes = (const struct change *)(const void *)modules->changes.data;
    size_t count = modules->changes.size / sizeof *changes;
    const struct change sought = {ticks, pid};
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_changes(&changes[middle], &sought) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low > 0 && changes[low - 1].pid == pid && changes[low - 1].ticks > quiet->from_ticks)
        quiet->from_ticks = changes[low - 1].ticks;
    if (low < count && changes[low].pid == pid && changes[low].ticks < quiet->to_ticks)
        quiet->to_ticks = changes[low].ticks;
}

void ht_etl_modules_quiet(const struct ht_etl_modules *modules, uint32_t pid, int64_t ticks,
                          int64_t *from_ticks, int64_t *to_ticks)
{
    struct use quiet = {INT64_MIN, INT64_MAX};
    narrow(modules, owner_of(pid), ticks, &quiet);
    narrow(modules, 0, ticks, &quiet);
    *from_ticks = quiet.from_ticks;
    *to_ticks = quiet.to_ticks;
}

static enum ht_status take_over(const struct ht_dict *paths, uint32_t path, struct ht_trace *trace,
                                uint32_t *id, struct ht_error *error)
{
    size_t length;
    const char *text = ht_dict_string(paths, path, &length);
    enum ht_status status = ht_dict_add_string(trace->dict, text, length, id, error);
    if (status != HT_LIMIT)
        return status;
    ht_trace_damage(trace, HT_LOSS_DICTIONARY, 0, "no room for the name of a module");
    return HT_OK;
}

enum ht_status ht_etl_modules_name(struct ht_etl_modules *modules, uint32_t identity,
                                   struct ht_trace *trace, uint32_t *name, struct ht_error *error)
{
    struct ht_module module =
        ((const struct ht_module *)(void *)modules->identities.data)[identity];
    uint32_t *known = &modules->names[module.path];
    *name = *known;
    if (*known != 0)
        return HT_OK;
    enum ht_status status = take_over(modules->paths, module.path, trace, &module.path, error);
    if (status == HT_OK && module.path != 0)
        status = take_over(modules->paths, module.debug_name, trace, &module.debug_name, error);
    if (status == HT_OK && module.path != 0)
        status = ht_trace_note_module(trace, &module, error);
    *name = *known = module.path;
    return status;
}
