// SPDX-License-Identifier: MIT
/*
 * Which slots of thread blocks are taken. The invariants M1–M4 are in block_map.h.
 *
 * A slot's page is not there: its bit is set, so that a search for clear bits finds what can be handed out and nothing else.
 */
#include "vm/block_map.h"

#include "arch/mmu.h"
#include "core/panic.h"
#include "lib/bitmap.h"
#include "lib/errno.h"
#include "mm/heap.h"

STATIC_ASSERT(BLOCK_SIZE *BLOCKS_PER_PAGE == PAGE_SIZE);
STATIC_ASSERT(64 % BLOCKS_PER_PAGE == 0);

enum { PAGES_PER_WORD = 64 / BLOCKS_PER_PAGE };

void block_map_init(struct block_map *map)
{
	map->used = map->first_used;
	map->pages = map->first_pages;
	map->capacity = BLOCK_PAGES_FIRST;
	map->spare = BLOCK_NONE;
	map->first_used[0] = ~0ULL;
}

struct block_page *block_map_page(const struct block_map *map, u32 index)
{
	return index < map->capacity ? map->pages[index] : NULL;
}

/* The slots of page `index` that are taken, as bits. */
static u32 page_used(const struct block_map *map, u32 index)
{
	u32 shift = index % PAGES_PER_WORD * BLOCKS_PER_PAGE;

	return map->used[index / PAGES_PER_WORD] >> shift & ((1u << BLOCKS_PER_PAGE) - 1);
}

vaddr_t block_map_address(const struct block_map *map, u32 number)
{
	return map->pages[number / BLOCKS_PER_PAGE]->address +
	       number % BLOCKS_PER_PAGE * BLOCK_SIZE;
}

void block_map_take_this(struct block_map *map, u32 number, struct thread_block *holder)
{
	u32 index = number / BLOCKS_PER_PAGE;

	if (!block_map_page(map, index) ||
	    bitmap_test(map->used, (size_t)map->capacity * BLOCKS_PER_PAGE, number)) {
		panic("thread block %u is handed out twice, or has no page", number);
	}
	bitmap_set(map->used, number);
	map->pages[index]->holder[number % BLOCKS_PER_PAGE] = holder;
	map->taken++;
	if (map->spare == index) {
		map->spare = BLOCK_NONE;
	}
}

u32 block_map_take(struct block_map *map, struct thread_block *holder)
{
	u32 number;

	if (map->taken == map->page_count * BLOCKS_PER_PAGE) {
		return BLOCK_NONE; // not looked for behind the last page: there may be much room
	}
	while (map->used[map->first_word] == ~0ULL) {
		map->first_word++;
	}
	number = map->first_word * 64 + (u32)__builtin_ctzll(~map->used[map->first_word]);
	block_map_take_this(map, number, holder);
	return number;
}

u32 block_map_add(struct block_map *map, struct block_page *page)
{
	u32 index = map->first_missing;

	ASSERT(!block_map_is_full(map) && map->spare == BLOCK_NONE && page->address);
	while (map->pages[index]) {
		index++;
	}
	map->first_missing = index + 1;
	map->pages[index] = page;
	map->page_count++;
	map->used[index / PAGES_PER_WORD] &=
		~((((u64)1 << BLOCKS_PER_PAGE) - 1)
		  << index % PAGES_PER_WORD * BLOCKS_PER_PAGE);
	map->spare = index;
	map->first_word = MIN(map->first_word, index / PAGES_PER_WORD);
	return index;
}

/* What the kernel holds to be a block of this map, and taken, is one: else it has lost count of its threads. */
static void check_taken(const struct block_map *map, u32 number, vaddr_t address)
{
	const struct block_page *page = block_map_page(map, number / BLOCKS_PER_PAGE);

	if (address % BLOCK_SIZE) {
		panic("thread block %#lx given back is misaligned",
		      (unsigned long)address);
	}
	if (!page || block_map_address(map, number) != address) {
		panic("thread block %#lx given back is foreign: slot %u",
		      (unsigned long)address, number);
	}
	if (!bitmap_test(map->used, (size_t)map->capacity * BLOCKS_PER_PAGE, number)) {
		panic("thread block %#lx (slot %u) given back twice",
		      (unsigned long)address, number);
	}
}

static struct block_page *take_out(struct block_map *map, u32 index)
{
	struct block_page *page = map->pages[index];

	map->used[index / PAGES_PER_WORD] |= (((u64)1 << BLOCKS_PER_PAGE) - 1)
					     << index % PAGES_PER_WORD * BLOCKS_PER_PAGE;
	map->pages[index] = NULL;
	map->first_missing = MIN(map->first_missing, index);
	map->page_count--;
	return page;
}

struct block_page *block_map_give(struct block_map *map, u32 number, vaddr_t address)
{
	u32 index = number / BLOCKS_PER_PAGE;
	u32 other = map->spare;

	check_taken(map, number, address);
	bitmap_clear(map->used, number);
	map->pages[index]->holder[number % BLOCKS_PER_PAGE] = NULL;
	map->taken--;
	map->first_word = MIN(map->first_word, number / 64);
	if (page_used(map, index)) {
		return NULL;
	}
	if (other == BLOCK_NONE) {
		map->spare = index;
		return NULL;
	}
	map->spare = MIN(index, other);
	return take_out(map, MAX(index, other));
}

/* --- room --- */

int block_growth_prepare(const struct block_map *map, struct block_growth *growth)
{
	u32 capacity = map->capacity * 2;

	growth->capacity = capacity;
	growth->used =
		heap_allocate_array(capacity / PAGES_PER_WORD, sizeof(*growth->used));
	growth->pages = heap_allocate_array(capacity, sizeof(*growth->pages));
	if (growth->used && growth->pages) {
		return 0;
	}
	block_growth_release(growth);
	return -ENOMEM;
}

void block_growth_commit(struct block_map *map, struct block_growth *growth)
{
	struct block_growth old = {map->used, map->pages, map->capacity};

	for (u32 i = 0; i < growth->capacity / PAGES_PER_WORD; i++) {
		growth->used[i] =
			i < map->capacity / PAGES_PER_WORD ? map->used[i] : ~0ULL;
	}
	for (u32 i = 0; i < map->capacity; i++) {
		growth->pages[i] = map->pages[i];
	}
	map->used = growth->used;
	map->pages = growth->pages;
	map->capacity = growth->capacity;
	*growth = old.used == map->first_used ? (struct block_growth){0} : old;
}

void block_map_shrink(struct block_map *map, struct block_growth *growth)
{
	struct block_growth old = {map->used, map->pages, map->capacity};
	u32 count = 0;

	for (u32 i = 0; i < BLOCK_PAGES_FIRST; i++) {
		count += map->pages[i] != NULL;
	}
	if (map->capacity == BLOCK_PAGES_FIRST || count < map->page_count) {
		return;
	}
	for (u32 i = 0; i < BLOCK_PAGES_FIRST; i++) {
		map->first_pages[i] = map->pages[i];
	}
	map->first_used[0] = map->used[0];
	map->used = map->first_used;
	map->pages = map->first_pages;
	map->capacity = BLOCK_PAGES_FIRST;
	map->first_word = 0;
	*growth = old;
}

void block_growth_release(struct block_growth *growth)
{
	heap_free(growth->used);
	heap_free(growth->pages);
	*growth = (struct block_growth){0};
}

void block_map_fini(struct block_map *map)
{
	if (map->used != map->first_used) {
		heap_free(map->used);
		heap_free(map->pages);
	}
	map->used = NULL;
	map->pages = NULL;
}
