// SPDX-License-Identifier: MIT
//
// Shared libraries by dlopen.
#include "replay/library.h"

#include <dlfcn.h>
#include <string.h>

bool ht_library_is_path(const char *name)
{
    return strchr(name, '/') != NULL;
}

static enum ht_library_state state_of_failure(const char *file, const char *reason)
{
    // glibc tells these apart in words only. The file's name in front: else a file that it needs
    // is absent.
    size_t length = strlen(file);
    if (strstr(reason, "static TLS") != NULL) {
        return HT_LIBRARY_NO_THREAD_ROOM;
    }
    if (strncmp(reason, file, length) == 0 && strstr(reason + length, "No such file") != NULL) {
        return HT_LIBRARY_ABSENT;
    }
    return HT_LIBRARY_BROKEN;
}

enum ht_library_state ht_library_load(const char *file, void **library, struct ht_error *error)
{
    *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (*library != NULL) {
        return HT_LIBRARY_LOADED;
    }
    const char *reason = dlerror();
    ht_fail(error, HT_UNSUPPORTED, "%s", reason);
    return state_of_failure(file, reason);
}

static const void *object_of(const void *symbol)
{
    Dl_info about;
    return symbol != NULL && dladdr(symbol, &about) != 0 ? about.dli_fbase : NULL;
}

ht_function *ht_library_function(void *library, const char *name)
{
    void *symbol = dlsym(library, name);
    // Where sysconf lies there is the C library; a sanitizer may stand before its malloc.
    if (symbol == NULL || object_of(symbol) == object_of(dlsym(RTLD_DEFAULT, "sysconf"))) {
        return NULL;
    }
    ht_function *function;
    memcpy(&function, &symbol, sizeof function); // ISO C has no cast for it, POSIX the guarantee
    return function;
}

const char *ht_library_note(void)
{
    return "";
}

const char *ht_library_path(ht_function *function)
{
    Dl_info about;
    void *symbol;
    memcpy(&symbol, &function, sizeof symbol);
    return dladdr(symbol, &about) != 0 ? about.dli_fname : "";
}
