// SPDX-License-Identifier: MIT
/* The ledger (R10) and plans of failing allocations (docs/faults.md), as programs use them. Linux has neither. */
#pragma once

#include "test.h"

enum { LEDGER_KINDS = 96, LEDGER_TEXT = 8192, LEDGER_STACK = 32768, LEDGER_STEP = 1024 };

struct ledger {
	int count;
	struct {
		char name[32];
		long live;
	} kind[LEDGER_KINDS];
};

static inline void ledger_required(void)
{
	if (access("/proc/heddle/ledger", R_OK)) {
		skip("Linux keeps no ledger");
	}
}

static inline void ledger_read(struct ledger *ledger)
{
	static char text[LEDGER_TEXT];
	char *line = text;
	int fd = open("/proc/heddle/ledger", O_RDONLY | O_CLOEXEC);
	ssize_t length;

	CHECK(fd >= 0);
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	CHECK(length > 0);
	text[length] = 0;
	ledger->count = 0;
	while (line && *line && ledger->count < LEDGER_KINDS) {
		if (sscanf(line, "%31s %ld", ledger->kind[ledger->count].name,
			   &ledger->kind[ledger->count].live) == 2) {
			ledger->count++;
		}
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
}

/* A kind is listed from its first use on: until then there is none. */
static inline long ledger_live(const struct ledger *ledger, const char *name)
{
	for (int i = 0; i < ledger->count; i++) {
		if (strcmp(ledger->kind[i].name, name) == 0) {
			return ledger->kind[i].live;
		}
	}
	return 0;
}

/* Give back what the kernel only keeps for later; then the counts are exact (docs/faults.md). */
static inline void ledger_settle(void)
{
	int fd = open("/proc/heddle/ledger", O_WRONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "settle", 6), 6);
	close(fd);
}

static inline bool ledger_same(const struct ledger *a, const struct ledger *b, bool tell)
{
	bool same = true;

	for (int i = 0; i < b->count; i++) {
		const char *name = b->kind[i].name;
		long was = ledger_live(a, name), is = b->kind[i].live;

		// How full the slabs are is chance, tables of stacks only grow; but for these, frames are exact.
		if (was == is || strcmp(name, "heap_frames") == 0 ||
		    strcmp(name, "stack_table_frames") == 0 ||
		    strcmp(name, "free_frames") == 0) {
			continue;
		}
		same = false;
		if (tell) {
			say("# %s: %ld, was %ld\n", name, is, was);
		}
	}
	return same;
}

/* The dead are freed by whoever runs next on their CPU: soon, not at once. */
static inline bool ledger_becomes(const struct ledger *wanted, long long limit_ns)
{
	long long start = now_ns();
	struct ledger now;

	for (;;) {
		ledger_settle();
		ledger_read(&now);
		if (ledger_same(wanted, &now, false)) {
			return true;
		}
		if (now_ns() - start > limit_ns) {
			return false;
		}
		sched_yield();
	}
}

/* Everything is where it was. */
static inline void ledger_expect(const struct ledger *wanted)
{
	struct ledger now;

	if (!ledger_becomes(wanted, WAIT_LIMIT_NS)) {
		ledger_read(&now);
		ledger_same(wanted, &now, true);
		CHECK(!"the ledger is where it was");
	}
}

/*
 * Have the pages of our own stack that the case will use. Where in its page a stack begins is random: what goes a little deeper
 * than looking at the ledger does would now and then be the first in one page more, and that frame look lost.
 */
__attribute__((noinline)) static void ledger_touch_stack(void)
{
	volatile char room[LEDGER_STACK];

	for (int i = LEDGER_STACK - LEDGER_STEP; i >= 0; i -= LEDGER_STEP) {
		room[i] = 1;
	}
}

/*
 * Where things are now, this program's own pages for looking at it included, and once the dead before it are freed: who sleeps
 * between two looks lets them run, who only yields may be chosen again and again.
 */
static inline void ledger_begin(struct ledger *ledger)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int quiet = 0;

	(void)now_ns(); // musl looks for the vDSO on first use
	ledger_touch_stack();
	ledger_read(ledger);
	while (quiet < 10) {
		nanosleep(&pause, NULL);
		if (ledger_becomes(ledger, 0)) {
			quiet++;
		} else {
			quiet = 0;
			ledger_read(ledger);
		}
	}
}

/* Write a plan to `fd`, /proc/heddle/fail_nth: of the writing thread's allocations the n-th fails, 0: none; `whose` is " children" or "". */
static inline void fail_nth_of(int fd, int nth, const char *whose)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%d%s", nth, whose);

	// The write that disarms may be the one whose allocation fails: then it is over too.
	if (write(fd, text, (size_t)length) < 0) {
		CHECK_EQ(write(fd, text, (size_t)length), length);
	}
}

static inline void fail_nth(int fd, int nth)
{
	fail_nth_of(fd, nth, "");
}

/* `act` while its n-th allocation fails: what it returned, where a negative number means ENOMEM or `other`. */
static inline int fail_once(int fd, int nth, int (*act)(void), int other)
{
	int result, error;

	fail_nth(fd, nth);
	result = act();
	error = errno;
	fail_nth(fd, 0);
	CHECK(result >= 0 || error == ENOMEM || error == other);
	return result;
}

/* Until `act` passes: how many of its allocations failed before, fewer than `most`, each with ENOMEM. */
static inline int fail_until(int fd, int (*act)(void), int most)
{
	int nth = 1;

	while (fail_once(fd, nth, act, ENOMEM) < 0) {
		CHECK(++nth < most);
	}
	return nth - 1;
}

/* Each of the first `most` allocations, of which `act` makes fewer: how many of them it does not pass without. */
static inline int fail_each(int fd, int (*act)(void), int most, int other)
{
	int failed = 0;

	for (int nth = 1; nth <= most; nth++) {
		int result = fail_once(fd, nth, act, other);

		failed += result < 0;
		CHECK(result >= 0 || nth < most);
	}
	return failed;
}

struct failing_act {
	const char *name;
	int (*act)(void);
};

/* A case for each: it passes as it is, fails at times with fail_each(), and leaves nothing. */
static inline void fail_acts(const struct failing_act *acts, size_t count, int most,
			     int other)
{
	int plans = open("/proc/heddle/fail_nth", O_WRONLY | O_CLOEXEC);
	struct ledger before;

	CHECK(plans >= 0);
	ledger_touch_stack();
	for (size_t i = 0; i < 2 * count; i++) {
		bool again = i >= count; // what is made once only is made the first time
		const struct failing_act *tried = &acts[i % count];

		if (again) {
			ledger_begin(&before);
		}
		CHECK_EQ(tried->act(), 0);
		CHECK(fail_each(plans, tried->act, most, other) > 0);
		if (again) {
			ledger_expect(&before);
			ok(tried->name);
		}
	}
	close(plans);
}
