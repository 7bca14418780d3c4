// SPDX-License-Identifier: MIT
/*
 * Rows of Debian's own benchmarks: an operation is a whole run of the program. Some sleep in between; of those the CPU time counts, of which
 * either kernel keeps account by its clock, not by ticks.
 */
#include "bench.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

extern char **environ;

static uint64_t nanoseconds_of(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_usec * 1000u;
}

/* What it says goes nowhere. Returns its CPU time. */
static uint64_t run_once(char *const *words)
{
	posix_spawn_file_actions_t actions;
	struct rusage usage;
	pid_t child;
	int status;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	CHECK(posix_spawn(&child, words[0], &actions, NULL, words, environ) == 0);
	CHECK(wait4(child, &status, 0, &usage) == child && status == 0);
	posix_spawn_file_actions_destroy(&actions);
	return nanoseconds_of(&usage.ru_utime) + nanoseconds_of(&usage.ru_stime);
}

static uint64_t elapsed_in(unsigned count, char *const *words)
{
	uint64_t start = counter_nanoseconds();

	for (unsigned i = 0; i < count; i++) {
		run_once(words);
	}
	return counter_nanoseconds() - start;
}

static uint64_t cpu_time_in(unsigned count, char *const *words)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < count; i++) {
		sum += run_once(words);
	}
	return sum;
}

#define HACKBENCH DEBIAN_PROGRAM, "-g", "1", "-l", "100"
#define PERF      "/usr/bin/perf", "bench"
#define SYSBENCH  "/usr/bin/sysbench", "--time=0", "--threads=8"

static uint64_t hackbench_pipes(unsigned count)
{
	return elapsed_in(count, (char *[]){HACKBENCH, "-P", "-p", NULL});
}

static uint64_t hackbench_sockets(unsigned count)
{
	return elapsed_in(count, (char *[]){HACKBENCH, "-P", NULL});
}

static uint64_t hackbench_threads(unsigned count)
{
	return elapsed_in(count, (char *[]){HACKBENCH, "-T", NULL});
}

static uint64_t perf_messaging(unsigned count)
{
	return elapsed_in(count, (char *[]){PERF, "sched", "messaging", "-g", "1", "-l",
					    "100", NULL});
}

static uint64_t perf_pipe(unsigned count)
{
	return elapsed_in(count, (char *[]){PERF, "sched", "pipe", "-l", "5000", NULL});
}

static uint64_t perf_wake(unsigned count)
{
	return cpu_time_in(count, (char *[]){PERF, "futex", "wake", "-t", "128", NULL});
}

static uint64_t perf_requeue(unsigned count)
{
	return cpu_time_in(count,
			   (char *[]){PERF, "futex", "requeue", "-t", "128", NULL});
}

static uint64_t sysbench_threads(unsigned count)
{
	return cpu_time_in(count, (char *[]){SYSBENCH, "--events=200", "threads",
					     "--thread-yields=50", "run", NULL});
}

static uint64_t sysbench_mutex(unsigned count)
{
	return cpu_time_in(count, (char *[]){SYSBENCH, "--events=8", "mutex",
					     "--mutex-locks=2000", "--mutex-loops=100",
					     "run", NULL});
}

const struct row debian_rows[] = {
	{"hackbench: pipes", ONE_CPU, 1, hackbench_pipes},
	{"hackbench: sockets", ONE_CPU, 1, hackbench_sockets},
	{"hackbench: sockets, threads", ONE_CPU, 1, hackbench_threads},
	{"perf bench sched messaging", ONE_CPU, 1, perf_messaging},
	{"perf bench sched pipe", ONE_CPU, 1, perf_pipe},
	{"perf bench futex wake", ONE_CPU, 1, perf_wake},
	{"perf bench futex requeue", ONE_CPU, 1, perf_requeue},
	{"sysbench threads", ONE_CPU, 1, sysbench_threads},
	{"sysbench mutex", ONE_CPU, 1, sysbench_mutex},
	{NULL, 0, 0, NULL},
};
