// SPDX-License-Identifier: MIT
/*
 * POSIX timers on the CPU time of another process (clock_getcpuclockid(3)).
 *
 * Locks     signal_lock of the timer's process for the timer, that of the other for what it has used; never both.
 *
 * The other process does not know of them. A timer of the machine looks at its clock when it can have used, with all its threads at once,
 * what is missing, but not more often than it would be nudged for a timer of its own. Looking takes as long as that process has threads, in
 * an interrupt: the more threads and the more timers of one user there are, the rarer it is. A process that has ended uses no more: nobody
 * looks any longer, and the timer stays set.
 */
#include "process/posix_timers_internal.h"

#include "cred/user_account.h"
#include "process/cpu_timers.h"
#include "process/process.h"
#include "time/clock.h"

enum {
	LOOK_LEAST_NS = 4000000,
	LOOK_EACH_NS =
		2000, /* at least, for each thread and each timer of the user: what they cost is a small part of it */
};

struct other_clock {
	nsec_t used;
	unsigned threads; /* that can use more */
	bool gone;
};

static void read_other(struct process *other, struct other_clock *out)
{
	u64 flags = spin_lock_irq(&other->signal_lock);

	*out = (struct other_clock){
		.used = (nsec_t)cpu_time_locked(other),
		.threads = other->unfinished_threads,
		.gone = !other->leader,
	};
	spin_unlock_irq(&other->signal_lock, flags);
}

void posix_other_timer_look(struct process *process, int id)
{
	u64 flags = spin_lock_irq(&process->signal_lock);
	struct posix_timer *timer = posix_timer_find_locked(process, id);
	struct process *other = timer ? timer->other : NULL;
	struct other_clock clock;

	if (other) {
		process_get(other);
	}
	spin_unlock_irq(&process->signal_lock, flags);
	if (!other) {
		return;
	}
	read_other(other, &clock);
	flags = spin_lock_irq(&process->signal_lock);
	timer = posix_timer_find_locked(process, id);
	if (timer && timer->other == other) {
		timer->other_used = clock.used;
		timer->other_threads = clock.threads;
		timer->other_gone = clock.gone;
	}
	spin_unlock_irq(&process->signal_lock, flags);
	process_put(other);
}

/* What all timers of a user take together has a limit, too. */
static nsec_t shortest_wait(const struct posix_timer *timer, unsigned threads)
{
	u64 timers = atomic_load_explicit(&timer->entry.account->used[USER_SIGNALS],
					  memory_order_relaxed);

	return MAX((nsec_t)(timers * threads * LOOK_EACH_NS), (nsec_t)LOOK_LEAST_NS);
}

static void look_again(struct posix_timer *timer, unsigned threads)
{
	nsec_t left = (timer->next - timer->other_used) / MAX(threads, 1u);

	left = MIN(MAX(left, shortest_wait(timer, threads)), 3600 * NSEC_PER_SEC);
	timer_start(&timer->timer, nsec_add(clock_monotonic(), left));
}

/* The first look is early: what the threads did meanwhile is not known here. */
void posix_other_timer_start(struct posix_timer *timer)
{
	timer_start(&timer->timer, nsec_add(clock_monotonic(),
					    shortest_wait(timer, timer->other_threads)));
}

/* Neither lock is held. */
void posix_other_timer_expired(struct timer *clock_timer)
{
	struct posix_timer *timer = container_of(clock_timer, struct posix_timer, timer);
	struct process *process = timer->process;
	struct other_clock clock;
	u64 flags;

	read_other(timer->other, &clock);
	flags = spin_lock_irq(&process->signal_lock);
	timer->other_used = clock.used;
	if (timer->state == POSIX_TIMER_ARMED && clock.used >= timer->next) {
		posix_timer_expire_locked(timer);
	}
	// Parked, too: what is missed counts by other_used.
	if (timer->state != POSIX_TIMER_OFF && clock.threads) {
		look_again(timer, clock.threads);
	}
	spin_unlock_irq(&process->signal_lock, flags);
}
