// SPDX-License-Identifier: MIT
/*
 * The main of every unit-test program: runs the registered cases in the order of the source and
 * ends in the line `N passed, N failed`. `PROGRAM name…` runs the named ones; UNIT_SEED=n
 * repeats the random numbers of a run.
 */
#include "unit.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct unit_case *first;
static struct unit_case **last = &first;
static int failures;
static unsigned long long random_state;

void unit_register(struct unit_case *test_case)
{
	*last = test_case;
	last = &test_case->next;
}

void unit_fail(const char *file, int line, const char *text)
{
	failures++;
	printf("%s:%d: expected %s\n", file, line, text);
	fflush(stdout);
}

void unit_fail_values(const char *file, int line, const char *text, long long left,
		      long long right)
{
	failures++;
	printf("%s:%d: expected %s: %lld (%#llx) and %lld (%#llx)\n", file, line, text,
	       left, (unsigned long long)left, right, (unsigned long long)right);
	fflush(stdout);
}

int unit_failures(void)
{
	return failures;
}

void unit_printf(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	fflush(stdout);
}

unsigned long long unit_random(void)
{
	unsigned long long mixed;

	random_state += 0x9e3779b97f4a7c15ull;
	mixed = random_state;
	mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ull;
	mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebull;
	return mixed ^ (mixed >> 31);
}

static int is_wanted(const char *name, int argc, char **argv)
{
	if (argc < 2) {
		return 1;
	}
	for (int i = 1; i < argc; i++) {
		if (strcmp(name, argv[i]) == 0) {
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *seed_text = getenv("UNIT_SEED");
	unsigned long long seed = seed_text ? strtoull(seed_text, NULL, 0) : 1;
	int passed = 0;
	int failed = 0;

	for (struct unit_case *c = first; c; c = c->next) {
		if (!is_wanted(c->name, argc, argv)) {
			continue;
		}
		failures = 0;
		random_state = seed;
		c->run();
		if (failures) {
			failed++;
			printf("FAIL %s (UNIT_SEED=%llu)\n", c->name, seed);
		} else {
			passed++;
			printf("ok %s\n", c->name);
		}
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed ? 1 : 0;
}
