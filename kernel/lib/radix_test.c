// SPDX-License-Identifier: MIT
/* Radix trees against a plain table, with every allocation failing once, and no node left behind. */
#include "lib/errno.h"
#include "lib/radix.h"
#include "unit.h"

void *calloc(size_t count, size_t size);
void free(void *memory);

static long live, fail_at;

static void *allocate(size_t size)
{
	if (fail_at > 0 && --fail_at == 0) {
		return NULL;
	}
	live++;
	return calloc(1, size);
}

static void release(void *memory)
{
	live--;
	free(memory);
}

static const struct radix_allocator test_allocator = {allocate, release};

TEST(random_indexes)
{
	static const u64 index[] = {0,    1,       63,         64,    65,        4095,
				    4096, 1000000, 1ULL << 40, ~0ULL, ~0ULL - 64};
	bool present[ARRAY_SIZE(index)] = {false};
	struct radix tree = {0};

	radix_set_allocator(&test_allocator);
	for (unsigned step = 0; step < 20000; step++) {
		unsigned i = unit_random() % ARRAY_SIZE(index);
		void *item = (void *)&index[i];

		if (unit_random() % 2) {
			EXPECT_EQ(radix_insert(&tree, index[i], item),
				  present[i] ? -EEXIST : 0);
			present[i] = true;
		} else {
			EXPECT(radix_remove(&tree, index[i]) ==
			       (present[i] ? item : NULL));
			present[i] = false;
		}
		for (unsigned j = 0; j < ARRAY_SIZE(index); j++) {
			EXPECT(radix_get(&tree, index[j]) ==
			       (present[j] ? &index[j] : NULL));
		}
	}
	for (unsigned i = 0; i < ARRAY_SIZE(index); i++) {
		(void)radix_remove(&tree, index[i]);
	}
	EXPECT_EQ(live, 0);
	EXPECT(!tree.root);
}

TEST(walks_in_order)
{
	struct radix tree = {0};
	u64 at = 0, expected = 3, count = 0;

	radix_set_allocator(&test_allocator);
	for (u64 i = 3; i < 100000; i += 997) {
		REQUIRE(radix_insert(&tree, i, (void *)(i + 1)) == 0);
	}
	REQUIRE(radix_insert(&tree, ~0ULL, (void *)1) == 0);
	for (void *item; (item = radix_next(&tree, &at)) && at != ~0ULL; at++) {
		EXPECT_EQ(at, expected);
		EXPECT(item == (void *)(at + 1));
		expected += 997;
		count++;
	}
	EXPECT_EQ(count, 101);
	EXPECT(at == ~0ULL);
	EXPECT(radix_replace(&tree, 3, &tree) == (void *)4);
	EXPECT(radix_get(&tree, 3) == &tree);
	EXPECT(!radix_replace(&tree, 4, &tree));
	radix_destroy(&tree);
	EXPECT_EQ(live, 0);
}

TEST(failed_allocations_leave_nothing)
{
	static const u64 index[] = {5, 70000, 1ULL << 50, ~0ULL};

	radix_set_allocator(&test_allocator);
	for (unsigned i = 0; i < ARRAY_SIZE(index); i++) {
		for (long nth = 1;; nth++) {
			struct radix tree = {0};

			REQUIRE(radix_insert(&tree, 1, &tree) == 0);
			fail_at = nth;
			int err = radix_insert(&tree, index[i], &live);
			bool failed = fail_at == 0;

			fail_at = 0;
			EXPECT_EQ(err, failed ? -ENOMEM : 0);
			EXPECT(radix_get(&tree, 1) == &tree);
			EXPECT(radix_get(&tree, index[i]) == (failed ? NULL : &live));
			(void)radix_remove(&tree, 1);
			(void)radix_remove(&tree, index[i]);
			radix_destroy(&tree);
			EXPECT_EQ(live, 0);
			if (!failed) {
				break;
			}
		}
	}
}

TEST(reserved_places_need_no_memory)
{
	struct radix tree = {0};

	radix_set_allocator(&test_allocator);
	REQUIRE(radix_reserve(&tree, 123456) == 0);
	EXPECT(!radix_get(&tree, 123456));
	fail_at = 1;
	EXPECT_EQ(radix_insert(&tree, 123456, &tree), 0);
	fail_at = 0;
	EXPECT(radix_remove(&tree, 123456) == &tree);
	EXPECT_EQ(live, 0);
}
