// SPDX-License-Identifier: MIT
/*
 * Waits for a point of CLOCK_REALTIME (D4): the clock may be set meanwhile, and then each of them looks again.
 *
 * A waiter is in a queue of the CPU it was on, so that waits on several CPUs do not meet. It is linked first and computes its deadline
 * then; who sets the clock changes it first and wakes then: so the deadline is of the clock as it is, or the wait ends (the fences are those of
 * wait_add() and wake_some()).
 */
#include "core/panic.h"
#include "core/percpu.h"
#include "sched/wait.h"

DEFINE_PER_CPU(struct wait_queue, realtime_waiters);

struct realtime_wait {
	struct wait_entry entry;
	struct sched_entity *thread;
};

static void look_again(struct wait_entry *entry, u32 events)
{
	sched_wake(container_of(entry, struct realtime_wait, entry)->thread);
}

static void clock_was_set(void)
{
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
		wake_all(per_cpu(realtime_waiters, cpu), 0);
	}
}

void sched_realtime_init(void)
{
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
		wait_queue_init(per_cpu(realtime_waiters, cpu));
	}
	if (!clock_on_realtime_change(clock_was_set)) {
		panic("sched: too many watch the clock");
	}
}

void sched_block_realtime(nsec_t when)
{
	struct realtime_wait wait = {
		.entry = {.notify = look_again},
		.thread = sched_current(),
	};
	struct wait_queue *queue;

	if (when == NSEC_NEVER) {
		sched_block(when);
		return;
	}
	queue = per_cpu(realtime_waiters,
			arch_cpu_number()); // whichever it is in a moment
	wait_add(queue, &wait.entry);
	sched_block(MAX(when - clock_realtime_offset(), (nsec_t)0));
	wait_remove(queue, &wait.entry);
}
