// SPDX-License-Identifier: MIT
/* Rows of files on a tmpfs. */
#include "bench.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "/scratch/some/folder"
#define FILE   FOLDER "/file"

enum { SIZE = 65536 };

static char block[4096];

static int prepare(void)
{
	mkdir("/scratch/some", 0755);
	mkdir(FOLDER, 0755);
	int fd = open(FILE, O_RDWR | O_CREAT, 0644);
	CHECK(fd >= 0);
	for (unsigned at = 0; at < SIZE; at += sizeof(block)) {
		CHECK(pwrite(fd, block, sizeof(block), at) == sizeof(block));
	}
	return fd;
}

static uint64_t open_and_close(unsigned count)
{
	close(prepare());
	uint64_t start = counter_nanoseconds();
	for (unsigned i = 0; i < count; i++) {
		int fd = open(FILE, O_RDONLY);

		CHECK(fd >= 0);
		close(fd);
	}
	return counter_nanoseconds() - start;
}

static uint64_t stats(unsigned count)
{
	struct stat status;

	close(prepare());
	uint64_t start = counter_nanoseconds();
	for (unsigned i = 0; i < count; i++) {
		CHECK(stat(FILE, &status) == 0);
	}
	return counter_nanoseconds() - start;
}

static uint64_t reads_of(unsigned count, size_t size)
{
	int fd = prepare();
	uint64_t start = counter_nanoseconds();

	for (unsigned i = 0; i < count; i++) {
		CHECK(pread(fd, block, size, i % (SIZE / size) * size) == (ssize_t)size);
	}
	uint64_t took = counter_nanoseconds() - start;
	close(fd);
	return took;
}

static uint64_t small_reads(unsigned count)
{
	return reads_of(count, 1);
}

static uint64_t reads(unsigned count)
{
	return reads_of(count, sizeof(block));
}

static uint64_t writes(unsigned count)
{
	int fd = prepare();
	uint64_t start = counter_nanoseconds();

	for (unsigned i = 0; i < count; i++) {
		CHECK(pwrite(fd, block, sizeof(block), i % 16 * sizeof(block)) ==
		      sizeof(block));
	}
	uint64_t took = counter_nanoseconds() - start;
	close(fd);
	return took;
}

static uint64_t create_and_unlink(unsigned count)
{
	close(prepare());
	uint64_t start = counter_nanoseconds();
	for (unsigned i = 0; i < count; i++) {
		int fd = open(FOLDER "/new", O_RDWR | O_CREAT | O_EXCL, 0644);

		CHECK(fd >= 0);
		close(fd);
		CHECK(unlink(FOLDER "/new") == 0);
	}
	return counter_nanoseconds() - start;
}

const struct row file_rows[] = {
	{"open and close", ONE_CPU, 500, open_and_close},
	{"stat", ONE_CPU, 500, stats},
	{"read of a byte", ONE_CPU, 1000, small_reads},
	{"read of 4096 bytes", ONE_CPU, 500, reads},
	{"write of 4096 bytes", ONE_CPU, 500, writes},
	{"create, close and unlink", ONE_CPU, 200, create_and_unlink},
	{NULL, 0, 0, NULL},
};
