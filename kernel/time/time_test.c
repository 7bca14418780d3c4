// SPDX-License-Identifier: MIT
/* Clocks and timers; timers on the simulated machine, where CPUs start, move and cancel each other's. */
#include "arch/cpu.h"
#include "arch/vdso.h"
#include "core/panic.h"
#include "core/percpu.h"
#include "host/machine.h"
#include "lib/errno.h"
#include "sched/sched.h"
#include "time/clock.h"
#include "time/timer.h"
#include "unit.h"

TEST(times_and_spans)
{
	struct __kernel_timespec ts = {1, 500000000};
	nsec_t ns;

	EXPECT_EQ(timespec_to_nsec(&ts, &ns), 0);
	EXPECT_EQ(ns, 1500000000);
	ts = (struct __kernel_timespec){-1, 0};
	EXPECT_EQ(timespec_to_nsec(&ts, &ns), -EINVAL);
	ts = (struct __kernel_timespec){0, 1000000000};
	EXPECT_EQ(timespec_to_nsec(&ts, &ns), -EINVAL);
	ts = (struct __kernel_timespec){0, -1};
	EXPECT_EQ(timespec_to_nsec(&ts, &ns), -EINVAL);
	ts = (struct __kernel_timespec){INT64_MAX, 999999999};
	EXPECT_EQ(timespec_to_nsec(&ts, &ns), 0);
	EXPECT_EQ(ns, NSEC_NEVER);
	EXPECT_EQ(nsec_add(NSEC_NEVER - 1, 2), NSEC_NEVER);
	EXPECT_EQ(nsec_add(1, 2), 3);
	ts = nsec_to_timespec(-1);
	EXPECT_EQ(ts.tv_sec, -1);
	EXPECT_EQ(ts.tv_nsec, 999999999);
}

TEST(realtime_is_monotonic_plus_an_offset)
{
	static struct vdso_data data;

	clock_init();
	clock_set_vdso_page(&data);
	u32 sequence = data.sequence;

	clock_set_realtime(2000000000LL * NSEC_PER_SEC);
	EXPECT(clock_realtime() / NSEC_PER_SEC == 2000000000LL);
	EXPECT_EQ(data.realtime_offset, clock_realtime_offset());
	EXPECT(data.sequence == sequence + 2 && data.sequence % 2 == 0);
}

enum { TIMERS = 12, WORKERS = 3, STEPS = 60 };

struct shot {
	struct timer timer;
	_Atomic nsec_t wanted;
	_Atomic u32 fired, running;
	u32 again;
};

static struct shot shots[TIMERS];
static _Atomic int finished;

static void fire(struct timer *timer)
{
	struct shot *shot = container_of(timer, struct shot, timer);

	ASSERT(atomic_fetch_add(&shot->running, 1) == 0); /* never on two CPUs at once */
	atomic_fetch_add(&shot->fired, 1);
	if (shot->again > 0) {
		shot->again--;
		timer_start(timer, nsec_add(clock_monotonic(), 3000));
	}
	atomic_fetch_sub(&shot->running, 1);
}

static void disturb(void *argument)
{
	for (unsigned step = 0; step < STEPS; step++) {
		struct shot *shot = &shots[host_random() % TIMERS];

		switch (host_random() % 4) {
		case 0:
			(void)timer_try_cancel(&shot->timer);
			break;
		case 1:
			(void)sched_sleep_until(nsec_add(clock_monotonic(), 5000),
						THREAD_UNINTERRUPTIBLE);
			break;
		default:
			timer_start(&shot->timer,
				    nsec_add(clock_monotonic(),
					     (nsec_t)(host_random() % 20000)));
		}
	}
	atomic_fetch_add(&finished, 1);
}

static void wait_for(int count)
{
	while (atomic_load(&finished) < count) {
		(void)sched_sleep_until(nsec_add(clock_monotonic(), 50000),
					THREAD_UNINTERRUPTIBLE);
	}
}

static void timers_in_turmoil(void)
{
	for (unsigned i = 0; i < TIMERS; i++) {
		timer_init(&shots[i].timer, fire);
		shots[i].again = i % 3;
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		EXPECT_EQ(sched_kernel_thread("worker", disturb, NULL, NULL), 0);
	}
	wait_for(WORKERS);
	for (unsigned i = 0; i < TIMERS; i++) {
		(void)timer_cancel(&shots[i].timer);
		u32 fired = shots[i].fired;

		ASSERT(!timer_pending(&shots[i].timer) && shots[i].running == 0);
		ASSERT(timer_try_cancel(&shots[i].timer) == 0);
		(void)sched_sleep_until(nsec_add(clock_monotonic(), 30000),
					THREAD_UNINTERRUPTIBLE);
		ASSERT(shots[i].fired == fired); /* cancelled is cancelled */
	}
}

TEST(timers_are_started_moved_and_cancelled_anywhere)
{
	EXPECT_EQ(host_machine_explore(4, 1, 25, timers_in_turmoil), 0);
}

static unsigned order[8], fired_count;

static void note(struct timer *timer)
{
	order[fired_count++] =
		(unsigned)(container_of(timer, struct shot, timer) - shots);
}

static void timers_fire_in_order(void)
{
	nsec_t now = clock_monotonic();

	for (unsigned i = 0; i < 8; i++) {
		timer_init(&shots[i].timer, note);
		timer_start(&shots[i].timer, now + NSEC_PER_MSEC * (1 + (i * 5) % 8));
	}
	EXPECT(timer_pending(&shots[0].timer));
	EXPECT(timer_cancel(&shots[1].timer));
	EXPECT(!timer_cancel(&shots[1].timer));
	timer_start(&shots[2].timer, now - 5); /* in the past: at once */
	(void)sched_sleep_until(now + 20 * NSEC_PER_MSEC, THREAD_UNINTERRUPTIBLE);
	EXPECT_EQ(fired_count, 7);
	EXPECT_EQ(order[0], 2);
	for (unsigned i = 2; i < fired_count; i++) {
		EXPECT(shots[order[i - 1]].timer.deadline <=
		       shots[order[i]].timer.deadline);
	}
}

static nsec_t fired_at[8];

static void note_time(struct timer *timer)
{
	fired_at[container_of(timer, struct shot, timer) - shots] = clock_monotonic();
}

static void start_with_slack(unsigned i, nsec_t soonest, nsec_t slack)
{
	timer_init(&shots[i].timer, note_time);
	timer_start_with_slack(&shots[i].timer, soonest, (u64)slack);
}

/* 0 and 1 can wait for each other; 2 has its own time; 3 cannot wait for 0. */
static void slack_is_used(void)
{
	nsec_t ms = NSEC_PER_MSEC, now = clock_monotonic();

	start_with_slack(0, now + 10 * ms, 10 * ms);
	start_with_slack(1, now + 15 * ms, 10 * ms);
	start_with_slack(2, now + 40 * ms, 0);
	start_with_slack(3, now + 5 * ms, 1 * ms);
	start_with_slack(4, now + 60 * ms, INT64_MAX);
	u64 interrupts = timer_interrupt_count(0);

	(void)sched_sleep_until(now + 50 * ms, THREAD_UNINTERRUPTIBLE);
	EXPECT_EQ(timer_interrupt_count(0) - interrupts, 4);
	EXPECT(fired_at[0] >= now + 20 * ms && fired_at[0] < now + 21 * ms);
	EXPECT(fired_at[1] >= fired_at[0] && fired_at[1] < now + 21 * ms);
	EXPECT(fired_at[2] >= now + 40 * ms && fired_at[2] < now + 41 * ms);
	EXPECT(fired_at[3] >= now + 6 * ms && fired_at[3] < now + 7 * ms);
	EXPECT(timer_cancel(&shots[4].timer));
}

TEST(timers_with_slack_share_an_interrupt)
{
	EXPECT_EQ(host_machine_explore(1, 1, 10, slack_is_used), 0);
}

TEST(timers_fire_in_the_order_of_their_deadlines)
{
	EXPECT_EQ(host_machine_explore(1, 1, 10, timers_fire_in_order), 0);
}
