// SPDX-License-Identifier: MIT
//
// Numbers of the ETL file format, shared by the reader in formats/ and the fixture writer in
// fixtures/, which share nothing else. The format is described in docs/formats/etl.md; names
// follow Microsoft's ntwmi.h and evntrace.h.
#ifndef HT_FORMATS_ETL_CONSTANTS_H
#define HT_FORMATS_ETL_CONSTANTS_H

enum {
    HT_ETL_BUFFER_HEADER_SIZE = 0x48, // WMI_BUFFER_HEADER
    HT_ETL_LOG_HEADER_SIZE_32 = 0x110,
    HT_ETL_LOG_HEADER_SIZE_64 = 0x118,
};

// Offsets in WMI_BUFFER_HEADER.
enum {
    HT_ETL_AT_BUFFER_SIZE = 0x00,
    HT_ETL_AT_SAVED_OFFSET = 0x04,
    HT_ETL_AT_CURRENT_OFFSET = 0x08,
    HT_ETL_AT_TIME_STAMP = 0x10,
    HT_ETL_AT_SEQUENCE = 0x18,
    HT_ETL_AT_PROCESSOR = 0x28,
    HT_ETL_AT_LOGGER_ID = 0x2A,
    HT_ETL_AT_STATE = 0x2C,
    HT_ETL_AT_OFFSET = 0x30,
    HT_ETL_AT_FLAG = 0x34,
    HT_ETL_AT_TYPE = 0x36,
};

enum {
    HT_ETL_FLAG_FLUSH_MARKER = 0x01,
    HT_ETL_FLAG_EVENTS_LOST = 0x02,
    HT_ETL_FLAG_BUFFER_LOST = 0x04,
    HT_ETL_FLAG_PROC_INDEX = 0x20,
    HT_ETL_FLAG_COMPRESSED = 0x40,
    HT_ETL_TYPE_GENERIC = 0,
    HT_ETL_TYPE_HEADER = 4,
    HT_ETL_PROCESSOR_MASK = 0x07FF,
};

// First dword of a record: family in the top byte, kind below it.
enum {
    HT_ETL_FAMILY_TRACE = 0xC0,
    HT_ETL_FAMILY_MESSAGE = 0x90,
    HT_ETL_FAMILY_TIME = 0xB0,
    HT_ETL_FAMILY_FILLER = 0xFF,
};

enum ht_etl_header {
    HT_ETL_SYSTEM32 = 0x01,
    HT_ETL_SYSTEM64 = 0x02,
    HT_ETL_COMPACT32 = 0x03,
    HT_ETL_COMPACT64 = 0x04,
    HT_ETL_FULL32 = 0x0A,
    HT_ETL_INSTANCE32 = 0x0B,
    HT_ETL_ERROR = 0x0D,
    HT_ETL_MESSAGE = 0x0F,
    HT_ETL_PERFINFO32 = 0x10,
    HT_ETL_PERFINFO64 = 0x11,
    HT_ETL_EVENT32 = 0x12,
    HT_ETL_EVENT64 = 0x13,
    HT_ETL_FULL64 = 0x14,
    HT_ETL_INSTANCE64 = 0x15,
};

// Bytes before the payload.
enum {
    HT_ETL_SYSTEM_SIZE = 0x20,
    HT_ETL_COMPACT_SIZE = 0x18,
    HT_ETL_PERFINFO_SIZE = 0x10,
    HT_ETL_FULL_SIZE = 0x30,
    HT_ETL_MESSAGE_SIZE = 0x08,
    HT_ETL_INSTANCE_SIZE = 0x48,
    HT_ETL_ERROR_SIZE = 0x50,
    HT_ETL_EVENT_SIZE = 0x50,
    HT_ETL_EVENT_FLAG_EXTENDED = 0x0001,
    HT_ETL_PERFINFO_FLAG_PEBS = 0x8000,
};

// Groups, the high byte of a hook id.
enum {
    HT_ETL_GROUP_HEADER = 0x00,
    HT_ETL_GROUP_MEMORY = 0x02, // holds the heap ranges
    HT_ETL_GROUP_PROCESS = 0x03,
    HT_ETL_GROUP_THREAD = 0x05,
    HT_ETL_GROUP_CONFIG = 0x0B, // the machine
    HT_ETL_GROUP_PERFINFO = 0x0F,
    HT_ETL_GROUP_HEAP = 0x10,
    HT_ETL_GROUP_IMAGE = 0x14,
    HT_ETL_GROUP_STACK = 0x18,
};

// Opcodes of the heap group.
enum {
    HT_ETL_HEAP_CREATE = 0x20,
    HT_ETL_HEAP_ALLOC = 0x21,
    HT_ETL_HEAP_REALLOC = 0x22,
    HT_ETL_HEAP_DESTROY = 0x23,
    HT_ETL_HEAP_FREE = 0x24,
    HT_ETL_HEAP_EXTEND = 0x25,
    HT_ETL_HEAP_SNAPSHOT = 0x26,
    HT_ETL_HEAP_CREATE_SNAPSHOT = 0x27,
    HT_ETL_HEAP_DESTROY_SNAPSHOT = 0x28,
    HT_ETL_HEAP_EXTEND_SNAPSHOT = 0x29,
    HT_ETL_HEAP_CONTRACT = 0x2A,
    HT_ETL_HEAP_LOCK = 0x2B,
    HT_ETL_HEAP_UNLOCK = 0x2C,
    HT_ETL_HEAP_VALIDATE = 0x2D,
    HT_ETL_HEAP_WALK = 0x2E,
    HT_ETL_HEAP_SUBSEGMENT_ALLOC = 0x2F,
    HT_ETL_HEAP_SUBSEGMENT_FREE = 0x30,
    HT_ETL_HEAP_SUBSEGMENT_ALLOC_CACHED = 0x31,
    HT_ETL_HEAP_SUBSEGMENT_FREE_CACHED = 0x32,
    HT_ETL_HEAP_COMMIT = 0x33,
    HT_ETL_HEAP_DECOMMIT = 0x34,
    HT_ETL_HEAP_SUBSEGMENT_INIT = 0x35,
    HT_ETL_HEAP_AFFINITY_ENABLE = 0x36,
    HT_ETL_HEAP_RESERVED = 0x37,
    HT_ETL_HEAP_SUBSEGMENT_ACTIVATED = 0x38,
    HT_ETL_HEAP_AFFINITY_ASSIGN = 0x39,
    HT_ETL_HEAP_REUSE_THRESHOLD = 0x3A,
};

// Opcodes of the heap ranges, in the memory group.
enum {
    HT_ETL_RANGE_RUNDOWN = 0x64,
    HT_ETL_RANGE_CREATE = 0x65,
    HT_ETL_RANGE_RESERVE = 0x66,
    HT_ETL_RANGE_RELEASE = 0x67,
    HT_ETL_RANGE_DESTROY = 0x68,
    HT_ETL_RANGE_KERNEL_SHIFT = 32, // zero bytes that kernel-mode callers put in front
};

enum { HT_ETL_CONFIG_CPU = 0x0A }; // the opcode of the config group that names the machine

// Opcodes of threads.
enum {
    HT_ETL_THREAD_START = 0x01,
    HT_ETL_THREAD_END = 0x02,
    HT_ETL_THREAD_DC_START = 0x03,
    HT_ETL_THREAD_DC_END = 0x04,
};

// Opcodes of processes.
enum {
    HT_ETL_PROCESS_START = 0x01,
    HT_ETL_PROCESS_END = 0x02,
    HT_ETL_PROCESS_DC_START = 0x03,
    HT_ETL_PROCESS_DC_END = 0x04,
    HT_ETL_PROCESS_DEFUNCT = 0x27,
};

// Opcodes of images. A load in SYSTEM and PERFINFO records has the group of processes.
enum {
    HT_ETL_IMAGE_START = 0x01,
    HT_ETL_IMAGE_UNLOAD = 0x02,
    HT_ETL_IMAGE_DC_START = 0x03,
    HT_ETL_IMAGE_DC_END = 0x04,
    HT_ETL_IMAGE_LOAD = 0x0A,
    HT_ETL_IMAGE_ID_RSDS = 0x24, // of the provider that merge tools add
};

// Opcodes of stacks.
enum {
    HT_ETL_STACK_WALK = 0x20,
    HT_ETL_STACK_KEY_CREATE = 0x22,
    HT_ETL_STACK_KEY_DELETE = 0x23,
    HT_ETL_STACK_KEY_RUNDOWN = 0x24,
    HT_ETL_STACK_KEY_KERNEL = 0x25,
    HT_ETL_STACK_KEY_USER = 0x26,
};

// LogFileMode.
enum {
    HT_ETL_MODE_SEQUENTIAL = 0x00000001,
    HT_ETL_MODE_CIRCULAR = 0x00000002,
    HT_ETL_MODE_RELOG = 0x00010000,
    HT_ETL_MODE_COMPRESSED = 0x04000000,
};

// GUIDs in the byte order of the file. A header includes the array where it uses it.
#define HT_ETL_GUID_EVENT_TRACE                                                                    \
    {                                                                                              \
        0x00, 0xd9, 0xfd, 0x68, 0x3e, 0x4a, 0xd1, 0x11, 0x84, 0xf4, 0x00, 0x00, 0xf8, 0x04, 0x64,  \
            0xe3                                                                                   \
    }
#define HT_ETL_GUID_PAGE_FAULT                                                                     \
    {                                                                                              \
        0xd3, 0xa8, 0x6f, 0x3d, 0x05, 0xfe, 0xd0, 0x11, 0x9d, 0xda, 0x00, 0xc0, 0x4f, 0xd7, 0xba,  \
            0x7c                                                                                   \
    }
#define HT_ETL_GUID_PROCESS                                                                        \
    {                                                                                              \
        0xd0, 0xa8, 0x6f, 0x3d, 0x05, 0xfe, 0xd0, 0x11, 0x9d, 0xda, 0x00, 0xc0, 0x4f, 0xd7, 0xba,  \
            0x7c                                                                                   \
    }
#define HT_ETL_GUID_THREAD                                                                         \
    {                                                                                              \
        0xd1, 0xa8, 0x6f, 0x3d, 0x05, 0xfe, 0xd0, 0x11, 0x9d, 0xda, 0x00, 0xc0, 0x4f, 0xd7, 0xba,  \
            0x7c                                                                                   \
    }
#define HT_ETL_GUID_CONFIG                                                                         \
    {                                                                                              \
        0x65, 0x3a, 0x85, 0x01, 0x8f, 0x41, 0x36, 0x4f, 0xae, 0xfc, 0xdc, 0x0f, 0x1d, 0x2f, 0xd2,  \
            0x35                                                                                   \
    }
#define HT_ETL_GUID_HEAP                                                                           \
    {                                                                                              \
        0xab, 0x62, 0x29, 0x22, 0x80, 0x61, 0x88, 0x4b, 0xa8, 0x25, 0x34, 0x6b, 0x75, 0xf2, 0xa2,  \
            0x4a                                                                                   \
    }
#define HT_ETL_GUID_IMAGE                                                                          \
    {                                                                                              \
        0x1d, 0x5d, 0xb1, 0x2c, 0xc1, 0x5f, 0xd2, 0x11, 0xab, 0xe1, 0x00, 0xa0, 0xc9, 0x11, 0xf5,  \
            0x18                                                                                   \
    }
#define HT_ETL_GUID_STACK                                                                          \
    {                                                                                              \
        0x46, 0xfe, 0xf2, 0xde, 0xd6, 0x7b, 0x80, 0x4b, 0xbd, 0x94, 0xf5, 0x7f, 0xe2, 0x0d, 0x0c,  \
            0xe3                                                                                   \
    }
#define HT_ETL_GUID_IMAGE_ID                                                                       \
    {                                                                                              \
        0xd7, 0x75, 0xe6, 0xb3, 0x54, 0x25, 0x18, 0x4f, 0x83, 0x0b, 0x27, 0x62, 0x73, 0x25, 0x60,  \
            0xde                                                                                   \
    }
#define HT_ETL_GUID_PERFINFO                                                                       \
    {                                                                                              \
        0xb4, 0xbf, 0x1d, 0xce, 0x7e, 0x13, 0xa6, 0x4d, 0x87, 0xb0, 0x3f, 0x59, 0xaa, 0x10, 0x2c,  \
            0xbc                                                                                   \
    }

#endif
