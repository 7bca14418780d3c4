// SPDX-License-Identifier: MIT
/* Rows of channels where nobody waits: one thread writes and reads. */
#include "bench.h"

#include <string.h>
#include <unistd.h>

static char block[4096];

static uint64_t through_pipe(unsigned count, size_t size)
{
	int ends[2];

	CHECK(pipe(ends) == 0);
	uint64_t start = counter_nanoseconds();
	for (unsigned i = 0; i < count; i++) {
		CHECK(write(ends[1], block, size) == (ssize_t)size);
		CHECK(read(ends[0], block, size) == (ssize_t)size);
	}
	uint64_t took = counter_nanoseconds() - start;
	close(ends[0]);
	close(ends[1]);
	return took;
}

static uint64_t small(unsigned count)
{
	return through_pipe(count, 8);
}

static uint64_t page(unsigned count)
{
	return through_pipe(count, sizeof(block));
}

static uint64_t make_pipe(unsigned count)
{
	uint64_t start = counter_nanoseconds();

	for (unsigned i = 0; i < count; i++) {
		int ends[2];

		CHECK(pipe(ends) == 0);
		close(ends[0]);
		close(ends[1]);
	}
	return counter_nanoseconds() - start;
}

const struct row channel_rows[] = {
	{"pipe: 8 bytes written and read", ONE_CPU, 500, small},
	{"pipe: 4096 bytes written and read", ONE_CPU, 500, page},
	{"pipe made and closed", ONE_CPU, 200, make_pipe},
	{NULL, 0, 0, NULL},
};
