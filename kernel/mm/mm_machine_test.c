// SPDX-License-Identifier: MIT
/* Frames and heap on the simulated machine: mistakes panic; CPUs allocate, and free what others allocated. */
#include "core/panic.h"
#include "host/machine.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "sched/sched.h"
#include "time/clock.h"
#include "unit.h"

static bool is_zero(const void *memory, size_t size)
{
	const u8 *byte = memory;

	for (size_t i = 0; i < size; i++) {
		if (byte[i]) {
			return false;
		}
	}
	return true;
}

static void free_twice(void)
{
	void *memory = heap_allocate(100);

	heap_free(memory);
	heap_free(memory);
}

static void write_after_free(void)
{
	for (unsigned i = 0; i < 3; i++) {
		u64 *memory = heap_allocate(100);

		heap_free(memory);
		memory[3] = 1;
	}
}

static void free_of_a_strange_pointer(void)
{
	struct frame *frame;

	if (frame_allocate(0, &frame) == 0) {
		heap_free(frame_address(frame));
	}
}

static void put_of_a_free_frame(void)
{
	struct frame *frame;

	if (frame_allocate(0, &frame) == 0) {
		frame_put(frame);
		frame_put(frame);
	}
}

TEST(heap_mistakes_panic)
{
	EXPECT_EQ(host_machine_run(1, 1, free_twice), 255);
	EXPECT_EQ(host_machine_run(1, 1, write_after_free), 255);
	EXPECT_EQ(host_machine_run(1, 1, free_of_a_strange_pointer), 255);
	EXPECT_EQ(host_machine_run(1, 1, put_of_a_free_frame), 255);
}

/* --- on the simulated machine: CPUs allocate, and free what others allocated ------------------- */

enum { WORKERS = 4, SHARED = 32, STEPS = 300 };

static _Atomic(u64 *) shared[SHARED];
static _Atomic(struct frame *) shared_frames[SHARED];
static _Atomic int finished;

static void worker(void *argument)
{
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned at = (unsigned)(host_random() % SHARED);
		size_t words = 2 + host_random() % 60;
		u64 *fresh = heap_allocate(words * 8);
		struct frame *frame = NULL;

		ASSERT(fresh);
		ASSERT(is_zero(fresh, words * 8));
		fresh[0] = words;
		fresh[words - 1] = words;
		u64 *old = atomic_exchange(&shared[at], fresh);

		if (old) {
			ASSERT(old[0] == old[old[0] - 1]);
		}
		heap_free(old);
		ASSERT(frame_allocate(FRAME_ZERO, &frame) == 0);
		ASSERT(*(u64 *)frame_address(frame) == 0);
		*(u64 *)frame_address(frame) = ~0UL;
		frame_get(frame);
		struct frame *other = atomic_exchange(&shared_frames[at], frame);

		frame_put(frame);
		if (other) {
			frame_put(other);
		}
	}
	atomic_fetch_add(&finished, 1);
}

static void allocate_everywhere(void)
{
	for (unsigned i = 0; i < WORKERS; i++) {
		EXPECT_EQ(sched_kernel_thread("worker", worker, NULL, NULL), 0);
	}
	while (atomic_load(&finished) < WORKERS) {
		(void)sched_sleep_until(clock_monotonic() + NSEC_PER_MSEC,
					THREAD_UNINTERRUPTIBLE);
	}
	for (unsigned i = 0; i < SHARED; i++) {
		heap_free(shared[i]);
		if (shared_frames[i]) {
			frame_put(shared_frames[i]);
		}
	}
}

TEST(many_cpus_allocate)
{
	EXPECT_EQ(host_machine_explore(4, 1, 12, allocate_everywhere), 0);
}
