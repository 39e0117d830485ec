// SPDX-License-Identifier: MIT
//
// What reading an .etl costs: `heaptape convert --to null` beside `lz4 -1` to nowhere on the same
// file, and making a .htape of it, as whole programs, in turn, an odd number of rounds. Prints the
// medians of the time on the clock and of the processor time, the ratio of each to lz4's, and the
// most memory that any of these programs held.
//
//     bench_etl HEAPTAPE ROUNDS FILE...
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS_MAX = 99, CONTENDERS = 4 };

struct cost {
    double cpu_seconds;
    double wall_seconds;
};

static double seconds_of(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

// Of all children that have ended.
static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return seconds_of(&usage.ru_utime) + seconds_of(&usage.ru_stime);
}

static double wall_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static const char *const names[CONTENDERS] = {"lz4 -1", "heaptape", "heaptape --raw", "to .htape"};

// Runs a program with its output going nowhere. False when it failed.
static bool run(char *const *command, struct cost *cost)
{
    double cpu = cpu_seconds();
    double wall = wall_seconds();
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
        execvp(command[0], command);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        return false;
    *cost = (struct cost){cpu_seconds() - cpu, wall_seconds() - wall};
    return true;
}

static int compare_seconds(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return a < b ? -1 : a > b;
}

static struct cost median(const struct cost *costs, size_t rounds)
{
    double cpu[ROUNDS_MAX];
    double wall[ROUNDS_MAX];
    for (size_t i = 0; i < rounds; i++) {
        cpu[i] = costs[i].cpu_seconds;
        wall[i] = costs[i].wall_seconds;
    }
    qsort(cpu, rounds, sizeof *cpu, compare_seconds);
    qsort(wall, rounds, sizeof *wall, compare_seconds);
    return (struct cost){cpu[rounds / 2], wall[rounds / 2]};
}

static void print(const char *file, off_t size, struct cost costs[CONTENDERS][ROUNDS_MAX],
                  size_t rounds)
{
    double megabytes = (double)size / 1e6;
    struct cost lz4 = median(costs[0], rounds);
    printf("%s, %.1f MB\n", file, megabytes);
    for (int i = 0; i < CONTENDERS; i++) {
        struct cost cost = median(costs[i], rounds);
        printf("  %-15s %7.3f s wall %6.0f MB/s %5.2f times lz4, %7.3f s cpu %5.2f times lz4\n",
               names[i], cost.wall_seconds, megabytes / cost.wall_seconds,
               lz4.wall_seconds / cost.wall_seconds, cost.cpu_seconds,
               lz4.cpu_seconds / cost.cpu_seconds);
    }
}

// Runs every contender on the file, in turn.
static bool run_round(char *heaptape, char *file, struct cost costs[CONTENDERS][ROUNDS_MAX],
                      size_t round)
{
    char *const commands[CONTENDERS][8] = {
        {"lz4", "-1", "-q", "-c", file, NULL},
        {heaptape, "convert", "--to", "null", file, NULL},
        {heaptape, "convert", "--to", "null", "--raw", file, NULL},
        {heaptape, "convert", "--to", "htape", "-o", "-", file, NULL},
    };
    for (int i = 0; i < CONTENDERS; i++) {
        if (!run(commands[i], &costs[i][round])) {
            fprintf(stderr, "%s failed on %s\n", names[i], file);
            return false;
        }
    }
    return true;
}

static bool measure(char *heaptape, char *file, size_t rounds)
{
    struct cost costs[CONTENDERS][ROUNDS_MAX];
    struct stat about;
    if (stat(file, &about) != 0)
        return false;
    for (size_t round = 0; round < rounds; round++)
        if (!run_round(heaptape, file, costs, round))
            return false;
    print(file, about.st_size, costs, rounds);
    return true;
}

int main(int argc, char **argv)
{
    size_t rounds = argc > 3 ? strtoul(argv[2], NULL, 10) : 0;
    if (rounds % 2 == 0 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: bench_etl HEAPTAPE ROUNDS FILE...\n");
        return 2;
    }
    for (int i = 3; i < argc; i++)
        if (!measure(argv[1], argv[i], rounds))
            return 1;
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    printf("most memory of a program: %.1f MiB\n", (double)usage.ru_maxrss / 1024);
    return 0;
}
