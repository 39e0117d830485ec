// SPDX-License-Identifier: MIT
//
// Names of the recording as viewers show them: base names without directories, valid UTF-8 without
// control characters, so that no name breaks a row, a query or a packet.
#ifndef HT_FORMATS_PICTURE_NAMES_H
#define HT_FORMATS_PICTURE_NAMES_H

#include "formats/dict.h"

enum { HT_PICTURE_NAME_SIZE = 512 };

// Copies the text of an id, cut where it does not fit; control characters and what is not UTF-8
// become U+FFFD. "" for 0.
void ht_picture_text(const struct ht_dict *dict, uint32_t id, char name[HT_PICTURE_NAME_SIZE]);

// The same, of what is behind the last slash or backslash.
void ht_picture_base_name(const struct ht_dict *dict, uint32_t id, char name[HT_PICTURE_NAME_SIZE]);

// "ntdll.dll+0x1234", or the bare address where the module is not known.
void ht_picture_frame_name(const struct ht_dict *dict, const struct ht_frame *frame,
                           char name[HT_PICTURE_NAME_SIZE]);

// The same for a base name of `length` bytes that is there already, "" where the module is not
// known. Returns the length of the whole.
size_t ht_picture_add_offset(char name[HT_PICTURE_NAME_SIZE], size_t length, uint64_t address);

// Name of the innermost frame that is not part of the heap or the C and C++ run time; of the
// outermost where all are; "" for stack 0.
void ht_picture_site_name(const struct ht_dict *dict, uint32_t stack,
                          char name[HT_PICTURE_NAME_SIZE]);

#endif
