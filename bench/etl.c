// SPDX-License-Identifier: MIT
//
// What reading an .etl costs: `heaptape convert --to null` beside `lz4 -1` to nowhere on the same
// file, as whole programs, in turn, several rounds. Prints the median of the processor time, the
// rates, the ratio, and the most memory that heaptape held.
//
//     bench_etl HEAPTAPE FILE...
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 7, MIDDLE = ROUNDS / 2, CONTENDERS = 3 };

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

static const char *const names[CONTENDERS] = {"lz4 -1", "heaptape", "heaptape --raw"};

// Runs a program with its output going nowhere. Processor seconds, or negative when it failed.
static double run(char *const *command)
{
    double before = cpu_seconds();
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
        return -1;
    return cpu_seconds() - before;
}

static int compare_seconds(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return a < b ? -1 : a > b;
}

static void print(const char *file, off_t size, double seconds[CONTENDERS][ROUNDS])
{
    double megabytes = (double)size / 1e6;
    for (int i = 0; i < CONTENDERS; i++)
        qsort(seconds[i], ROUNDS, sizeof seconds[i][0], compare_seconds);
    printf("%s, %.1f MB\n", file, megabytes);
    for (int i = 0; i < CONTENDERS; i++)
        printf("  %-15s %7.3f s  %6.0f MB/s  %5.2f times lz4\n", names[i], seconds[i][MIDDLE],
               megabytes / seconds[i][MIDDLE], seconds[0][MIDDLE] / seconds[i][MIDDLE]);
}

// Runs every contender on the file, in turn.
static bool run_round(char *heaptape, char *file, double seconds[CONTENDERS][ROUNDS], int round)
{
    char *const commands[CONTENDERS][7] = {
        {"lz4", "-1", "-q", "-c", file, NULL},
        {heaptape, "convert", "--to", "null", file, NULL},
        {heaptape, "convert", "--to", "null", "--raw", file, NULL},
    };
    for (int i = 0; i < CONTENDERS; i++) {
        seconds[i][round] = run(commands[i]);
        if (seconds[i][round] < 0) {
            fprintf(stderr, "%s failed on %s\n", names[i], file);
            return false;
        }
    }
    return true;
}

static int measure(char *heaptape, char *file)
{
    double seconds[CONTENDERS][ROUNDS];
    struct stat about;
    if (stat(file, &about) != 0)
        return 1;
    for (int round = 0; round < ROUNDS; round++)
        if (!run_round(heaptape, file, seconds, round))
            return 1;
    print(file, about.st_size, seconds);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: bench_etl HEAPTAPE FILE...\n");
        return 2;
    }
    for (int i = 2; i < argc; i++)
        if (measure(argv[1], argv[i]) != 0)
            return 1;
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    printf("most memory of a program: %.1f MiB\n", (double)usage.ru_maxrss / 1024);
    return 0;
}
