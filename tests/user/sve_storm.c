// SPDX-License-Identifier: MIT
/*
 * T5: the registers of SVE through signals at any instruction, whose handlers use SVE too, change the length and back, and make system
 * calls, on a stack whose pages come and go, while the threads move from CPU to CPU.
 */
#include "storm.h"
#include "sve.h"

enum { ROUNDS = 12, STACK = 1 << 16 };

/* What handlers use, a thread each. */
static _Thread_local struct sve spoiler, unused;
static unsigned lengths[SVE_LENGTHS];
static int lengths_count;
static atomic_int never;

static void use_sve(struct stormer *s, unsigned length)
{
	CHECK_EQ(sve_length(), length);
	sve_make(&spoiler, length, next(s));
	sve_through_time(&spoiler, &unused, &never, sve_ticks_of_ms(1) / 20);
	CHECK(sve_same(&spoiler, &unused, length));
}

static void handle(int signal, siginfo_t *info, void *context)
{
	struct stormer *s = own;
	unsigned dice = next(s), length = lengths[next(s) % (unsigned)lengths_count];
	int before = prctl(PR_SVE_GET_VL);

	(void)signal;
	(void)info;
	(void)context;
	if (dice & 1) {
		use_sve(s, (unsigned)before);
	}
	if (dice & 2) {
		CHECK_EQ(prctl(PR_SVE_SET_VL, length), (int)length);
		if (dice & 4) {
			use_sve(s, length);
		}
		CHECK_EQ(prctl(PR_SVE_SET_VL, before), before);
	}
	if (dice & 8) {
		// Below the frame in use: the next, deeper one finds nothing.
		CHECK_EQ(madvise(s->stack, STACK / 2, MADV_DONTNEED), 0);
	}
	atomic_fetch_add(&s->handled, 1);
}

/* Signals come to the child's start and to the wait as to all else. */
static void fork_in_storm(struct stormer *s, struct sve *mine, struct sve *seen,
			  unsigned length)
{
	long child;
	int status;

	sve_make(mine, length, next(s));
	child = sve_through_call(mine, seen, SYS_clone, SIGCHLD, 0, 0);
	CHECK(child >= 0);
	sve_cut(mine, length);
	CHECK(sve_same(mine, seen, length));
	if (child == 0) {
		_exit(sve_length() != length);
	}
	while (waitpid((pid_t)child, &status, 0) < 0) {
		CHECK_EQ(errno, EINTR);
	}
	CHECK_EQ(status, 0);
}

static void one_round(struct stormer *s, struct sve *mine, struct sve *seen)
{
	unsigned length = lengths[next(s) % (unsigned)lengths_count];

	CHECK_EQ(prctl(PR_SVE_SET_VL, length), (int)length);
	sve_make(mine, length, next(s));
	sve_through_time(mine, seen, &never, sve_ticks_of_ms(1 + next(s) % 4));
	CHECK(sve_same(mine, seen, length));
	CHECK(sve_through_call(mine, seen, SYS_getppid, 0, 0, 0) >= 0);
	sve_cut(mine, length);
	CHECK(sve_same(mine, seen, length));
	sve_make(mine, length, next(s));
	CHECK_EQ(sve_through_call(mine, seen, -5, 0, 0, 0), -ENOSYS);
	sve_cut(mine, length);
	CHECK(sve_same(mine, seen, length));
	if (next(s) % 2 == 0) {
		fork_in_storm(s, mine, seen, length);
	}
}

static void *storm(void *argument)
{
	struct stormer *s;
	struct sve mine, seen;

	s = enter_storm(argument, 1700000);
	for (int i = 0; i < ROUNDS; i++) {
		one_round(s, &mine, &seen);
	}
	leave_storm(s);
	return NULL;
}

static void check_storm(void)
{
	run_storm(STACK, handle, storm);
	ok("storm");
}

int main(void)
{
	if (!have_sve()) {
		skip("a CPU without SVE");
	}
	lengths_count = sve_lengths(lengths);
	check_storm();
	return 0;
}
