// SPDX-License-Identifier: MIT
/*
 * D2: SCHED_FLAG_RECLAIM: a deadline thread that asks for it has what the others leave of what may be promised, one that does not ask
 * has its runtime; the flag is read back. Needs CAP_SYS_NICE.
 * deadline: 40
 * oracle: guest
 */
#include "raw.h"

enum {
	DEADLINE = 6,
	MILLISECOND = 1000000,
	RECLAIM = 2,
	KEEP_PARAMS = 0x10,
	SPAN_MS = 1000
};

struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static long take(uint64_t runtime_ms, uint64_t period_ms, uint64_t flags)
{
	struct attributes a = {
		.size = sizeof(a),
		.policy = DEADLINE,
		.flags = flags,
		.runtime = runtime_ms * MILLISECOND,
		.deadline = period_ms * MILLISECOND,
		.period = period_ms * MILLISECOND,
	};

	return syscall(SYS_sched_setattr, 0, &a, 0);
}

static struct attributes look(void)
{
	struct attributes a;

	CHECK_EQ(syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0), 0);
	return a;
}

static void flag(void)
{
	struct attributes a;

	CHECK_EQ(take(1, 10, RECLAIM), 0);
	a = look();
	CHECK_EQ(a.flags, RECLAIM);
	a = (struct attributes){
		.size = sizeof(a), .policy = DEADLINE, .flags = KEEP_PARAMS};
	CHECK_EQ(syscall(SYS_sched_setattr, 0, &a, 0), 0);
	CHECK_EQ(look().flags, RECLAIM);
	CHECK_EQ(take(1, 10, 0), 0);
	CHECK_EQ(look().flags, 0);
	a = (struct attributes){.size = sizeof(a),
				.flags = RECLAIM}; // nothing to the others
	CHECK_EQ(syscall(SYS_sched_setattr, 0, &a, 0), 0);
	CHECK_EQ(look().flags, 0);
}

static long long cpu_ns(void)
{
	struct timespec now;

	CHECK_EQ(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/* What it gets, in thousandths. */
static long long spin(void)
{
	long long start = now_ns(), used = cpu_ns();

	while (now_ns() - start < SPAN_MS * 1ll * MILLISECOND) {
	}
	return (cpu_ns() - used) * 1000 / (now_ns() - start);
}

static void without(void)
{
	long long got;

	CHECK_EQ(take(5, 50, 0), 0);
	got = spin();
	say("# without: %lld of 1000\n", got);
	CHECK(got <= 200);
}

static void with(void)
{
	long long got;

	CHECK_EQ(take(5, 50, RECLAIM), 0);
	got = spin();
	say("# with: %lld of 1000\n", got);
	CHECK(got >= 600 && got <= 980);
}

/* Somebody has more, and sleeps. On his CPU that is reclaimed as well; on another what both leave on an average is. */
static void *sleep_meanwhile(void *unused)
{
	struct timespec time = {SPAN_MS / 1000 + 1, 0};

	CHECK_EQ(take(15, 50, 0), 0);
	CHECK_EQ(nanosleep(&time, NULL), 0);
	return unused;
}

static void with_sleeper(void)
{
	pthread_t sleeper = start_thread(sleep_meanwhile, NULL);
	long long got;

	CHECK_EQ(take(5, 50, RECLAIM), 0);
	got = spin();
	say("# with a sleeper: %lld of 1000\n", got);
	CHECK(got >= (sysconf(_SC_NPROCESSORS_ONLN) == 1 ? 600 : 250) && got <= 980);
	join_thread(sleeper);
}

int main(void)
{
	if (take(1, 10, 0) < 0) {
		CHECK_EQ(errno, EPERM);
		skip("nobody may have a deadline here");
	}
	CHECK_EQ(sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){0}), 0);
	must_pass_in_child(flag);
	ok("flag");
	must_pass_in_child(without);
	ok("without");
	must_pass_in_child(with);
	ok("with");
	must_pass_in_child(with_sleeper);
	ok("with_sleeper");
	return 0;
}
