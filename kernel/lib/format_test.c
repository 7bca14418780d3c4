// SPDX-License-Identifier: MIT
/* Formatting: every conversion and flag, truncation, and the length that would have been. */
#include "lib/format.h"
#include "lib/string.h"
#include "unit.h"

#define EXPECT_TEXT(expected, ...)                                                 \
	do {                                                                       \
		char text_[128];                                                   \
		int length_ = format_string(text_, sizeof(text_), __VA_ARGS__);    \
		if (strcmp(text_, expected) != 0) {                                \
			unit_printf("got '%s', expected '%s'\n", text_, expected); \
		}                                                                  \
		EXPECT(strcmp(text_, expected) == 0);                              \
		EXPECT_EQ(length_, strlen(expected));                              \
	} while (0)

TEST(numbers)
{
	EXPECT_TEXT("0 -1 42", "%d %i %u", 0, -1, 42u);
	EXPECT_TEXT("-9223372036854775808", "%lld", (long long)INT64_MIN);
	EXPECT_TEXT("18446744073709551615", "%lu", ~0ul);
	EXPECT_TEXT("ff FF 0xff 0XFF 0", "%x %X %#x %#X %#x", 255, 255, 255, 255, 0);
	EXPECT_TEXT("17 017 0", "%o %#o %#o", 15, 15, 0);
	EXPECT_TEXT("   42|42   |00042|+42| 42", "%5d|%-5d|%05d|%+d|% d", 42, 42, 42, 42,
		    42);
	EXPECT_TEXT("  042|042  |-0042", "%5.3d|%-5.3d|%05d", 42, 42, -42);
	EXPECT_TEXT("[]", "[%.0d]", 0);
	EXPECT_TEXT("-1 255 -1 65535", "%hhd %hhu %hd %hu", -1, 255, -1, 65535);
	EXPECT_TEXT("123 7", "%zu %zd", (size_t)123, (size_t)7);
	EXPECT_TEXT("   7|7   ", "%*d|%*d", 4, 7, -4, 7);
	EXPECT_TEXT("0x1f", "%p", (void *)0x1f);
}

TEST(texts)
{
	EXPECT_TEXT("a|  abc|abc  |ab", "%c|%5s|%-5s|%.2s", 'a', "abc", "abc", "abc");
	char *volatile nothing = NULL; /* the compiler must not see through it */

	EXPECT_TEXT("(null) 100%", "%s 100%%", nothing);
	EXPECT_TEXT("ab", "%.*s", 2, "abcdef");
}

TEST(truncation)
{
	char text[4] = "xxx";

	EXPECT_EQ(format_string(text, sizeof(text), "%d", 123456), 6);
	EXPECT(strcmp(text, "123") == 0);
	EXPECT_EQ(format_string(NULL, 0, "%s", "hello"), 5);
	EXPECT_EQ(format_string(text, 1, "hello"), 5);
	EXPECT(text[0] == '\0');
}

TEST(numbers_from_text)
{
	u64 value;

	EXPECT_EQ(string_to_u64("0", &value), 0);
	EXPECT_EQ(value, 0);
	EXPECT_EQ(string_to_u64("18446744073709551615", &value), 0);
	EXPECT_EQ(value, ~0ULL);
	EXPECT_EQ(string_to_u64("0xFfff", &value), 0);
	EXPECT_EQ(value, 0xffff);
	EXPECT(string_to_u64("18446744073709551616", &value) < 0);
	EXPECT(string_to_u64("", &value) < 0);
	EXPECT(string_to_u64("0x", &value) < 0);
	EXPECT(string_to_u64("12a", &value) < 0);
	EXPECT(string_to_u64("-1", &value) < 0);
}

TEST(copies)
{
	char to[4];

	EXPECT_EQ(string_copy(to, "abcdef", sizeof(to)), 6);
	EXPECT(strcmp(to, "abc") == 0);
	EXPECT_EQ(string_copy(to, "x", sizeof(to)), 1);
	EXPECT(strcmp(to, "x") == 0);
	EXPECT_EQ(string_copy(to, "abc", 0), 3);
}
