// SPDX-License-Identifier: MIT
/*
 * The unit-test kit: write `TEST(name) { EXPECT(...); }` in kernel/ROOM/NAME_test.c.
 *
 * Each *_test.c becomes one host program, linked with the kernel's rooms as compiled for the
 * host port and with tests/unit/unit_main.c. It is compiled freestanding, as the kernel is:
 * it includes kernel headers, and no header of the C library. A test that fails goes on to its
 * end, unless it used REQUIRE. `unit_random()` is repeatable: the seed is printed on failure.
 */
#pragma once

struct unit_case {
	const char *name;
	void (*run)(void);
	struct unit_case *next;
};

void unit_register(struct unit_case *test_case);
void unit_fail(const char *file, int line, const char *text);
void unit_fail_values(const char *file, int line, const char *text, long long left,
		      long long right);
int unit_failures(void); /* of the running case, so far */
void unit_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
unsigned long long unit_random(void);

#define TEST(test_name)                                                                \
	static void test_##test_name(void);                                            \
	static struct unit_case unit_case_##test_name = {#test_name, test_##test_name, \
							 (struct unit_case *)0};       \
	__attribute__((constructor)) static void unit_register_##test_name(void)       \
	{                                                                              \
		unit_register(&unit_case_##test_name);                                 \
	}                                                                              \
	static void test_##test_name(void)

#define EXPECT(condition)                                          \
	do {                                                       \
		if (!(condition)) {                                \
			unit_fail(__FILE__, __LINE__, #condition); \
		}                                                  \
	} while (0)

#define EXPECT_EQ(left, right)                                                    \
	do {                                                                      \
		long long unit_left_ = (long long)(left);                         \
		long long unit_right_ = (long long)(right);                       \
		if (unit_left_ != unit_right_) {                                  \
			unit_fail_values(__FILE__, __LINE__, #left " == " #right, \
					 unit_left_, unit_right_);                \
		}                                                                 \
	} while (0)

/* As EXPECT, and leaves the function: for what the rest of the test stands on. */
#define REQUIRE(condition)                                         \
	do {                                                       \
		if (!(condition)) {                                \
			unit_fail(__FILE__, __LINE__, #condition); \
			return;                                    \
		}                                                  \
	} while (0)
