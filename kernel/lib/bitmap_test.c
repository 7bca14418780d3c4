// SPDX-License-Identifier: MIT
/* Bitmaps and CPU masks: nothing outside is ever looked at (T11). */
#include "lib/bitmap.h"
#include "lib/cpumask.h"
#include "unit.h"

TEST(searches_against_a_plain_loop)
{
	DECLARE_BITMAP(map, 200);

	for (unsigned round = 0; round < 200; round++) {
		size_t bits = 1 + unit_random() % 200, weight = 0;

		for (unsigned i = 0; i < BITMAP_WORDS(200); i++) {
			map[i] = unit_random() & unit_random();
		}
		for (size_t from = 0; from <= bits; from++) {
			size_t set = from, clear = from;

			while (set < bits && !bitmap_test(map, bits, set)) {
				set++;
			}
			while (clear < bits && bitmap_test(map, bits, clear)) {
				clear++;
			}
			EXPECT_EQ(bitmap_next_set(map, bits, from), set);
			EXPECT_EQ(bitmap_next_clear(map, bits, from), clear);
			weight += from < bits && bitmap_test(map, bits, from);
		}
		EXPECT_EQ(bitmap_weight(map, bits), weight);
		EXPECT_EQ(bitmap_empty(map, bits), weight == 0);
	}
}

TEST(fill_and_zero)
{
	DECLARE_BITMAP(map, 130);

	bitmap_fill(map, 130);
	EXPECT_EQ(bitmap_weight(map, 130), 130);
	EXPECT_EQ(bitmap_next_clear(map, 130, 0), 130);
	bitmap_clear(map, 129);
	EXPECT_EQ(bitmap_next_clear(map, 130, 0), 129);
	bitmap_zero(map, 130);
	EXPECT(bitmap_empty(map, 130));
	bitmap_set(map, 64);
	EXPECT_EQ(bitmap_next_set(map, 130, 0), 64);
}

TEST(T11_cpus_outside_the_mask)
{
	struct cpumask mask;

	cpumask_fill(&mask, 1000000);
	EXPECT(cpumask_test(&mask, MAX_CPUS - 1));
	EXPECT(!cpumask_test(&mask, MAX_CPUS));
	EXPECT(!cpumask_test(&mask, (size_t)-1));
	cpumask_set(&mask, (size_t)-1);
	cpumask_clear(&mask, MAX_CPUS);
	EXPECT_EQ(cpumask_next(&mask, MAX_CPUS), MAX_CPUS);
	cpumask_fill(&mask, 3);
	EXPECT(cpumask_test(&mask, 2) && !cpumask_test(&mask, 3));
	EXPECT(!cpumask_empty(&mask));
}
