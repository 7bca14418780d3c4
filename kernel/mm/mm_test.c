// SPDX-License-Identifier: MIT
/* Frames, heap, kernel stacks and I/O buffers, alone on one CPU. */
#include "arch/boot.h"
#include "core/fault_injection.h"
#include "host/machine.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/io_buffer.h"
#include "mm/kernel_stack.h"
#include "mm/ledger.h"
#include "unit.h"

static void setup(void)
{
	static bool done;

	if (!done) {
		host_memory_init(24 << 20);
		frame_init();
		heap_init();
		done = true;
	}
}

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

static u64 free_frames(void)
{
	struct frame_statistics statistics;

	frame_statistics(&statistics);
	EXPECT(statistics.free <= statistics.total);
	return statistics.free;
}

/* The cached stacks' frames count as used: let go of them. */
static void exhaust_and_release(struct frame **list, unsigned max, unsigned *taken)
{
	*taken = 0;
	while (*taken < max &&
	       frame_allocate(FRAME_ZERO | FRAME_ATOMIC, &list[*taken]) == 0) {
		(*taken)++;
	}
	for (unsigned i = 0; i < *taken; i++) {
		EXPECT_EQ(frame_references(list[i]), 1);
		memset(frame_address(list[i]), 0xff, PAGE_SIZE);
		frame_put(list[i]);
	}
}

TEST(frames_are_counted_and_come_back)
{
	static struct frame *list[8192];
	unsigned taken, again;

	setup();
	u64 before = free_frames();

	exhaust_and_release(list, ARRAY_SIZE(list), &taken);
	EXPECT_EQ(taken, before);
	EXPECT_EQ(free_frames(), before);
	exhaust_and_release(list, ARRAY_SIZE(list), &again);
	EXPECT_EQ(again, taken);
}

TEST(frames_are_zeroed_and_distinct)
{
	struct frame *frame[100];

	setup();
	for (unsigned i = 0; i < 100; i++) {
		REQUIRE(frame_allocate(FRAME_ZERO, &frame[i]) == 0);
		EXPECT(is_zero(frame_address(frame[i]), PAGE_SIZE));
		EXPECT(frame_from_physical(frame_physical(frame[i])) == frame[i]);
		EXPECT(frame[i]->object == NULL && frame[i]->index == 0);
		memset(frame_address(frame[i]), (int)i + 1, PAGE_SIZE);
	}
	for (unsigned i = 0; i < 100; i++) {
		EXPECT_EQ(*(u8 *)frame_address(frame[i]), i + 1);
		frame_get(frame[i]);
		frame_put(frame[i]);
		frame_put(frame[i]);
	}
	while (frame_clear_ahead()) {
	}
	for (unsigned i = 0; i < 100; i++) {
		REQUIRE(frame_allocate(FRAME_ZERO, &frame[i]) == 0);
		EXPECT(is_zero(frame_address(frame[i]), PAGE_SIZE));
	}
	for (unsigned i = 0; i < 100; i++) {
		memset(frame_address(frame[i]), 0, PAGE_SIZE);
		frame_put_clean(frame[i]);
	}
}

TEST(contiguous_blocks)
{
	setup();
	u64 before = free_frames();

	for (unsigned round = 0; round < 300; round++) {
		struct frame *block[8] = {NULL};
		unsigned order[8];

		for (unsigned i = 0; i < 8; i++) {
			order[i] = unit_random() % 9;
			if (frame_allocate_contiguous(order[i], 0, &block[i])) {
				block[i] = NULL;
				continue;
			}
			EXPECT(IS_ALIGNED(frame_physical(block[i]),
					  PAGE_SIZE << order[i]));
			memset(frame_address(block[i]), 0xee, PAGE_SIZE << order[i]);
		}
		if (block[0]) { /* a part that outlives the block */
			frame_get(block[0]);
			frame_free_contiguous(block[0], order[0]);
			frame_put(block[0]);
		}
		for (unsigned i = 1; i < 8; i++) {
			if (block[i]) {
				frame_free_contiguous(block[i], order[i]);
			}
		}
		EXPECT_EQ(free_frames(), before);
	}
}

TEST(reserved_ranges_are_not_handed_out)
{
	setup();
	for (unsigned i = 0; i < boot_info.reserved_count; i++) {
		EXPECT(!frame_from_physical(boot_info.reserved[i].start));
	}
	EXPECT(!frame_from_physical(1ULL << 50) && !frame_from_physical(~0ULL));
	struct frame *frame;

	REQUIRE(frame_allocate_contiguous(2, 0, &frame) == 0);
	frame_free_contiguous(frame, 2);
}

static u64 reclaimed;
static struct frame *hoard[8192];
static unsigned hoarded;

static u64 give_back(u64 wanted)
{
	u64 count = 0;

	reclaimed++;
	for (; count < wanted && hoarded > 0; count++) {
		frame_put(hoard[--hoarded]);
	}
	return count;
}

TEST(short_memory_reclaims_and_keeps_a_reserve)
{
	struct frame *frame;

	setup();
	while (hoarded < ARRAY_SIZE(hoard) &&
	       frame_allocate(FRAME_USER, &hoard[hoarded]) == 0) {
		hoarded++;
	}
	EXPECT_EQ(frame_allocate(FRAME_USER, &frame), -ENOMEM);
	REQUIRE(frame_allocate(FRAME_ATOMIC, &frame) == 0);
	frame_put(frame);
	frame_set_reclaim(give_back);
	for (unsigned i = 0; i < 200; i++) {
		REQUIRE(frame_allocate(FRAME_USER, &frame) == 0);
		hoard[hoarded++] = frame;
	}
	EXPECT(reclaimed > 0);
	frame_set_reclaim(NULL);
	(void)give_back(~0ULL);
}

TEST(heap_objects)
{
	enum { COUNT = 400 };
	static struct {
		u8 *memory;
		size_t size;
	} object[COUNT];

	setup();
	u64 before = heap_bytes_in_use();

	for (unsigned step = 0; step < 20000; step++) {
		unsigned i = unit_random() % COUNT;

		if (object[i].memory) {
			for (size_t j = 0; j < object[i].size; j += 61) {
				REQUIRE(object[i].memory[j] == (u8)i);
			}
			heap_free(object[i].memory);
			object[i].memory = NULL;
			continue;
		}
		object[i].size = unit_random() % 20 ? 1 + unit_random() % 700
						    : 1 + unit_random() % 20000;
		object[i].memory = heap_allocate(object[i].size);
		REQUIRE(object[i].memory);
		EXPECT(IS_ALIGNED((u64)object[i].memory, 16));
		if (object[i].size % 64 == 0) {
			EXPECT(IS_ALIGNED((u64)object[i].memory, 64));
		}
		REQUIRE(is_zero(object[i].memory, object[i].size));
		memset(object[i].memory, (int)i, object[i].size);
	}
	for (unsigned i = 0; i < COUNT; i++) {
		heap_free(object[i].memory);
	}
	EXPECT_EQ(heap_bytes_in_use(), before);
}

TEST(heap_refuses)
{
	setup();
	EXPECT(!heap_allocate(0) && !heap_allocate((4 << 20) + 1) &&
	       !heap_allocate(~0UL));
	EXPECT(!heap_allocate_array(1UL << 33, 1UL << 33) && !heap_allocate_array(0, 8));
	heap_free(NULL);
	char *copy = heap_duplicate_string("text");

	REQUIRE(copy);
	EXPECT(strcmp(copy, "text") == 0);
	heap_free(copy);
	fault_injection_arm(1);
	EXPECT(!heap_allocate(16));
	fault_injection_arm(0);
}

struct counted {
	u64 a[5];
};
OBJECT_CACHE(counted_cache, counted);

TEST(object_caches_count)
{
	struct counted *one, *two;
	bool listed = false;

	setup();
	one = object_allocate(&counted_cache);
	two = object_allocate(&counted_cache);
	EXPECT(one && two && counted_cache.live == 2);
	object_free(&counted_cache, one);
	object_free(&counted_cache, two);
	object_free(&counted_cache, NULL);
	EXPECT_EQ(counted_cache.live, 0);
	for (struct object_cache *c = object_cache_first(); c; c = c->next) {
		listed |= c == &counted_cache;
	}
	EXPECT(listed);
}

static s64 ledger_of(const char *name)
{
	struct ledger_line line;

	for (unsigned i = 0; ledger_line(i, &line); i++) {
		if (strcmp(line.name, name) == 0) {
			return line.live;
		}
	}
	return -1;
}

TEST(R10_the_ledger_names_every_kind)
{
	setup();
	struct counted *one = object_allocate(&counted_cache);

	EXPECT_EQ(ledger_of("counted"), 1);
	object_free(&counted_cache, one);
	EXPECT_EQ(ledger_of("counted"), 0);
	EXPECT(ledger_of("frames") >= 0 && ledger_of("heap_bytes") >= 0);
	EXPECT_EQ(ledger_of("kernel_stacks"), 0);
	EXPECT_EQ(ledger_of("no such thing"), -1);
}

TEST(S1_stacks_have_guards_and_are_reused)
{
	vaddr_t top[60], guarded;

	setup();
	for (unsigned i = 0; i < 60; i++) {
		REQUIRE(kernel_stack_allocate(&top[i]) == 0);
		EXPECT(IS_ALIGNED(top[i], 16));
		memset((void *)(top[i] - 1000), 0x77, 1000);
		EXPECT_EQ(kernel_stack_high_water(top[i]), 1000);
		EXPECT(kernel_stack_is_guard(top[i] - KERNEL_STACK_SIZE - 1, &guarded));
		EXPECT_EQ(guarded, top[i]);
		EXPECT(kernel_stack_is_guard(top[i] - KERNEL_STACK_SIZE - PAGE_SIZE,
					     &guarded));
		EXPECT(!kernel_stack_is_guard(top[i] - KERNEL_STACK_SIZE, &guarded));
		EXPECT(!kernel_stack_is_guard(top[i] - 1, &guarded));
	}
	EXPECT_EQ(kernel_stack_count(), 60);
	for (unsigned i = 0; i < 60; i++) {
		EXPECT_EQ(kernel_stack_free(top[i]), 1000);
	}
	EXPECT_EQ(kernel_stack_count(), 0);
	EXPECT(kernel_stack_trim(0) > 0);
	for (unsigned i = 0; i < 60; i++) {
		REQUIRE(kernel_stack_allocate(&top[i]) == 0);
	}
	for (unsigned i = 0; i < 60; i++) {
		kernel_stack_free(top[i]);
	}
	(void)kernel_stack_trim(0);
}

/* The mark is of who has the stack, not of the stack: S3. */
TEST(S3_marks_start_anew)
{
	static const size_t depths[] = {
		16, 24, 1000, KERNEL_STACK_SIZE - PAGE_SIZE, 4104, KERNEL_STACK_SIZE,
	};

	setup();
	for (unsigned i = 0; i < ARRAY_SIZE(depths); i++) {
		vaddr_t top;

		REQUIRE(kernel_stack_allocate(&top) == 0);
		EXPECT_EQ(kernel_stack_high_water(top), 0);
		memset((void *)(top - depths[i]), 0x77, depths[i]);
		EXPECT_EQ(kernel_stack_high_water(top), depths[i]);
		EXPECT_EQ(kernel_stack_free(top), depths[i]);
	}
	(void)kernel_stack_trim(0);
}

TEST(T12_a_stack_that_cannot_be_made_leaves_nothing)
{
	setup();
	for (u64 nth = 1;; nth++) {
		vaddr_t top[40];
		unsigned made = 0;
		u64 before = free_frames(), live = kernel_stack_count();

		fault_injection_arm(nth);
		while (made < 40 && kernel_stack_allocate(&top[made]) == 0) {
			made++;
		}
		fault_injection_arm(0);
		while (made > 0) {
			kernel_stack_free(top[--made]);
		}
		(void)kernel_stack_trim(0);
		EXPECT_EQ(kernel_stack_count(), live);
		if (nth > 20) { /* slot tables and this CPU's cache are there by then */
			EXPECT_EQ(free_frames(), before);
		}
		if (nth > 200) {
			break;
		}
	}
}

TEST(kernel_io_buffers)
{
	u8 memory[100], data[100], back[100];
	struct io_buffer io;

	for (unsigned i = 0; i < 100; i++) {
		data[i] = (u8)unit_random();
	}
	io_buffer_init_kernel(&io, memory, sizeof(memory));
	EXPECT_EQ(io_copy_to(&io, data, 60), 60);
	io_rewind(&io, 10);
	EXPECT_EQ(io_copy_to(&io, data + 50, 50), 50);
	EXPECT_EQ(io_copy_to(&io, data, 1), 0);
	EXPECT(memcmp(memory, data, 100) == 0 && io.remaining == 0);
	io_buffer_init_kernel(&io, memory, sizeof(memory));
	io_advance(&io, 30);
	EXPECT_EQ(io_copy_from(&io, back, 1000), 70);
	EXPECT(memcmp(back, data + 30, 70) == 0);
	io_buffer_init_kernel(&io, memory, sizeof(memory));
	EXPECT_EQ(io_fill_zero(&io, 50), 50);
	EXPECT(is_zero(memory, 50) && memory[50] == data[50]);
	io_buffer_init_kernel(&io, memory, 0);
	EXPECT_EQ(io_copy_from(&io, back, 10), 0);
}

TEST(vectors_with_empty_ranges)
{
	u8 memory[64] = {0}, data[64];
	struct io_range range[] = {{(u64)memory, 0},
				   {(u64)memory, 10},
				   {(u64)memory + 20, 0},
				   {(u64)memory + 20, 30},
				   {(u64)memory, 0}};
	struct io_buffer io;

	memset(data, 1, sizeof(data));
	io_buffer_init_user_vector(&io, range, ARRAY_SIZE(range));
	io.user = false; /* the same ranges, in our own memory */
	EXPECT_EQ(io.remaining, 40);
	EXPECT_EQ(io_copy_to(&io, data, 25), 25);
	io_rewind(&io, 25);
	io_advance(&io, 15);
	io_rewind(&io, 8);
	EXPECT_EQ(io_fill_zero(&io, 4), 4);
	EXPECT_EQ(io_copy_to(&io, data, 100), 29);
	EXPECT(memory[6] == 1 && memory[7] == 0 && memory[9] == 0 && memory[10] == 0);
	EXPECT(memory[20] == 0 && memory[21] == 1 && memory[49] == 1 && memory[50] == 0);
}
