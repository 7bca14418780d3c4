// SPDX-License-Identifier: MIT
/*
 * Address spaces on the simulated machine: mapping, faults, copy-on-write, moving; every allocation failing in turn; nothing is left behind.
 */
#include "arch/entry.h"
#include "core/fault_injection.h"
#include "host/machine.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "unit.h"
#include "vm/vm_internal.h"
#include <linux/mman.h>

static struct vm_space *create(void)
{
	static bool ready;

	struct vm_space *vm = NULL;

	if (!ready) { /* each test has a machine of its own */
		vm_init();
		ready = true;
	}
	EXPECT_EQ(vm_create(&vm), 0);
	return vm;
}

static int map_at(struct vm_space *vm, vaddr_t address, u64 pages, u32 flags,
		  vaddr_t *out)
{
	struct vm_map_request request = {
		.address = address,
		.size = pages << PAGE_SHIFT,
		.protect = PROTECT_READ | PROTECT_WRITE,
		.map_flags = MAP_PRIVATE | MAP_ANONYMOUS | flags,
	};

	return vm_map(vm, &request, out);
}

static u64 load(struct vm_space *vm, vaddr_t address)
{
	u64 value = 0;

	EXPECT_EQ(vm_read(vm, address, &value, sizeof value, false), sizeof value);
	return value;
}

static void store(struct vm_space *vm, vaddr_t address, u64 value)
{
	EXPECT_EQ(vm_write(vm, address, &value, sizeof value, false), sizeof value);
}

static unsigned count_areas(struct vm_space *vm)
{
	unsigned count = 0;

	for (struct vm_area *area = vm_next_area(vm, 0); area;
	     area = vm_next_area(vm, area->end)) {
		count++;
	}
	return count;
}

static void anonymous(void)
{
	struct vm_space *vm = create();
	vaddr_t a, b, c;

	EXPECT_EQ(map_at(vm, 0, 4, 0, &a), 0);
	EXPECT_EQ(load(vm, a), 0);
	store(vm, a + PAGE_SIZE - 4, 0x1122334455667788);
	EXPECT_EQ(load(vm, a + PAGE_SIZE - 4), 0x1122334455667788);
	EXPECT_EQ(map_at(vm, 0, 4, 0, &b), 0);
	EXPECT_EQ(b, a - 4 * PAGE_SIZE);
	EXPECT_EQ(count_areas(vm), 1); /* joined */
	EXPECT_EQ(vm_unmap(vm, a + PAGE_SIZE, PAGE_SIZE), 0);
	EXPECT_EQ(count_areas(vm), 2);
	EXPECT_EQ(vm_read(vm, a + PAGE_SIZE, &c, 8, true), -EFAULT);
	EXPECT_EQ(map_at(vm, 0, 1, 0, &c), 0);
	EXPECT_EQ(c, a + PAGE_SIZE); /* the hole is used again */
	EXPECT_EQ(load(vm, c), 0);
	EXPECT_EQ(map_at(vm, a, 1, MAP_FIXED_NOREPLACE, &c), -EEXIST);
	EXPECT_EQ(vm_protect(vm, a, PAGE_SIZE, PROTECT_READ), 0);
	EXPECT_EQ(vm_write(vm, a, &c, 8, false), -EFAULT);
	EXPECT_EQ(vm_write(vm, a, &c, 8, true), 8); /* a debugger may */
	EXPECT_EQ(vm_protect(vm, a, PAGE_SIZE, PROTECT_READ | PROTECT_WRITE), 0);
	store(vm, a, 5);
	EXPECT_EQ(vm_advise(vm, a, PAGE_SIZE, MADV_DONTNEED), 0);
	EXPECT_EQ(load(vm, a), 0);
	EXPECT_EQ(vm->total_pages, 8);
	EXPECT_EQ(vm->data_pages, 8);
	vm_leave(vm);
}

static void many_gaps(void)
{
	struct vm_space *vm = create();
	vaddr_t places[64], again;

	for (unsigned i = 0; i < 64; i++) {
		EXPECT_EQ(map_at(vm, 0, 3, 0, &places[i]), 0);
	}
	for (unsigned i = 0; i < 64; i += 2) {
		EXPECT_EQ(vm_unmap(vm, places[i] + PAGE_SIZE, PAGE_SIZE), 0);
	}
	EXPECT_EQ(map_at(vm, 0, 2, 0, &again), 0);
	EXPECT(again < places[63]); /* no gap of one page will do */
	for (unsigned i = 0; i < 64; i += 2) {
		EXPECT_EQ(map_at(vm, 0, 1, 0, &again), 0);
		EXPECT_EQ(again, places[i] + PAGE_SIZE); /* from above */
	}
	EXPECT_EQ(count_areas(vm), 1);
	vm_leave(vm);
}

static void copy_on_write(void)
{
	struct vm_space *parent = create(), *child;
	vaddr_t a;

	EXPECT_EQ(map_at(parent, 0, 100, 0, &a), 0);
	for (unsigned i = 0; i < 100; i += 3) {
		store(parent, a + i * PAGE_SIZE, i + 1);
	}
	EXPECT_EQ(vm_fork(parent, NULL, &child), 0);
	store(parent, a, 77);
	store(child, a + 3 * PAGE_SIZE, 88);
	EXPECT_EQ(load(child, a), 1);
	EXPECT_EQ(load(parent, a + 3 * PAGE_SIZE), 4);
	EXPECT_EQ(load(child, a + 3 * PAGE_SIZE), 88);
	for (unsigned i = 6; i < 100; i += 3) {
		EXPECT_EQ(load(child, a + i * PAGE_SIZE), i + 1);
	}
	EXPECT_EQ(child->resident_anonymous, 34);
	vm_leave(parent);
	store(child, a + 6 * PAGE_SIZE, 5);
	EXPECT_EQ(child->resident_anonymous, 34);
	EXPECT_EQ(vm_unmap(child, a, 100 * PAGE_SIZE), 0);
	EXPECT_EQ(child->resident_anonymous, 0);
	EXPECT(vm_peak_resident(child) >= 34);
	EXPECT(vm_peak_resident(child) <= 35); /* a copy beside what it replaces */
	vm_leave(child);
}

static void moving(void)
{
	struct vm_space *vm = create();
	vaddr_t a, b, moved;

	EXPECT_EQ(map_at(vm, 0, 1, 0, &b), 0);
	EXPECT_EQ(map_at(vm, 0, 40, 0, &a), 0);
	EXPECT_EQ(vm_protect(vm, b, PAGE_SIZE, PROTECT_READ), 0);
	for (unsigned i = 0; i < 40; i++) {
		store(vm, a + i * PAGE_SIZE, i + 1);
	}
	EXPECT_EQ(vm_remap(vm, a, 40 * PAGE_SIZE, 80 * PAGE_SIZE, 0, 0, &moved), -ENOMEM);
	EXPECT_EQ(vm_remap(vm, a, 40 * PAGE_SIZE, 80 * PAGE_SIZE, MREMAP_MAYMOVE, 0,
			   &moved),
		  0);
	for (unsigned i = 0; i < 40; i++) {
		EXPECT_EQ(load(vm, moved + i * PAGE_SIZE), i + 1);
	}
	EXPECT_EQ(vm_read(vm, a, &b, 8, true),
		  moved <= a && a < moved + 80 * PAGE_SIZE ? 8 : -EFAULT);
	EXPECT_EQ(vm_remap(vm, moved, 80 * PAGE_SIZE, PAGE_SIZE, 0, 0, &moved), 0);
	EXPECT_EQ(load(vm, moved), 1);
	EXPECT_EQ(vm->total_pages, 2);
	vm_leave(vm);
}

static void shared(void)
{
	struct vm_space *vm = create(), *child;
	struct vm_map_request request = {
		.size = 8 * PAGE_SIZE,
		.protect = PROTECT_READ | PROTECT_WRITE,
		.map_flags = MAP_SHARED,
	};
	struct vm_futex_key one, two;
	vaddr_t a;
	int code;

	EXPECT_EQ(vm_object_create_anonymous(8 * PAGE_SIZE, &request.object), 0);
	EXPECT_EQ(vm_map(vm, &request, &a), 0);
	EXPECT_EQ(vm_fork(vm, NULL, &child), 0);
	store(vm, a, 9);
	EXPECT_EQ(load(child, a), 9);
	EXPECT_EQ(vm_futex_key_get(vm, a + 4, true, &one), 0);
	EXPECT_EQ(vm_futex_key_get(child, a + 4, true, &two), 0);
	EXPECT(one.object == two.object && one.offset == two.offset && one.shared);
	vm_futex_key_put(&one);
	vm_futex_key_put(&two);
	vm_object_punch(request.object, 0, PAGE_SIZE);
	EXPECT_EQ(load(child, a), 0);
	store(child, a + 4 * PAGE_SIZE, 3);
	vm_object_truncate(request.object, 4 * PAGE_SIZE);
	request.object->owner = (void *)(4 * PAGE_SIZE);
	EXPECT_EQ(vm_fault(vm, a + 4 * PAGE_SIZE, FAULT_READ, &code), -EIO);
	vm_object_put(request.object);
	vm_leave(child);
	vm_leave(vm);
}

static void heap_and_stack(void)
{
	struct vm_space *vm = create();
	vaddr_t stack = USER_END - (1UL << 30);
	vaddr_t place;
	int code;

	vm->break_start = vm->break_now = 0x500000;
	EXPECT_EQ(vm_set_break(vm, 0x501234), 0x501234);
	store(vm, 0x500ff8, 1);
	EXPECT_EQ(vm_set_break(vm, 0x510000), 0x510000);
	EXPECT_EQ(count_areas(vm), 1);
	EXPECT_EQ(vm_set_break(vm, 0x500000), 0x500000);
	EXPECT_EQ(count_areas(vm), 0);
	vm->limit_stack = 64 * PAGE_SIZE;
	EXPECT_EQ(map_at(vm, stack, 2, MAP_GROWSDOWN | MAP_FIXED, &place), 0);
	EXPECT_EQ(vm_fault(vm, stack - 10 * PAGE_SIZE, FAULT_WRITE, &code), 0);
	EXPECT_EQ(vm->stack_pages, 12);
	EXPECT_EQ(vm_fault(vm, stack - 63 * PAGE_SIZE, FAULT_WRITE, &code), -EFAULT);
	vm_leave(vm);
}

/* What of all this fails when the n-th allocation does: anything, but nothing is left behind. */
static bool try_all(void)
{
	struct vm_space *vm, *child = NULL;
	vaddr_t a, moved;
	u64 value = 7;
	bool good = vm_create(&vm) == 0;

	if (!good) {
		return false;
	}
	good = map_at(vm, 0, 50, 0, &a) == 0;
	for (unsigned i = 0; good && i < 50; i += 2) {
		good = vm_write(vm, a + i * PAGE_SIZE, &value, 8, false) == 8;
	}
	good = good && vm_protect(vm, a + 8 * PAGE_SIZE, PAGE_SIZE, PROTECT_READ) == 0;
	good = good && vm_fork(vm, NULL, &child) == 0;
	good = good && vm_write(child, a, &value, 8, false) == 8;
	good = good && vm_remap(vm, a, 8 * PAGE_SIZE, 16 * PAGE_SIZE, MREMAP_MAYMOVE, 0,
				&moved) == 0;
	good = good && vm_unmap(vm, a + 20 * PAGE_SIZE, PAGE_SIZE) == 0;
	if (child) {
		vm_leave(child);
	}
	vm_leave(vm);
	return good;
}

static void failing(void)
{
	struct frame_statistics before, after;
	u64 bytes;
	bool good = false;

	vm_init();
	EXPECT(try_all());
	frame_statistics(&before);
	bytes = heap_bytes_in_use();
	for (u64 n = 1; n < 500 && !good; n++) {
		fault_injection_arm(n);
		good = try_all();
		fault_injection_arm(0);
	}
	EXPECT(good);
	frame_statistics(&after);
	EXPECT_EQ(heap_bytes_in_use(), bytes);
	EXPECT(after.free + 8 >= before.free); /* slabs and caches may keep a few */
}

TEST(anonymous_machine)
{
	EXPECT_EQ(host_machine_run(2, 1, anonymous), 0);
}

TEST(many_gaps_machine)
{
	EXPECT_EQ(host_machine_run(2, 1, many_gaps), 0);
}

TEST(copy_on_write_machine)
{
	EXPECT_EQ(host_machine_run(2, 1, copy_on_write), 0);
}

TEST(moving_machine)
{
	EXPECT_EQ(host_machine_run(2, 1, moving), 0);
}

TEST(shared_machine)
{
	EXPECT_EQ(host_machine_run(2, 1, shared), 0);
}

TEST(heap_and_stack_machine)
{
	EXPECT_EQ(host_machine_run(2, 1, heap_and_stack), 0);
}

TEST(failing_machine)
{
	EXPECT_EQ(host_machine_run(2, 1, failing), 0);
}
