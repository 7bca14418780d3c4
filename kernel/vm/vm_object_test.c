// SPDX-License-Identifier: MIT
/*
 * Pages of objects, and racing faults, under many interleavings of the simulated machine: readers, writers and truncation of
 * one cached file; threads that fault the same pages while the space is forked.
 */
#include "arch/entry.h"
#include "core/fault_injection.h"
#include "host/machine.h"
#include "lib/string.h"
#include "sched/sched.h"
#include "time/clock.h"
#include "unit.h"
#include "vm/vm_internal.h"
#include <linux/mman.h>

enum { PAGES = 40, WORKERS = 4 };

static _Atomic u64 file_size;
static u64 stored[PAGES]; /* the first word of each page of the "disk" */
static _Atomic int finished, reads, broken;

static u64 size_of(struct vm_object *object)
{
	return atomic_load(&file_size);
}

static void fill(u64 index, struct frame *frame)
{
	u64 *words = frame_address(frame);

	memset(words, 0, PAGE_SIZE);
	words[0] = index < PAGES ? stored[index] : 0;
}

static int read_page(struct vm_object *object, u64 index, struct frame *frame)
{
	EXPECT_EQ(sched_sleep_until(clock_monotonic() + 2000, THREAD_UNINTERRUPTIBLE), 0);
	fill(index, frame);
	atomic_fetch_add(&reads, 1);
	return atomic_load(&broken) ? -EIO : 0;
}

static int read_pages(struct vm_object *object, u64 index, struct frame **frames,
		      unsigned count)
{
	EXPECT_EQ(sched_sleep_until(clock_monotonic() + 3000, THREAD_UNINTERRUPTIBLE), 0);
	if (atomic_load(&broken)) {
		return -EIO;
	}
	count = 1 + (unsigned)(host_random() % count);
	for (unsigned i = 0; i < count; i++) {
		fill(index + i, frames[i]);
	}
	atomic_fetch_add(&reads, 1);
	return (int)count;
}

static int write_page(struct vm_object *object, u64 index, struct frame *frame,
		      size_t length)
{
	const u64 *words = frame_address(frame);

	stored[index] = words[0];
	return 0;
}

static const struct vm_object_operations operations = {
	.read_page = read_page,
	.read_pages = read_pages,
	.write_page = write_page,
	.size = size_of,
};

static struct vm_object *object;
static struct vm_space *space;
static vaddr_t place;

static void set_up(void)
{
	vm_init();
	for (u64 i = 0; i < PAGES; i++) {
		stored[i] = i + 1000;
	}
	file_size = PAGES * PAGE_SIZE;
	finished = reads = broken = 0;
	EXPECT_EQ(vm_object_create(&operations, NULL, &object), 0);
	EXPECT_EQ(vm_create(&space), 0);
}

static void map(u32 flags)
{
	struct vm_map_request request = {
		.size = PAGES * PAGE_SIZE,
		.protect = PROTECT_READ | PROTECT_WRITE,
		.map_flags = flags,
		.object = flags & MAP_ANONYMOUS ? NULL : object,
	};

	EXPECT_EQ(vm_map(space, &request, &place), 0);
}

static void tear_down(void)
{
	vm_leave(space);
	EXPECT(list_empty(&object->mappings));
	vm_object_put(object);
	EXPECT_EQ(vm_object_cached_pages(), 0);
}

static void start(void (*entry)(void *))
{
	for (u64 i = 0; i < WORKERS; i++) {
		EXPECT_EQ(sched_kernel_thread("worker", entry, (void *)i, NULL), 0);
	}
}

static void wait_finished(void)
{
	while (atomic_load(&finished) < WORKERS) {
		EXPECT_EQ(sched_sleep_until(clock_monotonic() + 100 * NSEC_PER_USEC,
					    THREAD_UNINTERRUPTIBLE),
			  0);
	}
}

/* --- one thread --- */

static void contents(void)
{
	struct io_buffer io;
	u64 words[3] = {1, 2, 3};
	u64 index = 3;

	set_up();
	io_buffer_init_kernel(&io, words, sizeof words);
	EXPECT_EQ(vm_object_read(object, 5 * PAGE_SIZE - 8, &io), sizeof words);
	EXPECT(words[0] == 0 && words[1] == 1005 && words[2] == 0);
	io_buffer_init_kernel(&io, words, sizeof words);
	EXPECT_EQ(vm_object_read(object, PAGES * PAGE_SIZE - 8, &io), 8);
	words[0] = 77;
	io_buffer_init_kernel(&io, words, 8);
	EXPECT_EQ(vm_object_write(object, 7 * PAGE_SIZE, &io), 8);
	EXPECT_EQ(stored[7], 1007);
	EXPECT_EQ(vm_object_sync(object, 0, PAGES * PAGE_SIZE), 0);
	EXPECT_EQ(stored[7], 77);
	EXPECT(vm_object_next_page(object, &index, PAGES));
	atomic_store(&file_size, 4 * PAGE_SIZE + 8);
	vm_object_truncate(object, 4 * PAGE_SIZE + 8);
	io_buffer_init_kernel(&io, words, 8);
	EXPECT_EQ(vm_object_read(object, 7 * PAGE_SIZE, &io), 0);
	vm_object_punch(object, 0, 4 * PAGE_SIZE);
	atomic_store(&broken, 1);
	io_buffer_init_kernel(&io, words, 8);
	EXPECT_EQ(vm_object_read(object, 0, &io), -EIO);
	tear_down();
}

/* A write through a mapping is noticed each time after it was saved. */
static void dirty(void)
{
	u64 value = 5;
	int code;

	set_up();
	map(MAP_SHARED);
	EXPECT_EQ(vm_fault(space, place, FAULT_READ, &code), 0);
	EXPECT_EQ(vm_write(space, place, &value, 8, false), 8);
	EXPECT_EQ(vm_object_sync(object, 0, PAGE_SIZE), 0);
	EXPECT_EQ(stored[0], 5);
	value = 6;
	EXPECT_EQ(vm_write(space, place, &value, 8, false), 8);
	EXPECT_EQ(vm_sync(space, place, PAGE_SIZE, MS_SYNC), 0);
	EXPECT_EQ(stored[0], 6);
	tear_down();
}

/* --- many --- */

static void cached_reader(void *argument)
{
	u64 value;
	int code;

	for (int i = 0; i < 30; i++) {
		u64 index = host_random() % PAGES;
		vaddr_t address = place + (index << PAGE_SHIFT);
		int error = vm_fault(space, address,
				     host_random() % 4 ? FAULT_READ : FAULT_WRITE, &code);

		EXPECT(error == 0 || error == -EIO);
		if (vm_read(space, address, &value, sizeof value, false) ==
		    sizeof value) {
			EXPECT(value == index + 1000 || value == 0);
		}
	}
	atomic_fetch_add(&finished, 1);
}

static void truncation(void)
{
	set_up();
	map(host_seed() % 2 ? MAP_SHARED : MAP_PRIVATE);
	start(cached_reader);
	for (u64 size = PAGES; size > 4; size -= 4) {
		atomic_store(&file_size, size * PAGE_SIZE - 100);
		vm_object_truncate(object, size * PAGE_SIZE - 100);
		if (size == 20) {
			atomic_store(&file_size, PAGES * PAGE_SIZE);
		}
		EXPECT_EQ(sched_sleep_until(clock_monotonic() + 3000,
					    THREAD_UNINTERRUPTIBLE),
			  0);
	}
	wait_finished();
	tear_down();
}

static void adder(void *argument)
{
	u64 worker = (u64)argument;
	int code;

	for (u64 index = 0; index < PAGES; index++) {
		vaddr_t address = place + (index << PAGE_SHIFT) + worker * 8;
		u64 value = worker + index;

		if (host_random() % 2) {
			EXPECT_EQ(vm_fault(space, address, FAULT_READ, &code), 0);
		}
		EXPECT_EQ(vm_write(space, address, &value, 8, false), 8);
	}
	atomic_fetch_add(&finished, 1);
}

/* What a thread has written to its own words is never lost to another's fault or to a fork. */
static void racing_faults(void)
{
	struct vm_space *child;
	u64 value;

	set_up();
	map(MAP_PRIVATE | MAP_ANONYMOUS);
	start(adder);
	for (int i = 0; i < 3; i++) {
		if (vm_fork(space, NULL, &child) == 0) {
			vm_leave(child);
		}
	}
	wait_finished();
	for (u64 index = 0; index < PAGES; index++) {
		for (u64 worker = 0; worker < WORKERS; worker++) {
			vaddr_t address = place + (index << PAGE_SHIFT) + worker * 8;

			EXPECT_EQ(vm_read(space, address, &value, 8, false), 8);
			EXPECT_EQ(value, worker + index);
		}
	}
	EXPECT_EQ(space->resident_anonymous, PAGES);
	tear_down();
}

TEST(contents_are_read_written_and_cut)
{
	EXPECT_EQ(host_machine_run(1, 1, contents), 0);
}

TEST(a_shared_page_is_dirty_after_each_save)
{
	EXPECT_EQ(host_machine_run(1, 1, dirty), 0);
}

TEST(truncation_races_with_faults)
{
	EXPECT_EQ(host_machine_explore(4, 1, 60, truncation), 0);
}

TEST(racing_faults_lose_nothing)
{
	EXPECT_EQ(host_machine_explore(4, 1, 60, racing_faults), 0);
}
