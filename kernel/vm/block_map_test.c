// SPDX-License-Identifier: MIT
/*
 * B4: the map of thread blocks. The states that three pages can be in, and every step from each: no slot is handed out
 * twice, none is lost, empty pages leave but for one. Then more pages against a plain model, memory that runs out, and
 * what must panic.
 */
#include "vm/block_map.h"

#include "arch/mmu.h"
#include "core/fault_injection.h"
#include "host/machine.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "unit.h"

enum { PAGES = 3, FULL = 0xff, FIRST = 0x10000000 };

static struct block_page page_at[PAGES];

static vaddr_t address_of_page(u32 index)
{
	return FIRST +
	       (7 - (vaddr_t)index) * PAGE_SIZE; /* not in the order of the indices */
}

/* A state: for each page which slots are taken, or that it is not there. */
struct state {
	bool there[PAGES];
	u32 used[PAGES];
};

static unsigned empty_pages(const struct state *state)
{
	unsigned count = 0;

	for (u32 i = 0; i < PAGES; i++) {
		count += state->there[i] && !state->used[i];
	}
	return count;
}

static void load(struct block_map *map, const struct state *state)
{
	block_map_init(map);
	map->first_used[0] = ~0ULL;
	map->page_count = map->taken = map->first_word = map->first_missing = 0;
	for (u32 i = 0; i < PAGES; i++) {
		map->pages[i] = state->there[i] ? &page_at[i] : NULL;
		if (!state->there[i]) {
			continue;
		}
		map->page_count++;
		map->taken += (u32)__builtin_popcount(state->used[i]);
		map->used[0] &= ~((u64)(FULL & ~state->used[i]) << 8 * i);
		if (!state->used[i]) {
			map->spare = i;
		}
	}
}

/* Does the map say what the state says? */
static bool agrees(const struct block_map *map, const struct state *state)
{
	u64 used = ~0ULL;
	u32 taken = 0, pages = 0, spare = BLOCK_NONE;

	for (u32 i = 0; i < PAGES; i++) {
		if ((map->pages[i] != NULL) != state->there[i] ||
		    (i < map->first_missing && !state->there[i])) { // M4
			return false;
		}
		if (state->there[i]) {
			used &= ~((u64)(FULL & ~state->used[i]) << 8 * i);
			taken += (u32)__builtin_popcount(state->used[i]);
			pages++;
			spare = state->used[i] ? spare : i;
		}
	}
	return map->used[0] == used && map->taken == taken && map->page_count == pages &&
	       map->spare == spare && empty_pages(state) <= 1 &&
	       (map->first_word == 0 || used == ~0ULL);
}

static bool take_step(struct block_map *map, struct state state)
{
	u32 lowest = BLOCK_NONE, number;

	for (u32 i = PAGES; i-- > 0;) {
		if (state.there[i] && state.used[i] != FULL) {
			lowest = 8 * i + (u32)__builtin_ctz(~state.used[i]);
		}
	}
	load(map, &state);
	number = block_map_take(map, NULL);
	if (number != lowest) {
		return false;
	}
	if (number != BLOCK_NONE) {
		state.used[number / 8] |= 1u << number % 8;
	}
	return agrees(map, &state);
}

static bool give_step(struct block_map *map, struct state state, u32 number)
{
	struct block_page *out, *expected = NULL;
	vaddr_t address;

	load(map, &state);
	address = block_map_address(map, number);
	state.used[number / 8] &= ~(1u << number % 8);
	for (u32 i = PAGES; i-- > 0 && empty_pages(&state) > 1;) {
		if (state.there[i] && !state.used[i]) {
			state.there[i] = false;
			expected = &page_at[i];
		}
	}
	out = block_map_give(map, number, address);
	return out == expected && agrees(map, &state);
}

static bool add_step(struct block_map *map, struct state state)
{
	u32 index = 0;

	while (index < PAGES && state.there[index]) {
		index++;
	}
	if (index == PAGES || empty_pages(&state)) {
		return true;
	}
	load(map, &state);
	state.there[index] = true;
	state.used[index] = 0;
	return block_map_add(map, &page_at[index]) == index && agrees(map, &state);
}

static bool all_steps(struct block_map *map, const struct state *state)
{
	bool good = take_step(map, *state) && add_step(map, *state);

	for (u32 number = 0; number < 8 * PAGES; number++) {
		if (state->there[number / 8] &&
		    state->used[number / 8] >> number % 8 & 1) {
			good = good && give_step(map, *state, number);
		}
	}
	return good;
}

/* Page `i` in the state number `of`: 256 is not there. */
static void set_page(struct state *state, u32 i, u32 of)
{
	state->there[i] = of < 256;
	state->used[i] = of < 256 ? of : 0;
}

static void init_pages(void)
{
	for (u32 i = 0; i < PAGES; i++) {
		page_at[i].address = address_of_page(i);
	}
}

/* Two pages in every state, and the third, which is each of the three in turn, in `third`. */
static bool every_pair(struct block_map *map, u32 third, unsigned *states)
{
	struct state state;

	for (u32 which = 0; which < (host_seed_factor() > 1 ? 1 : PAGES); which++) {
		set_page(&state, which, third);
		for (u32 a = 0; a <= 256; a++) {
			set_page(&state, (which + 1) % PAGES, a);
			for (u32 b = 0; b <= 256; b++) {
				set_page(&state, (which + 2) % PAGES, b);
				if (empty_pages(&state) > 1) {
					continue;
				}
				*states += 1;
				if (!all_steps(map, &state)) {
					return false;
				}
			}
		}
	}
	return true;
}

/* All 17 million states take a minute or two: with HEDDLE_SEEDS. Else the third page is in one of six. */
TEST(B4_every_state_of_three_pages)
{
	static const u32 some[] = {256, 0, 1, 0x5a, 0x7f, FULL};
	struct block_map map = {0};
	unsigned states = 0;

	init_pages();
	if (host_seed_factor() > 1) {
		for (u32 third = 0; third <= 256; third++) {
			REQUIRE(every_pair(&map, third, &states));
		}
	} else {
		for (u32 i = 0; i < ARRAY_SIZE(some); i++) {
			REQUIRE(every_pair(&map, some[i], &states));
		}
	}
	unit_printf("%u states\n", states);
}

/* --- more pages, against a plain model --- */

enum { MANY = 40, STEPS = 40000 };

static struct block_page many[MANY];
static bool slot_taken[MANY * BLOCKS_PER_PAGE];

static u32 lowest_of_model(const struct block_map *map)
{
	for (u32 i = 0; i < map->capacity * BLOCKS_PER_PAGE; i++) {
		if (block_map_page(map, i / BLOCKS_PER_PAGE) && !slot_taken[i]) {
			return i;
		}
	}
	return BLOCK_NONE;
}

static bool grow(struct block_map *map)
{
	struct block_growth growth;

	if (block_growth_prepare(map, &growth)) {
		return false;
	}
	block_growth_commit(map, &growth);
	block_growth_release(&growth);
	return true;
}

/* A page that the map does not have. */
static struct block_page *unused_page(const struct block_map *map)
{
	for (u32 i = 0; i < MANY; i++) {
		bool there = false;

		for (u32 j = 0; j < map->capacity; j++) {
			there = there || map->pages[j] == &many[i];
		}
		if (!there) {
			return &many[i];
		}
	}
	return NULL;
}

static bool take_one(struct block_map *map)
{
	u32 expected = lowest_of_model(map), number = block_map_take(map, NULL);

	EXPECT_EQ(number, expected);
	if (number != BLOCK_NONE) {
		slot_taken[number] = true;
		return true;
	}
	if (map->page_count == MANY || (block_map_is_full(map) && !grow(map))) {
		return false;
	}
	(void)block_map_add(map, unused_page(map));
	return true;
}

static void give_one(struct block_map *map, u32 number)
{
	struct block_growth room = {0};
	struct block_page *out;

	slot_taken[number] = false;
	out = block_map_give(map, number, block_map_address(map, number));
	EXPECT(!out || out != block_map_page(map, map->spare));
	if (out) {
		block_map_shrink(map, &room);
		block_growth_release(&room);
	}
}

static u32 taken_slot(u32 from)
{
	for (u32 i = 0; i < ARRAY_SIZE(slot_taken); i++) {
		u32 number = (from + i) % ARRAY_SIZE(slot_taken);

		if (slot_taken[number]) {
			return number;
		}
	}
	return BLOCK_NONE;
}

static void many_pages(void)
{
	u64 before = heap_bytes_in_use();
	struct block_map map = {0};
	bool growing = true;
	u32 number;

	for (u32 i = 0; i < MANY; i++) {
		many[i].address = FIRST + i * PAGE_SIZE;
	}
	block_map_init(&map);
	for (u32 i = 0; i < STEPS; i++) {
		growing = i % 4000 == 0 ? unit_random() % 2 : growing;
		number = taken_slot(unit_random() % ARRAY_SIZE(slot_taken));
		if (unit_random() % 8 < (growing ? 5 : 3) || number == BLOCK_NONE) {
			(void)take_one(&map);
		} else {
			give_one(&map, number);
		}
	}
	while (map.taken < MANY * BLOCKS_PER_PAGE) {
		EXPECT(take_one(&map));
	}
	while ((number = taken_slot(0)) != BLOCK_NONE) {
		give_one(&map, number);
	}
	EXPECT_EQ(map.taken, 0);
	EXPECT_EQ(map.page_count, 1);
	EXPECT_EQ(map.capacity, BLOCK_PAGES_FIRST);
	EXPECT_EQ(heap_bytes_in_use(), before);
	block_map_fini(&map);
	EXPECT_EQ(heap_bytes_in_use(), before);
}

TEST(B4_many_pages)
{
	EXPECT_EQ(host_machine_run(1, 1, many_pages), 0);
}

/* --- memory that runs out; what must not happen --- */

static void growth_fails(void)
{
	u64 before = heap_bytes_in_use();
	struct block_map map = {0};
	struct block_growth growth;

	block_map_init(&map);
	for (u32 i = 0; i < BLOCK_PAGES_FIRST; i++) {
		many[i].address = FIRST + i * PAGE_SIZE;
		(void)block_map_add(&map, &many[i]);
		for (u32 slot = 0; slot < BLOCKS_PER_PAGE; slot++) {
			EXPECT_EQ(block_map_take(&map, NULL), 8 * i + slot);
		}
	}
	EXPECT(block_map_is_full(&map));
	for (u64 nth = 1; nth <= 2; nth++) {
		(void)fault_injection_arm(nth);
		EXPECT_EQ(block_growth_prepare(&map, &growth), -ENOMEM);
		(void)fault_injection_arm(0);
		EXPECT_EQ(heap_bytes_in_use(), before);
	}
	EXPECT_EQ(block_growth_prepare(&map, &growth), 0);
	block_growth_release(&growth); /* not committed after all */
	EXPECT_EQ(heap_bytes_in_use(), before);
}

TEST(B4_growth_fails)
{
	EXPECT_EQ(host_machine_run(1, 1, growth_fails), 0);
}

static void two_of_one_page(struct block_map *map)
{
	init_pages();
	*map = (struct block_map){0};
	block_map_init(map);
	(void)block_map_add(map, &page_at[0]);
	EXPECT_EQ(block_map_take(map, NULL), 0);
	EXPECT_EQ(block_map_take(map, NULL), 1);
}

static void give(struct block_map *map, u32 number, vaddr_t address)
{
	EXPECT(!block_map_give(map, number, address));
}

static void given_twice(void)
{
	struct block_map map;

	two_of_one_page(&map);
	give(&map, 1, address_of_page(0) + BLOCK_SIZE);
	give(&map, 1, address_of_page(0) + BLOCK_SIZE);
}

static void misaligned(void)
{
	struct block_map map;

	two_of_one_page(&map);
	give(&map, 1, address_of_page(0) + BLOCK_SIZE + 8);
}

static void of_another_page(void)
{
	struct block_map map;

	two_of_one_page(&map);
	give(&map, 1, address_of_page(1) + BLOCK_SIZE);
}

static void of_no_page(void)
{
	struct block_map map;

	two_of_one_page(&map);
	give(&map, 1000, address_of_page(0));
}

static void taken_already(void)
{
	struct block_map map;

	two_of_one_page(&map);
	block_map_take_this(&map, 1, NULL);
}

TEST(B4_what_must_not_happen_panics)
{
	EXPECT_EQ(host_machine_run(1, 1, given_twice), 255);
	EXPECT_EQ(host_machine_run(1, 1, misaligned), 255);
	EXPECT_EQ(host_machine_run(1, 1, of_another_page), 255);
	EXPECT_EQ(host_machine_run(1, 1, of_no_page), 255);
	EXPECT_EQ(host_machine_run(1, 1, taken_already), 255);
}
