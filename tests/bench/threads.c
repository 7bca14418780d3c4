// SPDX-License-Identifier: MIT
/* Rows of threads made and ended, and what a blocked one takes of memory. */
#include "bench.h"

#include <pthread.h>
#include <sys/sysinfo.h>
#include <unistd.h>

enum { BURST = 64, BLOCKED = 2000 };

static void *no_work(void *argument)
{
	return argument;
}

static uint64_t create_and_join(unsigned count)
{
	uint64_t start = counter_nanoseconds();

	for (unsigned i = 0; i < count; i++) {
		pthread_t thread;

		CHECK(pthread_create(&thread, NULL, no_work, NULL) == 0);
		pthread_join(thread, NULL);
	}
	return counter_nanoseconds() - start;
}

static uint64_t burst(unsigned count)
{
	uint64_t start = counter_nanoseconds();

	for (unsigned i = 0; i < count; i += BURST) {
		pthread_t threads[BURST];

		for (unsigned j = 0; j < BURST; j++) {
			CHECK(pthread_create(&threads[j], NULL, no_work, NULL) == 0);
		}
		for (unsigned j = 0; j < BURST; j++) {
			pthread_join(threads[j], NULL);
		}
	}
	return counter_nanoseconds() - start;
}

static int end_at_once(void *argument)
{
	return argument != NULL;
}

static uint64_t clone_and_join(int (*entry)(void *), unsigned count)
{
	struct bare_thread thread;

	bare_prepare(&thread, entry, NULL);
	uint64_t start = counter_nanoseconds();
	for (unsigned i = 0; i < count; i++) {
		bare_start(&thread, CLONE_FILES | CLONE_FS);
		bare_join(&thread);
	}
	uint64_t took = counter_nanoseconds() - start;
	bare_discard(&thread);
	return took;
}

static uint64_t raw_clone(unsigned count)
{
	return clone_and_join(end_at_once, count);
}

static int unshare_and_end(void *argument)
{
	CHECK(unshare(CLONE_FILES | CLONE_FS) == 0);
	return argument != NULL;
}

static uint64_t clone_and_unshare(unsigned count)
{
	return clone_and_join(unshare_and_end, count);
}

static atomic_int gate, arrived;

static int wait_at_gate(void *argument)
{
	if (atomic_fetch_add(&arrived, 1) + 1 == BLOCKED) {
		futex_rouse(&arrived, 1);
	}
	while (atomic_load(&gate) == 0) {
		futex_sleep(&gate, 0);
	}
	return argument != NULL;
}

static unsigned long free_memory(void)
{
	struct sysinfo info;

	CHECK(sysinfo(&info) == 0);
	return (info.freeram + info.bufferram) * info.mem_unit;
}

uint64_t memory_of_blocked_thread(void)
{
	static struct bare_thread threads[BLOCKED];
	unsigned long before = free_memory();
	int now;

	for (unsigned i = 0; i < BLOCKED; i++) {
		bare_prepare(&threads[i], wait_at_gate, NULL);
		bare_start(&threads[i], CLONE_FILES | CLONE_FS);
	}
	while ((now = atomic_load(&arrived)) < BLOCKED) {
		futex_sleep(&arrived, now);
	}
	unsigned long after = free_memory();
	atomic_store(&gate, 1);
	futex_rouse(&gate, BLOCKED);
	for (unsigned i = 0; i < BLOCKED; i++) {
		bare_join(&threads[i]);
		bare_discard(&threads[i]);
	}
	return (before - after) / BLOCKED;
}

const struct row thread_rows[] = {
	{"thread: pthread_create and join", EITHER, 200, create_and_join},
	{"thread: clone3 and its end awaited", ONE_CPU, 200, raw_clone},
	{"thread: of 64 made at once, each", EITHER, 256, burst},
	{"thread: clone3, unshare files and fs", ONE_CPU, 200, clone_and_unshare},
	{NULL, 0, 0, NULL},
};
