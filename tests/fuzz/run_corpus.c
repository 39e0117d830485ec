// SPDX-License-Identifier: MIT
//
// A plain main for a fuzz target: feeds it every file named, and every file of a folder named, so
// that the corpus runs in every test run without a fuzzer.
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    uint8_t *data = NULL;
    size_t size = 0;
    for (size_t got = 1; got > 0; size += got) {
        uint8_t *more = realloc(data, size + 65536);
        if (more == NULL)
            abort();
        data = more;
        got = fread(data + size, 1, 65536, file);
    }
    fclose(file);
    uint8_t *exact = malloc(size + 1); // its own block, so that the sanitizer sees the end
    if (exact == NULL)
        abort();
    memcpy(exact, data, size);
    free(data);
    data = realloc(exact, size > 0 ? size : 1);
    LLVMFuzzerTestOneInput(data != NULL ? data : exact, size);
    free(data != NULL ? data : exact);
    return 0;
}

static int run_folder(DIR *folder, const char *path, unsigned *count)
{
    int failed = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] == '.')
            continue;
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        failed |= run_file(file);
        ++*count;
    }
    return failed;
}

int main(int argc, char **argv)
{
    unsigned count = 0;
    int failed = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        if (folder != NULL) {
            failed |= run_folder(folder, argv[i], &count);
            closedir(folder);
        } else {
            failed |= run_file(argv[i]);
            count++;
        }
    }
    if (count == 0) {
        fprintf(stderr, "no corpus\n");
        return 1;
    }
    printf("%u inputs run\n", count);
    return failed;
}
