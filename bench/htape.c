// SPDX-License-Identifier: MIT
//
// What .htape costs: making it of an .etl and reading it back, beside what compressors make of the
// same .etl and back, each a program of its own with its output going nowhere, in turn, several
// rounds. Prints sizes, and medians of the time that passed and of the processor time.
//
//     bench_htape HEAPTAPE FILE.etl...
#include "convert/pipeline.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 9, ARGUMENTS = 8 };

static const char nowhere[] = "/dev/null";

// Words of a command that stand for others.
static const char HEAPTAPE[] = "heaptape";
static const char ETL[] = "file.etl";
static const char PACKED[] = "file.packed";

static const struct contender {
    const char *name;
    const char *pack[ARGUMENTS]; // to standard output
    const char *unpack[ARGUMENTS];
    bool is_slow; // one round is enough
} contenders[] = {
    {"lz4 -1", {"lz4", "-1", "-q", "-c", ETL}, {"lz4", "-dc", PACKED}, false},
    {"lz4 -9", {"lz4", "-9", "-q", "-c", ETL}, {"lz4", "-dc", PACKED}, true},
    {"zstd -3", {"zstd", "-3", "-q", "-c", ETL}, {"zstd", "-dcq", PACKED}, true},
    {"zstd -19", {"zstd", "-19", "-q", "-c", ETL}, {"zstd", "-dcq", PACKED}, true},
    {"xz -6", {"xz", "-6", "-T1", "-c", ETL}, {"xz", "-dc", PACKED}, true},
    {".htape",
     {HEAPTAPE, "convert", ETL, "--to", "htape", "-o", "-"},
     {HEAPTAPE, "convert", PACKED, "--to", "null"},
     false},
    {".htape --best",
     {HEAPTAPE, "convert", ETL, "--best", "--to", "htape", "-o", "-"},
     {HEAPTAPE, "convert", PACKED, "--to", "null"},
     true},
};

enum { CONTENDERS = sizeof contenders / sizeof *contenders };

struct costs {
    double wall_ns[ROUNDS];
    double cpu_ns[ROUNDS];
};

struct result {
    double bytes;
    struct costs pack;
    struct costs unpack;
};

struct bench {
    const char *heaptape;
    const char *etl;
    char packed[CONTENDERS][32]; // paths
    double events;
    struct result results[CONTENDERS];
};

static double wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

// Of all children that have ended.
static double cpu_ns(void)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e9 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3;
}

static const char *word_of(const struct bench *bench, int contender, const char *word)
{
    if (word == HEAPTAPE)
        return bench->heaptape;
    if (word == ETL)
        return bench->etl;
    return word == PACKED ? bench->packed[contender] : word;
}

// Runs a command of a contender with its output going to a file, and times it.
static bool run(const struct bench *bench, int contender, const char *const *words,
                const char *output, double *wall, double *cpu)
{
    char *command[ARGUMENTS + 1] = {(char *)word_of(bench, contender, words[0])};
    for (int i = 1; i < ARGUMENTS && words[i] != NULL; i++)
        command[i] = (char *)word_of(bench, contender, words[i]);
    double wall_before = wall_ns();
    double cpu_before = cpu_ns();
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        dup2(open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
        dup2(open(nowhere, O_WRONLY), STDERR_FILENO);
        execvp(command[0], command);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        fprintf(stderr, "bench_htape: %s failed\n", contenders[contender].name);
        return false;
    }
    *wall = wall_ns() - wall_before;
    *cpu = cpu_ns() - cpu_before;
    return true;
}

// Makes the packed file of each contender, which also warms up.
static bool prepare(struct bench *bench)
{
    double wall;
    double cpu;
    struct stat about;
    for (int i = 0; i < CONTENDERS; i++) {
        if (!run(bench, i, contenders[i].pack, bench->packed[i], &wall, &cpu) ||
            stat(bench->packed[i], &about) != 0)
            return false;
        bench->results[i].bytes = (double)about.st_size;
    }
    return true;
}

static bool run_round(struct bench *bench, int round)
{
    for (int i = 0; i < CONTENDERS; i++) {
        struct result *result = &bench->results[i];
        if (contenders[i].is_slow && round > 0)
            continue;
        if (!run(bench, i, contenders[i].pack, nowhere, &result->pack.wall_ns[round],
                 &result->pack.cpu_ns[round]) ||
            !run(bench, i, contenders[i].unpack, nowhere, &result->unpack.wall_ns[round],
                 &result->unpack.cpu_ns[round]))
            return false;
    }
    return true;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *times, int rounds)
{
    qsort(times, (size_t)rounds, sizeof *times, compare);
    return times[rounds / 2];
}

static void print_costs(struct costs *costs, const struct costs *lz4, int rounds, double events)
{
    double wall = median(costs->wall_ns, rounds);
    double cpu = median(costs->cpu_ns, rounds);
    printf("  %8.1f %8.1f %6.2f", wall / events, cpu / events, lz4->wall_ns[ROUNDS / 2] / wall);
}

static void print(struct bench *bench)
{
    struct result *lz4 = &bench->results[0];
    printf("%s: %.0f events\n", bench->etl, bench->events);
    printf("%-14s %11s %8s  %26s  %26s\n", "", "bytes", "an event", "to pack: ns, CPU ns, times",
           "to read: ns, CPU ns, times");
    for (int i = 0; i < CONTENDERS; i++) {
        struct result *result = &bench->results[i];
        int rounds = contenders[i].is_slow ? 1 : ROUNDS;
        printf("%-14s %11.0f %8.3f", contenders[i].name, result->bytes,
               result->bytes / bench->events);
        print_costs(&result->pack, &lz4->pack, rounds, bench->events);
        print_costs(&result->unpack, &lz4->unpack, rounds, bench->events);
        printf("\n");
    }
}

// How many events the .etl has.
static bool count_events(struct bench *bench)
{
    struct ht_error error;
    struct ht_stream stream = {0};
    struct ht_events events;
    enum ht_status status = ht_stream_open(&stream, bench->etl, false, &error);
    while (status == HT_OK && (status = ht_stream_read(&stream, &events, &error)) == HT_OK)
        bench->events += (double)events.count;
    ht_stream_close(&stream);
    if (status != HT_END)
        fprintf(stderr, "bench_htape: %s\n", error.text);
    return status == HT_END;
}

static bool measure(struct bench *bench)
{
    bool is_whole = count_events(bench) && prepare(bench);
    for (int round = 0; round < ROUNDS && is_whole; round++)
        is_whole = run_round(bench, round);
    if (is_whole)
        print(bench);
    return is_whole;
}

int main(int argc, char **argv)
{
    static struct bench bench;
    char folder[] = "/tmp/bench_htape.XXXXXX";
    if (argc < 3 || mkdtemp(folder) == NULL) {
        fprintf(stderr, "usage: bench_htape HEAPTAPE FILE.etl...\n");
        return 2;
    }
    bool is_whole = true;
    for (int i = 2; i < argc && is_whole; i++) {
        bench = (struct bench){.heaptape = argv[1], .etl = argv[i]};
        for (int k = 0; k < CONTENDERS; k++)
            snprintf(bench.packed[k], sizeof bench.packed[k], "%s/%d", folder, k);
        is_whole = measure(&bench);
    }
    for (int k = 0; k < CONTENDERS; k++)
        remove(bench.packed[k]);
    rmdir(folder);
    return is_whole ? 0 : 1;
}
