// SPDX-License-Identifier: MIT
/*
 * Which slots of an address space's thread blocks are taken (B4): a bitmap over pages of eight slots.
 *
 * Slot `n` is the (n % 8)th of page n / 8; where in memory a page lies is the page's own. Knows neither address spaces nor
 * threads and takes no lock: thread_blocks.c guards it. What is wrong inside the kernel (a slot given back twice, a block
 * that is not aligned, or not this map's) panics in every build.
 *
 *   M1  The lowest free slot of the pages that are there is handed out.
 *   M2  At most one page is empty: `spare`. A second one is taken out, the higher of the two.
 *   M3  A bit is clear only for a free slot of a page that is there; no word below `first_word` has one.
 *   M4  All pages below `first_missing` are there.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

struct thread_block;

enum {
	BLOCK_SIZE = 0x200,
	BLOCKS_PER_PAGE = 8,
	BLOCK_PAGES_FIRST = 8, /* room for so many needs no memory: one word of bits */
	BLOCK_NONE = ~0u
};

struct block_page {
	vaddr_t address; /* of its first slot, a page border; 0: not in use */
	void *memory;    /* for the kernel; NULL: nobody has touched it yet */
	struct thread_block *holder[BLOCKS_PER_PAGE];
};

struct block_map {
	u64 *used; /* a bit a slot: taken, or its page is not there */
	struct block_page **pages;
	u32 capacity;      /* pages there is room for, a multiple of 8 */
	u32 page_count;    /* that are there */
	u32 taken;         /* slots handed out */
	u32 first_word;    /* of used[], see M3 */
	u32 first_missing; /* see M4 */
	u32 spare;         /* the page without taken slots, or BLOCK_NONE */

	u64 first_used[1];
	struct block_page *first_pages[BLOCK_PAGES_FIRST];
};

void block_map_init(struct block_map *map); /* of zeroed memory: no pages */

/* Take the lowest free slot; BLOCK_NONE: all are taken, add a page. */
u32 block_map_take(struct block_map *map, struct thread_block *holder);
/* Take slot `number`, which is free and of a page that is there. */
void block_map_take_this(struct block_map *map, u32 number, struct thread_block *holder);
/* The address of a slot of a page that is there. */
vaddr_t block_map_address(const struct block_map *map, u32 number);
/*
 * Give a slot back: who says where it lies knows it. Returns the page that is taken out because two would be empty, for
 * the caller to unmap, or NULL. Panics on a block that is misaligned, foreign or free.
 */
struct block_page *block_map_give(struct block_map *map, u32 number,
				  vaddr_t address) must_check;
/* Put in a page that nobody uses, as the lowest that is not there; there is room. Returns its index. */
u32 block_map_add(struct block_map *map, struct block_page *page);
/* The page at `index`, or NULL. */
struct block_page *block_map_page(const struct block_map *map, u32 index);

/*
 * Room for more: prepared before (may sleep), committed with the lock held, released after, which frees the old arrays or,
 * if it was not committed, the new ones.
 */
struct block_growth {
	u64 *used;
	struct block_page **pages;
	u32 capacity;
};
static inline bool block_map_is_full(const struct block_map *map)
{
	return map->page_count == map->capacity;
}
int block_growth_prepare(const struct block_map *map,
			 struct block_growth *growth) must_check; /* -ENOMEM */
void block_growth_commit(struct block_map *map, struct block_growth *growth);
void block_growth_release(struct block_growth *growth);
/* Back to the room that needs no memory, if the pages left are in it: *growth is then to be released. */
void block_map_shrink(struct block_map *map, struct block_growth *growth);
/* Frees the arrays; the pages are the caller's. Slots may be taken no longer. */
void block_map_fini(struct block_map *map);
