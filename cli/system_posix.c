// SPDX-License-Identifier: MIT
//
// The operating system by POSIX. See the header.
#include "cli/system.h"

#include <sys/stat.h>
#include <unistd.h>

bool ht_system_is_terminal(FILE *stream)
{
    return isatty(fileno(stream)) == 1;
}

bool ht_system_is_same_file(const char *path, const char *other)
{
    struct stat about;
    struct stat about_other;
    return stat(path, &about) == 0 && stat(other, &about_other) == 0 && S_ISREG(about.st_mode) &&
           about.st_dev == about_other.st_dev && about.st_ino == about_other.st_ino;
}
