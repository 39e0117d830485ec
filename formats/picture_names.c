// SPDX-License-Identifier: MIT
//
// Names of the recording as viewers show them. See the header.
#include "formats/picture_names.h"

#include "formats/bits.h"
#include "formats/bytes.h"

#include <string.h>

static const char replacement[] = "\xEF\xBF\xBD";

// Modules that only pass an allocation on, by the beginning of their base names, lower case.
static const char *const allocators[] = {
    "ntdll.", "kernelbase.", "kernel32.", "ucrtbase", "msvcrt", "msvcp", "vcruntime", "combase.",
};

static size_t base_start(const char *text, size_t length)
{
    while (length > 0 && text[length - 1] != '/' && text[length - 1] != '\\')
        length--;
    return length;
}

static void copy(const char *text, size_t length, char name[HT_PICTURE_NAME_SIZE])
{
    size_t size = 0;
    for (size_t i = 0; i < length;) {
        uint8_t byte = (uint8_t)text[i];
        size_t step = ht_utf8_sequence((const uint8_t *)text + i, length - i);
        bool is_plain = step > 0 && byte >= 0x20 && byte != 0x7F;
        const char *from = is_plain ? text + i : replacement;
        size_t from_size = is_plain ? step : sizeof replacement - 1;
        if (size + from_size >= HT_PICTURE_NAME_SIZE)
            break;
        memcpy(name + size, from, from_size);
        size += from_size;
        i += step > 0 ? step : 1;
    }
    name[size] = '\0';
}

void ht_picture_text(const struct ht_dict *dict, uint32_t id, char name[HT_PICTURE_NAME_SIZE])
{
    size_t length;
    const char *text = ht_dict_string(dict, id, &length);
    copy(text, length, name);
}

void ht_picture_base_name(const struct ht_dict *dict, uint32_t id, char name[HT_PICTURE_NAME_SIZE])
{
    size_t length;
    const char *text = ht_dict_string(dict, id, &length);
    size_t start = base_start(text, length);
    copy(text + start, length - start, name);
}

// Behind a name that leaves room for OFFSET_SIZE.
static size_t put_hex(char *at, uint64_t value)
{
    size_t digits = value > 0 ? (ht_bits_length(value) + 3) / 4 : 1;
    at[0] = '0';
    at[1] = 'x';
    for (size_t i = digits; i > 0; i--, value >>= 4)
        at[1 + i] = "0123456789abcdef"[value & 15];
    at[2 + digits] = '\0';
    return 2 + digits;
}

size_t ht_picture_add_offset(char name[HT_PICTURE_NAME_SIZE], size_t length, uint64_t address)
{
    enum { OFFSET_SIZE = 20 }; // "+0x" and 16 digits
    if (length > HT_PICTURE_NAME_SIZE - OFFSET_SIZE) {
        length = HT_PICTURE_NAME_SIZE - OFFSET_SIZE;
        while (length > 0 && ((uint8_t)name[length] & 0xC0) == 0x80)
            length--; // not within a character
    }
    if (length > 0)
        name[length++] = '+';
    return length + put_hex(name + length, address);
}

void ht_picture_frame_name(const struct ht_dict *dict, const struct ht_frame *frame,
                           char name[HT_PICTURE_NAME_SIZE])
{
    name[0] = '\0';
    if (frame->module != 0)
        ht_picture_base_name(dict, frame->module, name);
    ht_picture_add_offset(name, strlen(name), frame->address);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool begins_with(const char *text, const char *beginning)
{
    while (*beginning != '\0' && lower(*text) == *beginning) {
        text++;
        beginning++;
    }
    return *beginning == '\0';
}

static bool is_allocator(const char *name)
{
    for (size_t i = 0; i < sizeof allocators / sizeof *allocators; i++) {
        if (begins_with(name, allocators[i]))
            return true;
    }
    return false;
}

void ht_picture_site_name(const struct ht_dict *dict, uint32_t stack,
                          char name[HT_PICTURE_NAME_SIZE])
{
    size_t count;
    const struct ht_frame *frames = ht_dict_stack(dict, stack, &count);
    name[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        ht_picture_frame_name(dict, &frames[i], name);
        if (!is_allocator(name))
            return;
    }
}
