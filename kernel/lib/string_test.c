// SPDX-License-Identifier: MIT
/*
 * The kernel's own memory functions, under names of their own: the host port uses the C library's.
 * The functions are compared with plain loops over all small sizes, alignments and overlaps.
 */
#define memcpy  own_memcpy
#define memmove own_memmove
#define memset  own_memset
#define memcmp  own_memcmp
#define memchr  own_memchr
#define strlen  own_strlen
#define strnlen own_strnlen
#define strcmp  own_strcmp
#define strncmp own_strncmp
#define strchr  own_strchr
#define strrchr own_strrchr
#define strstr  own_strstr
#include "lib/string.c" /* NOLINT: the file under test */

#include "lib/hash.h"
#include "unit.h"

enum { AREA = 256 };

static void scramble(u8 *area)
{
	for (int i = 0; i < AREA; i++) {
		area[i] = (u8)unit_random();
	}
}

static bool same(const u8 *a, const u8 *b)
{
	for (int i = 0; i < AREA; i++) {
		if (a[i] != b[i]) {
			return false;
		}
	}
	return true;
}

TEST(memory_moves)
{
	u8 area[AREA], expected[AREA];

	for (unsigned round = 0; round < 20000; round++) {
		size_t size = unit_random() % 120, from = unit_random() % 130;
		size_t to = unit_random() % 130;

		scramble(area);
		for (int i = 0; i < AREA; i++) {
			expected[i] = area[i];
		}
		for (size_t i = 0; i < size; i++) {
			expected[to + i] = area[from + i];
		}
		memmove(area + to, area + from, size);
		REQUIRE(same(area, expected));
	}
}

TEST(copies_and_fills)
{
	u8 area[AREA], expected[AREA], source[AREA];

	for (unsigned round = 0; round < 5000; round++) {
		size_t size = unit_random() % 120, from = unit_random() % 130;
		size_t to = unit_random() % 130;

		scramble(area);
		scramble(source);
		for (int i = 0; i < AREA; i++) {
			expected[i] = area[i];
		}
		for (size_t i = 0; i < size; i++) {
			expected[to + i] = source[from + i];
		}
		memcpy(area + to, source + from, size);
		REQUIRE(same(area, expected));
		for (size_t i = 0; i < size; i++) {
			expected[from + i] = 0xa5;
		}
		memset(area + from, 0x1a5, size);
		REQUIRE(same(area, expected));
	}
}

TEST(comparisons)
{
	char a[40], b[40];

	for (unsigned i = 0; i < 40; i++) {
		a[i] = b[i] = (char)('a' + i % 3);
	}
	a[39] = b[39] = '\0';
	EXPECT_EQ(memcmp(a, b, 40), 0);
	for (unsigned i = 0; i < 39; i++) {
		b[i]++;
		EXPECT(memcmp(a, b, 40) < 0 && memcmp(b, a, 40) > 0);
		EXPECT_EQ(memcmp(a, b, i), 0);
		EXPECT(strcmp(a, b) < 0 && strncmp(b, a, i + 1) > 0);
		EXPECT_EQ(strncmp(a, b, i), 0);
		b[i]--;
	}
	EXPECT(memcmp("\x01", "\xff", 1) < 0 && strcmp("\x01", "\xff") < 0);
}

/* The first byte that differs decides, as a number without a sign, wherever in a word it lies. */
TEST(order_of_bytes)
{
	u8 a[41] = {0}, b[41] = {0};

	for (unsigned size = 1; size < 40; size++) {
		for (unsigned i = 0; i < size; i++) {
			a[i] = 1;
			b[i] = 0x80;
			a[i +
			  1] = 0xff; // the other way round; beyond the end it must not count
			EXPECT(memcmp(a, b, size) < 0 && memcmp(b, a, size) > 0);
			EXPECT_EQ(memcmp(a, b, i), 0);
			a[i] = b[i] = a[i + 1] = 0;
		}
	}
}

/* Names that differ in one byte, or in length, do not share a hash. */
TEST(hash_of_bytes)
{
	u8 name[24] = {0};

	for (unsigned size = 1; size <= sizeof(name); size++) {
		u64 plain = hash_bytes(name, size);

		EXPECT(plain != hash_bytes(name, size - 1));
		for (unsigned i = 0; i < size; i++) {
			name[i] = 1;
			EXPECT(hash_bytes(name, size) != plain);
			name[i] = 0;
		}
	}
}

TEST(searches)
{
	const char *s = "one two three two";

	EXPECT_EQ(strlen(s), 17);
	EXPECT_EQ(strnlen(s, 3), 3);
	EXPECT_EQ(strnlen(s, 100), 17);
	EXPECT(strchr(s, 't') == s + 4 && strrchr(s, 't') == s + 14);
	EXPECT(strchr(s, '\0') == s + 17 && strrchr(s, '\0') == s + 17);
	EXPECT(!strchr(s, 'x') && !strrchr(s, 'x'));
	EXPECT(strstr(s, "two") == s + 4 && strstr(s, "") == s && !strstr(s, "twos"));
	EXPECT(strstr(s, "e two") == s + 2);
	EXPECT(memchr(s, 'w', 17) == s + 5 && !memchr(s, 'w', 5));
}
