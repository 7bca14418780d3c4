// SPDX-License-Identifier: MIT
/* Rows of calls that do next to nothing. */
#include "bench.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t null_call(unsigned count)
{
	uint64_t start = counter_nanoseconds();

	for (unsigned i = 0; i < count; i++) {
		syscall(SYS_getppid);
	}
	return counter_nanoseconds() - start;
}

static uint64_t read_clock(unsigned count)
{
	struct timespec now;
	uint64_t start = counter_nanoseconds();

	for (unsigned i = 0; i < count; i++) {
		clock_gettime(CLOCK_MONOTONIC, &now);
	}
	return counter_nanoseconds() - start;
}

static uint64_t read_clock_by_call(unsigned count)
{
	struct timespec now;
	uint64_t start = counter_nanoseconds();

	for (unsigned i = 0; i < count; i++) {
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	}
	return counter_nanoseconds() - start;
}

static uint64_t read_cpu_time(unsigned count)
{
	struct timespec now;
	uint64_t start = counter_nanoseconds();

	for (unsigned i = 0; i < count; i++) {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	}
	return counter_nanoseconds() - start;
}

const struct row call_rows[] = {
	{"system call (getppid)", ONE_CPU, 2000, null_call},
	{"clock_gettime", ONE_CPU, 2000, read_clock},
	{"clock_gettime as a system call", ONE_CPU, 2000, read_clock_by_call},
	{"clock_gettime of the thread's CPU time", ONE_CPU, 1000, read_cpu_time},
	{NULL, 0, 0, NULL},
};
