// SPDX-License-Identifier: MIT
/*
 * Thread blocks of an address space: their pages, and what the kernel writes into them.
 *
 * Owns      vm_space.blocks, the areas with AREA_THREAD_BLOCKS.
 * Locks     vm_space.lock exclusively while pages come and go, also for the room of the map; thread_blocks.lock for the rest.
 *
 *   B1  A page of the map has one area, whose offset is the page's index in the map (in bytes).
 *   B2  page.memory, once set, is the kernel's mapping of a frame that the page holds a reference on, beside the one of
 *	 the page table entry, until the page has left the map and is unmapped. So nobody maps another frame there: the area
 *	 is sealed, and fork does not share it.
 *   B3  Whoever sets page.memory writes the blocks of the slots taken at that time; who takes a slot later, or whose CPU
 *	 changes, writes its own if the memory is there: both under the lock, so one of the two does.
 */
#include "vm/thread_blocks.h"

#include "arch/cpu.h"
#include "arch/entry.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "vm/vm_internal.h"
#include <heddle/thread_block.h>

STATIC_ASSERT(sizeof(struct heddle_thread_block) == BLOCK_SIZE);
STATIC_ASSERT(offsetof(struct heddle_thread_block, message) == 0x10);
STATIC_ASSERT(offsetof(struct heddle_thread_block, tid) == 0x110);
STATIC_ASSERT(offsetof(struct heddle_thread_block, descriptors) == 0x128);
STATIC_ASSERT(offsetof(struct heddle_thread_block, caller_gid) == 0x15c);
STATIC_ASSERT(offsetof(struct heddle_thread_block, context) == BLOCK_SIZE - 8);

OBJECT_CACHE(block_pages, block_page);
OBJECT_CACHE(live_blocks, thread_block);

void thread_blocks_init(struct vm_space *vm)
{
	spin_init(&vm->blocks.lock, RANK_THREAD_BLOCKS, "thread_blocks.lock");
	block_map_init(&vm->blocks.map);
}

/* --- what is in a block; thread_blocks.lock held --- */

/* Whose slot is taken: its page stays as long as that, but where the map keeps it may change. */
static struct block_page *page_of(struct thread_blocks *blocks,
				  const struct thread_block *block)
	MUST_HOLD(&blocks->lock)
{
	return block_map_page(&blocks->map, block->number / BLOCKS_PER_PAGE);
}

static struct heddle_thread_block *memory_of(struct thread_blocks *blocks,
					     const struct thread_block *block)
	MUST_HOLD(&blocks->lock)
{
	struct heddle_thread_block *first = page_of(blocks, block)->memory;

	return first ? first + block->number % BLOCKS_PER_PAGE : NULL;
}

/* Programs may look at any time. */
static void write_block(struct heddle_thread_block *to, const struct thread_block *block)
{
	WRITE_ONCE(to->tid, block->tid);
	WRITE_ONCE(to->cpu, block->cpu);
	WRITE_ONCE(to->node, 0); // there is one
	WRITE_ONCE(to->generation, block->generation);
	WRITE_ONCE(to->self, block->address);
}

static void write_page(const struct block_page *page)
{
	struct heddle_thread_block *first = page->memory;

	for (u32 i = 0; i < BLOCKS_PER_PAGE; i++) {
		if (page->holder[i]) {
			write_block(first + i, page->holder[i]);
		}
	}
}

/* Slot `number` is the holder's now. Who had it before has left it as it liked. */
static void begin_block(struct thread_blocks *blocks, struct thread_block *block,
			u32 number, bool clear) MUST_HOLD(&blocks->lock)
{
	struct heddle_thread_block *memory;

	block->number = number;
	block->memory = NULL;
	block->address = block_map_address(&blocks->map, number);
	block->cpu = arch_cpu_number();
	block->generation = ++blocks->generation;
	memory = memory_of(blocks, block);
	if (memory && clear) {
		memset(memory, 0, sizeof(*memory));
	}
	if (memory) {
		write_block(memory, block);
	}
}

/* --- pages --- */

static struct block_page *page_create(struct thread_blocks *blocks)
{
	return blocks->first.address ? object_allocate(&block_pages) : &blocks->first;
}

static void page_destroy(struct thread_blocks *blocks, struct block_page *page)
{
	if (page->memory) {
		frame_put(frame_from_physical(virtual_to_physical(page->memory)));
	}
	if (page == &blocks->first) {
		*page = (struct block_page){0};
	} else {
		object_free(&block_pages, page);
	}
}

/* A page more, with all it needs; not entered yet. vm.lock held exclusively, so that its place stays free. */
struct new_page {
	struct block_page *page;
	struct vm_area *area;
	struct block_growth growth; /* if there is no room in the map */
};

static void discard_page(struct vm_space *vm, struct new_page *new) MUST_HOLD(&vm->lock)
{
	block_growth_release(&new->growth);
	area_destroy(new->area);
	if (new->page) {
		page_destroy(&vm->blocks, new->page);
	}
}

/* At `place`, or where there is one. Limits of the program's memory are not asked: it did not ask for this. */
static int prepare_page(struct vm_space *vm, vaddr_t place, struct new_page *new)
	MUST_HOLD(&vm->lock)
{
	struct thread_blocks *blocks = &vm->blocks;
	int err = 0;

	*new = (struct new_page){0};
	if (block_map_is_full(&blocks->map)) {
		err = block_growth_prepare(&blocks->map, &new->growth);
	}
	new->page = err ? NULL : page_create(blocks);
	new->area = new->page ? area_create(vm) : NULL;
	place = new->area && !place ? place_find(vm, PAGE_SIZE) : place;
	if (!new->area || !place) {
		discard_page(vm, new);
		return -ENOMEM;
	}
	new->page->address = place;
	return 0;
}

static void enter_page(struct vm_space *vm, struct new_page *new)
	MUST_HOLD(&vm->lock, &vm->blocks.lock)
{
	struct vm_area *area = new->area;

	if (new->growth.capacity) {
		block_growth_commit(&vm->blocks.map, &new->growth);
	}
	area->start = new->page->address;
	area->end = area->start + PAGE_SIZE;
	area->protect = area->maximum_protect = PROTECT_READ | PROTECT_WRITE;
	area->flags = AREA_SEALED | AREA_THREAD_BLOCKS;
	area->offset = (u64)block_map_add(&vm->blocks.map, new->page) << PAGE_SHIFT;
	area->name = "[thread_blocks]";
	area_insert(vm, area);
}

int thread_blocks_start(struct vm_space *vm)
{
	struct new_page new;
	int err;

	rwlock_lock(&vm->lock);
	err = prepare_page(vm, 0, &new);
	if (!err) {
		spin_lock(&vm->blocks.lock);
		enter_page(vm, &new);
		spin_unlock(&vm->blocks.lock);
	}
	vm_unlock_exclusive(vm);
	return err;
}

enum { FEW_PAGES = 2 }; /* then it is worth looking whether the map's room can go back */

/* The page has left the map: nobody writes to it any more. */
static void drop_page(struct vm_space *vm, struct block_page *page)
{
	struct block_growth room = {0};

	rwlock_lock(&vm->lock);
	spin_lock(&vm->blocks.lock);
	if (vm->blocks.map.page_count <= FEW_PAGES) {
		block_map_shrink(&vm->blocks.map, &room);
	}
	spin_unlock(&vm->blocks.lock);
	block_growth_release(&room);
	range_unmap(vm, page->address, page->address + PAGE_SIZE);
	page_destroy(&vm->blocks, page);
	vm_unlock_exclusive(vm);
}

void thread_blocks_fini(struct vm_space *vm)
{
	struct block_map *map = &vm->blocks.map;

	if (map->taken) {
		panic("an address space ends with %u thread blocks in use", map->taken);
	}
	for (u32 i = 0; i < map->capacity; i++) {
		if (map->pages[i]) {
			page_destroy(&vm->blocks, map->pages[i]);
		}
	}
	block_map_fini(map);
}

/* --- slots --- */

static bool take_free(struct thread_blocks *blocks, struct thread_block *block)
	MUST_HOLD(&blocks->lock)
{
	u32 number = block_map_take(&blocks->map, block);

	if (number == BLOCK_NONE) {
		return false;
	}
	begin_block(blocks, block, number, true);
	return true;
}

/* All slots are taken, or were a moment ago. */
static int take_with_page(struct vm_space *vm, struct thread_block *block)
	MUST_HOLD(&vm->lock)
{
	struct new_page new;
	bool entered = false;
	int err = prepare_page(vm, 0, &new);

	if (err) {
		return err;
	}
	spin_lock(&vm->blocks.lock);
	if (!take_free(&vm->blocks, block)) {
		enter_page(vm, &new);
		entered = take_free(&vm->blocks, block);
	}
	spin_unlock(&vm->blocks.lock);
	if (entered) {
		block_growth_release(&new.growth);
	} else {
		discard_page(vm, &new);
	}
	return 0;
}

int thread_block_take(struct vm_space *vm, struct thread_block *block)
{
	struct thread_blocks *blocks = &vm->blocks;
	bool taken;
	int err = 0;

	spin_lock(&blocks->lock);
	taken = take_free(blocks, block);
	spin_unlock(&blocks->lock);
	if (!taken) {
		rwlock_lock(&vm->lock);
		err = take_with_page(vm, block);
		vm_unlock_exclusive(vm);
	}
	if (!err) {
		object_count(&live_blocks, 1);
	}
	return err;
}

void thread_block_give(struct vm_space *vm, struct thread_block *block)
{
	struct thread_blocks *blocks = &vm->blocks;
	struct block_page *empty;

	if (!block->address) {
		return;
	}
	spin_lock(&blocks->lock);
	empty = block_map_give(&blocks->map, block->number, block->address);
	block->address = 0;
	block->memory = NULL;
	spin_unlock(&blocks->lock);
	object_count(&live_blocks, -1);
	if (empty) {
		drop_page(vm, empty);
	}
}

void thread_block_set_cpu(struct vm_space *vm, struct thread_block *block, u32 cpu)
{
	struct heddle_thread_block *memory;

	if (block->cpu == cpu || !block->address) {
		return;
	}
	spin_lock(&vm->blocks.lock);
	block->cpu = cpu;
	memory = memory_of(&vm->blocks, block);
	if (memory) {
		write_block(memory, block);
	}
	spin_unlock(&vm->blocks.lock);
}

static struct heddle_thread_block *find_memory(struct thread_blocks *blocks,
					       const struct thread_block *block)
{
	struct heddle_thread_block *memory;

	spin_lock(&blocks->lock);
	memory = memory_of(blocks, block);
	spin_unlock(&blocks->lock);
	return memory;
}

int thread_block_memory(struct vm_space *vm, struct thread_block *block,
			struct heddle_thread_block **out)
{
	while (!block->memory) {
		int code, err = 0;

		if (!block->address) {
			return -EFAULT;
		}
		block->memory = find_memory(&vm->blocks, block);
		if (!block->memory) {
			err = vm_fault(vm, block->address, FAULT_WRITE, &code);
		}
		if (err && err != -EAGAIN) {
			return err;
		}
	}
	*out = block->memory;
	return 0;
}

/* --- fork --- */

/* The frame with the child's copy of the one slot, if anybody has touched the parent's page. */
static int copy_slot(const struct block_page *from, const struct thread_block *block,
		     struct block_page *to)
{
	u64 offset = block->address & ~PAGE_MASK;
	struct frame *frame;

	if (!READ_ONCE(from->memory)) {
		return 0;
	}
	if (frame_allocate(FRAME_ZERO | FRAME_USER, &frame)) {
		return -ENOMEM;
	}
	to->memory = frame_address(frame);
	memcpy((u8 *)to->memory + offset, (const u8 *)from->memory + offset, BLOCK_SIZE);
	return 0;
}

int thread_blocks_fork(struct vm_space *parent, struct vm_space *child,
		       const struct thread_block *block)
{
	struct block_page *page;
	struct new_page new;
	int err;

	if (!block || !block->address) {
		return 0;
	}
	spin_lock(&parent->blocks.lock); // a thread may come that needs a larger map
	page = page_of(&parent->blocks, block);
	spin_unlock(&parent->blocks.lock);
	rwlock_lock(&child->lock); // not the parent's, which has the same rank
	err = prepare_page(child, block->address & PAGE_MASK, &new);
	if (!err) {
		err = copy_slot(page, block, new.page);
		if (err) {
			discard_page(child, &new);
		}
	}
	if (!err) {
		spin_lock(&child->blocks.lock);
		enter_page(child, &new);
		child->blocks.generation = READ_ONCE(parent->blocks.generation);
		spin_unlock(&child->blocks.lock);
	}
	vm_unlock_exclusive(child);
	return err;
}

void thread_block_inherit(struct vm_space *vm, struct thread_block *block,
			  const struct thread_block *parent)
{
	u32 number = parent->number % BLOCKS_PER_PAGE; // the child has one page

	if (!parent->address) {
		return;
	}
	spin_lock(&vm->blocks.lock);
	block_map_take_this(&vm->blocks.map, number, block);
	begin_block(&vm->blocks, block, number, false);
	spin_unlock(&vm->blocks.lock);
	object_count(&live_blocks, 1);
}

/* --- the first touch --- */

int thread_blocks_frame(struct vm_space *vm, const struct vm_area *area,
			struct frame **out)
{
	struct thread_blocks *blocks = &vm->blocks;
	struct frame *fresh, *frame = NULL;
	struct block_page *page;
	int err = frame_allocate(FRAME_ZERO | FRAME_USER, &fresh);

	if (err) {
		return err;
	}
	spin_lock(&blocks->lock);
	page = block_map_page(&blocks->map, (u32)(area->offset >> PAGE_SHIFT));
	if (page && page->address == area->start) {
		if (!page->memory) {
			page->memory = frame_address(fresh);
			frame_get(fresh);
			write_page(page);
		}
		frame = frame_from_physical(virtual_to_physical(page->memory));
		frame_get(frame);
	}
	spin_unlock(&blocks->lock);
	frame_put(fresh);
	*out = frame;
	return frame ? 0 : -EFAULT;
}
