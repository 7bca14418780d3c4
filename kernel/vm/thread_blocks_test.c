// SPDX-License-Identifier: MIT
/*
 * B1, B2, B4, B5: thread blocks of address spaces on the simulated machine: what is in them, that their areas stay, fork,
 * threads that take and give at once, every allocation failing in turn; nothing is left behind.
 */
#include "vm/thread_blocks.h"

#include "core/fault_injection.h"
#include "host/machine.h"
#include "lib/string.h"
#include "machine.h"
#include "mm/heap.h"
#include "unit.h"
#include "vm/vm_internal.h"
#include <heddle/thread_block.h>
#include <linux/mman.h>

enum { MANY = 100 };

static struct thread_block held[MANY];

static struct vm_space *create(void)
{
	struct vm_space *vm = NULL;

	vm_init();
	EXPECT_EQ(vm_create(&vm), 0);
	EXPECT_EQ(thread_blocks_start(vm), 0);
	return vm;
}

static struct heddle_thread_block read_block(struct vm_space *vm, vaddr_t address)
{
	struct heddle_thread_block out = {0};

	EXPECT_EQ(vm_read(vm, address, &out, sizeof(out), false), sizeof(out));
	return out;
}

static void store(struct vm_space *vm, vaddr_t address, u64 value)
{
	EXPECT_EQ(vm_write(vm, address, &value, sizeof(value), false), sizeof(value));
}

static bool all_zero(const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (((const u8 *)bytes)[i]) {
			return false;
		}
	}
	return true;
}

/* Nothing in it but what the kernel says. */
static void expect_fresh(struct vm_space *vm, const struct thread_block *block)
{
	struct heddle_thread_block seen = read_block(vm, block->address);

	EXPECT_EQ(seen.self, block->address);
	EXPECT_EQ(seen.tid, block->tid);
	EXPECT_EQ(seen.cpu, block->cpu);
	EXPECT_EQ(seen.generation, block->generation);
	seen.self = seen.tid = seen.cpu = 0;
	seen.generation = 0;
	EXPECT(all_zero(&seen, sizeof(seen)));
}

static unsigned pages_of_blocks(struct vm_space *vm)
{
	unsigned count = 0;

	for (struct vm_area *area = vm_next_area(vm, 0); area;
	     area = vm_next_area(vm, area->end)) {
		count += strcmp(area->name, "[thread_blocks]") == 0;
	}
	return count;
}

static void take(struct vm_space *vm, u32 i)
{
	held[i].tid = 1000 + i;
	EXPECT_EQ(thread_block_take(vm, &held[i]), 0);
	EXPECT_EQ(held[i].address % BLOCK_SIZE, 0);
}

static void taken_and_given(void)
{
	struct vm_space *vm = create();
	s64 resident;

	for (u32 i = 0; i < MANY; i++) {
		take(vm, i);
	}
	EXPECT_EQ(pages_of_blocks(vm), (MANY + 7) / 8);
	EXPECT_EQ(vm->resident_anonymous, 0); /* nobody has touched one */
	for (u32 i = 0; i < MANY; i++) {
		expect_fresh(vm, &held[i]);
		store(vm, held[i].address + 0x1f8, ~0UL);
	}
	resident = vm->resident_anonymous;
	EXPECT_EQ(resident, (MANY + 7) / 8);
	for (u32 i = MANY; i-- > 5;) {
		thread_block_give(vm, &held[i]);
		EXPECT_EQ(held[i].address, 0);
	}
	EXPECT_EQ(pages_of_blocks(vm), 2); /* one is kept */
	EXPECT_EQ(vm->resident_anonymous, 2);
	for (u32 i = 5; i < 20; i++) {
		take(vm, i);
		expect_fresh(vm, &held[i]);
	}
	thread_block_set_cpu(vm, &held[3], 77);
	EXPECT_EQ(read_block(vm, held[3].address).cpu, 77);
	for (u32 i = 0; i < 20; i++) {
		thread_block_give(vm, &held[i]);
	}
	EXPECT_EQ(pages_of_blocks(vm), 1);
	vm_leave(vm);
}

static void sealed(void)
{
	struct vm_space *vm = create();
	struct vm_map_request over = {
		.size = PAGE_SIZE,
		.protect = PROTECT_READ,
		.map_flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	};
	vaddr_t page, out;

	take(vm, 0);
	page = held[0].address & PAGE_MASK;
	store(vm, held[0].address + 0x1f8, 5);
	over.address = page;
	EXPECT_EQ(vm_map(vm, &over, &out), -EPERM);
	EXPECT_EQ(vm_unmap(vm, page, PAGE_SIZE), -EPERM);
	EXPECT_EQ(vm_unmap(vm, page - PAGE_SIZE, 3 * PAGE_SIZE), -EPERM);
	EXPECT_EQ(vm_protect(vm, page, PAGE_SIZE, PROTECT_READ), -EPERM);
	EXPECT_EQ(vm_advise(vm, page, PAGE_SIZE, MADV_DONTNEED), -EPERM);
	EXPECT_EQ(vm_advise(vm, page, PAGE_SIZE, MADV_FREE), -EPERM);
	EXPECT_EQ(vm_advise(vm, page, PAGE_SIZE, MADV_WIPEONFORK), -EPERM);
	EXPECT_EQ(vm_remap(vm, page, PAGE_SIZE, 2 * PAGE_SIZE, MREMAP_MAYMOVE, 0, &out),
		  -EPERM);
	EXPECT_EQ(read_block(vm, held[0].address).context, 5);
	thread_block_give(vm, &held[0]);
	vm_leave(vm);
}

/* The child has a copy of the one slot, whoever else has one in the same page. */
static void forked(void)
{
	struct vm_space *vm = create(), *child = NULL;
	struct thread_block own = {.tid = 7};
	struct heddle_thread_block copy;

	for (u32 i = 0; i < 12; i++) {
		take(vm, i);
		store(vm, held[i].address + 0x1f8, 100 + i);
	}
	EXPECT_EQ(vm_fork(vm, &held[9], &child), 0);
	thread_block_inherit(child, &own, &held[9]);
	EXPECT_EQ(own.address, held[9].address);
	copy = read_block(child, own.address);
	EXPECT_EQ(copy.context, 109);
	EXPECT_EQ(copy.tid, 7);
	EXPECT_EQ(copy.self, own.address);
	EXPECT(copy.generation > held[11].generation);
	copy = read_block(child, held[8].address);
	EXPECT(all_zero(&copy, sizeof(copy)));
	EXPECT_EQ(pages_of_blocks(child), 1);
	EXPECT_EQ(vm_read(child, held[0].address, &copy, 8, true), -EFAULT);
	store(child, own.address + 0x1f8, 1);
	EXPECT_EQ(read_block(vm, held[9].address).context, 109);
	EXPECT_EQ(thread_block_take(child, &held[20]), 0);
	expect_fresh(child, &held[20]);
	thread_block_give(child, &held[20]);
	thread_block_give(child, &own);
	vm_leave(child);
	for (u32 i = 0; i < 12; i++) {
		thread_block_give(vm, &held[i]);
	}
	vm_leave(vm);
}

/* --- threads at once --- */

enum { THREADS = 6, ROUNDS = 6, AT_ONCE = 5 };

static struct vm_space *shared_vm;

static void take_and_look(void *argument)
{
	struct thread_block blocks[AT_ONCE] = {0};
	u64 mark = (u64)argument + 1;

	for (u32 round = 0; round < ROUNDS; round++) {
		for (u32 i = 0; i < AT_ONCE; i++) {
			blocks[i].tid = (u32)(mark * 100 + i);
			EXPECT_EQ(thread_block_take(shared_vm, &blocks[i]), 0);
			if (host_random() % 2) {
				expect_fresh(shared_vm, &blocks[i]);
				store(shared_vm, blocks[i].address + 0x1f8, mark);
			}
			thread_block_set_cpu(shared_vm, &blocks[i], 50 + i);
		}
		for (u32 i = 0; i < AT_ONCE; i++) {
			struct heddle_thread_block seen =
				read_block(shared_vm, blocks[i].address);

			EXPECT_EQ(seen.tid, blocks[i].tid);
			EXPECT_EQ(seen.cpu, 50 + i);
			EXPECT(seen.context == 0 || seen.context == mark);
			thread_block_give(shared_vm, &blocks[i]);
		}
	}
	machine_finish();
}

static void at_once(void)
{
	host_set_steps_max(20000000);
	shared_vm = create();
	for (u64 i = 0; i < THREADS; i++) {
		machine_start(take_and_look, i);
	}
	machine_wait_finished(THREADS);
	EXPECT_EQ(shared_vm->blocks.map.taken, 0);
	EXPECT_EQ(pages_of_blocks(shared_vm), 1);
	vm_leave(shared_vm);
}

/* --- memory that runs out --- */

static bool try_all(void)
{
	struct vm_space *vm, *child;
	u32 count = 0;
	u64 value = 1;
	bool good;

	if (vm_create(&vm)) {
		return false;
	}
	good = thread_blocks_start(vm) == 0;
	for (; good && count < 70; count += good) {
		good = thread_block_take(vm, &held[count]) == 0;
	}
	good = good && vm_write(vm, held[8].address, &value, 8, false) == 8 &&
	       vm_fork(vm, &held[8], &child) == 0;
	if (good) {
		vm_leave(child);
	}
	while (count > 0) {
		thread_block_give(vm, &held[--count]);
	}
	vm_leave(vm);
	return good;
}

static void failing(void)
{
	struct frame_statistics before, after;
	bool good = false;
	u64 bytes;

	vm_init();
	EXPECT(try_all());
	frame_statistics(&before);
	bytes = heap_bytes_in_use();
	for (u64 n = 1; n < 500 && !good; n++) {
		(void)fault_injection_arm(n);
		good = try_all();
		(void)fault_injection_arm(0);
		EXPECT_EQ(heap_bytes_in_use(), bytes);
	}
	EXPECT(good);
	frame_statistics(&after);
	EXPECT(after.free + 8 >= before.free); /* slabs and caches may keep a few */
}

/* --- what must not happen --- */

static void left_behind(void)
{
	struct vm_space *vm = create();

	take(vm, 0);
	vm_leave(vm);
}

static void in_another_space(void)
{
	struct vm_space *vm = create(), *other = NULL;

	take(vm, 0);
	EXPECT_EQ(vm_create(&other), 0);
	thread_block_give(other, &held[0]);
}

TEST(B2_taken_and_given)
{
	EXPECT_EQ(host_machine_run(2, 1, taken_and_given), 0);
}

TEST(B1_areas_are_sealed)
{
	EXPECT_EQ(host_machine_run(2, 1, sealed), 0);
}

TEST(B5_fork_copies_one)
{
	EXPECT_EQ(host_machine_run(2, 1, forked), 0);
}

TEST(B4_threads_at_once)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(60), at_once), 0);
}

TEST(B4_every_allocation_fails)
{
	EXPECT_EQ(host_machine_run(1, 1, failing), 0);
}

TEST(B4_lost_count_panics)
{
	EXPECT_EQ(host_machine_run(1, 1, left_behind), 255);
	EXPECT_EQ(host_machine_run(1, 1, in_another_space), 255);
}
