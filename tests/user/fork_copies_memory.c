// SPDX-License-Identifier: MIT
/*
 * Copy-on-write after fork (issue part 3): neither side sees the other's writes, shared memory is
 * shared, chains of forks, writes into the copy by the kernel itself, forking with many threads.
 * libc: musl
 */
#include "raw.h"

#define PAGE 4096ul
enum { PAGES = 64 };

static unsigned char *memory;
static volatile int *shared;
static int pipe_ends[2];

static void fill(unsigned char value)
{
	for (size_t i = 0; i < PAGES; i++) {
		memset(memory + i * PAGE, value + (int)i, PAGE);
	}
}

static bool holds(unsigned char value)
{
	for (size_t i = 0; i < PAGES; i++) {
		for (size_t j = 0; j < PAGE; j += 511) {
			if (memory[i * PAGE + j] != (unsigned char)(value + i)) {
				return false;
			}
		}
	}
	return true;
}

static void write_in_child(void)
{
	CHECK(holds(1));
	fill(100);
	CHECK(holds(100));
	shared[0]++;
}

static void check_separation(void)
{
	fill(1);
	must_pass_in_child(write_in_child);
	CHECK(holds(1));
	CHECK_EQ(shared[0], 1);
	ok("separation");
}

static void write_after_parent(void)
{
	char byte;

	CHECK_EQ(read(pipe_ends[0], &byte, 1), 1);
	CHECK(holds(1));
	shared[1]++;
}

static void check_parent_writes(void)
{
	int status;
	pid_t child;

	CHECK_EQ(pipe(pipe_ends), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		write_after_parent();
		_exit(0);
	}
	fill(50);
	CHECK_EQ(write(pipe_ends[1], "x", 1), 1);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK(holds(50));
	ok("parent_writes");
}

static void fork_again(int depth)
{
	int status;
	pid_t child;

	fill((unsigned char)depth);
	if (depth == 0) {
		return;
	}
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		fork_again(depth - 1);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK(holds((unsigned char)depth));
}

/* The kernel writes into a page that is still shared: read() must break the sharing. */
static void read_into_copy(void)
{
	CHECK_EQ(write(pipe_ends[1], "kernel", 6), 6);
	CHECK_EQ(read(pipe_ends[0], memory + 5 * PAGE - 3, 6), 6);
	CHECK_EQ(memcmp(memory + 5 * PAGE - 3, "kernel", 6), 0);
}

static void check_kernel_writes(void)
{
	fill(1);
	must_pass_in_child(read_into_copy);
	CHECK(holds(1));
	ok("kernel_writes");
}

static atomic_int stop;

static void *keep_writing(void *argument)
{
	volatile unsigned char *page = argument;
	unsigned char value = 0;

	while (!atomic_load(&stop)) {
		for (size_t i = 0; i < PAGE; i++) {
			page[i] = value;
		}
		for (size_t i = 0; i < PAGE; i++) {
			CHECK_EQ(page[i], value);
		}
		value++;
	}
	return NULL;
}

static void check_one_value(void)
{
	// A snapshot: each page holds the value of one pass and perhaps of the pass before it.
	for (size_t t = 0; t < 4; t++) {
		unsigned char first = memory[t * PAGE];
		unsigned char last = memory[t * PAGE + PAGE - 1];

		CHECK(first == last || (unsigned char)(last + 1) == first);
	}
	memset(memory, 0, 4 * PAGE);
}

static void check_fork_beside_writers(void)
{
	pthread_t writers[4];

	fill(0);
	memset(memory, 0, 4 * PAGE);
	for (size_t t = 0; t < 4; t++) {
		writers[t] = start_thread(keep_writing, memory + t * PAGE);
	}
	for (int round = 0; round < 30; round++) {
		must_pass_in_child(check_one_value);
	}
	atomic_store(&stop, 1);
	for (int t = 0; t < 4; t++) {
		join_thread(writers[t]);
	}
	ok("fork_beside_writers");
}

int main(void)
{
	memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	shared = shared_page();
	check_separation();
	check_parent_writes();
	fork_again(12);
	ok("chains");
	check_kernel_writes();
	check_fork_beside_writers();
	return 0;
}
