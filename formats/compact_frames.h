// SPDX-License-Identifier: MIT
//
// The outside of a .htape file: the start that names the format, and the LZ4 frames that follow.
// Each frame holds whole messages and is compressed, checked and lost alone. Knows nothing of what
// the messages say.
#ifndef HT_FORMATS_COMPACT_FRAMES_H
#define HT_FORMATS_COMPACT_FRAMES_H

#include "formats/compact_index.h"
#include "formats/input.h"
#include "formats/output.h"
#include "formats/packet.h"
#include "formats/trace.h"

enum {
    HT_COMPACT_MAJOR = 1,
    HT_COMPACT_MINOR = 3,
    HT_COMPACT_START_SIZE = 16,
};

// Writes the start of the file.
enum ht_status ht_compact_start_write(struct ht_output *output, struct ht_error *error);

// True when these bytes begin with the start of a .htape file, of whatever version.
bool ht_compact_start_taste(const uint8_t *head, size_t size);

// Reads the start. HT_FORMAT when it is none, HT_UNSUPPORTED when its major version is another.
enum ht_status ht_compact_start_read(struct ht_input *input, struct ht_error *error);

// Frames on their way out. A value; zero it, then give it its output with ht_frame_sink_init.
struct ht_frame_sink {
    struct ht_output *output;
    bool is_best;             // LZ4 looks for the best matches, at a price
    struct ht_buffer content; // messages of the frame that is being filled
    struct ht_buffer packed;
    struct ht_group group;      // what the index will say of the frame
    struct ht_index_sink index; // of the frames that were written
};

void ht_frame_sink_init(struct ht_frame_sink *sink, struct ht_output *output);
void ht_frame_sink_reset(struct ht_frame_sink *sink);

// Puts a message into the frame that is being filled; ends the frame when that is long enough.
enum ht_status ht_frame_sink_put(struct ht_frame_sink *sink, uint32_t field,
                                 const ProtobufCMessage *message, struct ht_error *error);

// The same for a message that is packed already.
enum ht_status ht_frame_sink_put_packed(struct ht_frame_sink *sink, uint32_t field,
                                        const struct ht_buffer *message, struct ht_error *error);

// Ends the frame: what comes next is in another. A frame without messages is not written.
enum ht_status ht_frame_sink_end(struct ht_frame_sink *sink, struct ht_error *error);

// Writes the index of the frames so far, if there is room for one, and the end of the file.
enum ht_status ht_frame_sink_put_index(struct ht_frame_sink *sink, uint32_t field,
                                       struct ht_error *error);

// Frames on their way in. A frame is unpacked whole and handed out only when its checksum is right;
// one that is damaged is counted in the trace, and reading goes on at the next that is whole.
struct ht_frame_source;

// Reads on behind the start of the file. Input and trace outlive the source; the trace may be NULL
// for one that is never asked for the next frame. Close accepts NULL.
enum ht_status ht_frame_source_open(struct ht_input *input, struct ht_trace *trace,
                                    struct ht_frame_source **source, struct ht_error *error);
void ht_frame_source_close(struct ht_frame_source *source);

// The messages of the next whole frame, valid until the next call. HT_END after the last; a frame
// that the end of the input cuts short has then been counted as HT_LOSS_CUT.
enum ht_status ht_frame_source_next(struct ht_frame_source *source, struct ht_cursor *content,
                                    struct ht_error *error);

// The messages of the frame at an offset of a seekable input, which has this many bytes and this
// checksum, valid until the next call; what comes next is read from behind it. HT_FORMAT when
// there is another frame or none; that is not counted.
enum ht_status ht_frame_source_at(struct ht_frame_source *source, uint64_t offset, uint32_t bytes,
                                  const uint32_t *checksum, struct ht_cursor *content,
                                  struct ht_error *error);

// The messages of the frame that begins where the source stands, when that is a whole one;
// HT_FORMAT otherwise, which is not counted, or HT_END.
enum ht_status ht_frame_source_try(struct ht_frame_source *source, struct ht_cursor *content,
                                   struct ht_error *error);

// Goes to an offset of a seekable input, to read on from there.
void ht_frame_source_seek(struct ht_frame_source *source, uint64_t offset);

// Offset in the input of the frame handed out last, or of the end.
uint64_t ht_frame_source_offset(const struct ht_frame_source *source);

// Length and checksum of the frame handed out last, until the next call.
uint32_t ht_frame_source_bytes(const struct ht_frame_source *source);
uint32_t ht_frame_source_checksum(const struct ht_frame_source *source);

#endif
