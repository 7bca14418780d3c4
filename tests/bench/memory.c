// SPDX-License-Identifier: MIT
/* Rows of mappings and faults. The areas are smaller than a large page, so that each page is a fault on either kernel. */
#include "bench.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 256 };

static char *map(size_t size)
{
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	return memory;
}

static uint64_t map_and_unmap(unsigned count)
{
	uint64_t start = counter_nanoseconds();

	for (unsigned i = 0; i < count; i++) {
		munmap(map(PAGE), PAGE);
	}
	return counter_nanoseconds() - start;
}

static uint64_t map_touch_unmap(unsigned count)
{
	uint64_t start = counter_nanoseconds();

	for (unsigned i = 0; i < count; i++) {
		char *memory = map(16 * PAGE);

		for (unsigned page = 0; page < 16; page++) {
			memory[page * PAGE] = 1;
		}
		munmap(memory, 16 * PAGE);
	}
	return counter_nanoseconds() - start;
}

static uint64_t touch(char *memory, unsigned pages)
{
	uint64_t start = counter_nanoseconds();

	for (unsigned page = 0; page < pages; page++) {
		((volatile char *)memory)[page * PAGE] = 1;
	}
	return counter_nanoseconds() - start;
}

static uint64_t first_touch(unsigned count)
{
	char *memory = map(PAGES * PAGE);
	uint64_t took = touch(memory, count);

	munmap(memory, PAGES * PAGE);
	return took;
}

/* The pages are shared with a child that sleeps in a read. */
static uint64_t copy_on_write(unsigned count)
{
	char *memory = map(PAGES * PAGE), byte;
	int ends[2];

	touch(memory, count);
	CHECK(pipe(ends) == 0);
	pid_t child = fork();
	if (child == 0) {
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) != 0);
	}
	close(ends[0]);
	uint64_t took = touch(memory, count);
	close(ends[1]);
	CHECK(waitpid(child, NULL, 0) == child);
	munmap(memory, PAGES * PAGE);
	return took;
}

/* The middle page of an area, back and forth: what was one area are three. */
static uint64_t protect(unsigned count)
{
	char *memory = map(PAGES * PAGE), *page = memory + PAGES / 2 * PAGE;

	touch(memory, PAGES);
	uint64_t start = counter_nanoseconds();
	for (unsigned i = 0; i < count; i++) {
		CHECK(mprotect(page, PAGE, i & 1 ? PROT_READ | PROT_WRITE : PROT_READ) ==
		      0);
	}
	uint64_t took = counter_nanoseconds() - start;
	munmap(memory, PAGES * PAGE);
	return took;
}

static uint64_t discard(unsigned count)
{
	char *memory = map(PAGES * PAGE);
	uint64_t start = counter_nanoseconds();

	for (unsigned i = 0; i < count; i++) {
		memory[PAGE] = 1;
		CHECK(madvise(memory + PAGE, PAGE, MADV_DONTNEED) == 0);
	}
	uint64_t took = counter_nanoseconds() - start;
	munmap(memory, PAGES * PAGE);
	return took;
}

const struct row memory_rows[] = {
	{"mmap and munmap of a page", ONE_CPU, 500, map_and_unmap},
	{"mmap, touch and munmap of 16 pages", ONE_CPU, 50, map_touch_unmap},
	{"fault: first touch", ONE_CPU, PAGES, first_touch},
	{"fault: copy on write", ONE_CPU, PAGES, copy_on_write},
	{"mprotect of a page in an area", ONE_CPU, 500, protect},
	{"touch and madvise(MADV_DONTNEED)", ONE_CPU, 500, discard},
	{NULL, 0, 0, NULL},
};
