// SPDX-License-Identifier: MIT
/*
 * POSIX timers that expire, and the clock that is set under them.
 *
 * Locks     process.signal_lock (irq-safe): everything but the clock's own part of the timer.
 *
 * However short its interval, a timer costs no more interrupts than its signals are taken: one that has expired is parked until
 * then, and what it would have expired meanwhile is counted as overruns. Where the signal is ignored it stays parked
 * until somebody wants it; where its thread has ended, for ever.
 */
#include "process/posix_timers_internal.h"

#include "core/panic.h"
#include "process/namespace/pid_namespace.h"
#include "process/process.h"
#include "time/clock.h"
#include <linux/time.h>

nsec_t posix_timer_time(const struct posix_timer *timer)
{
	return timer->cpu ? posix_cpu_timer_used(timer) : clock_monotonic();
}

void posix_timer_skip(struct posix_timer *timer, nsec_t now)
{
	s64 passed;

	if (timer->next <= now) {
		passed = (now - timer->next) / timer->interval + 1;
		timer->next = nsec_add(timer->next, passed * timer->interval);
		timer->overrun += MIN(passed, (s64)INT32_MAX);
	}
}

/* What is set to a point of CLOCK_REALTIME from before the machine began expires at once, but in the rhythm of that point. */
static void start(struct posix_timer *timer)
{
	timer_start(&timer->timer, MAX(timer->next, 1LL));
}

void posix_timer_arm(struct posix_timer *timer)
{
	timer->state = POSIX_TIMER_ARMED;
	if (timer->cpu) {
		posix_cpu_timer_arm(timer);
	} else {
		start(timer);
	}
}

void posix_timer_signal_taken(struct queued_signal *entry, siginfo_t *info)
{
	struct posix_timer *timer = container_of(entry, struct posix_timer, entry);

	if (timer->state == POSIX_TIMER_PARKED) {
		posix_timer_skip(timer, posix_timer_time(timer));
		posix_timer_arm(timer);
	}
	timer->last_overrun = (long)MIN(timer->overrun, (s64)INT32_MAX);
	timer->overrun = 0;
	info->si_overrun = (int)timer->last_overrun;
}

/* The process is the timer's, under whatever name the caller holds its lock. */
static NO_THREAD_SAFETY void send_locked(struct posix_timer *timer)
{
	struct queued_signal *entry = &timer->entry;

	(void)signal_post_locked(timer->process, timer->target, entry->info.si_signo,
				 &entry);
}

void posix_timer_expire_locked(struct posix_timer *timer)
{
	timer->state = timer->interval ? POSIX_TIMER_PARKED : POSIX_TIMER_OFF;
	timer->next = nsec_add(timer->next, timer->interval);
	timer->next = timer->interval ? posix_timer_point(timer->next) : 0;
	send_locked(timer);
}

void posix_timers_wanted_locked(struct process *process, int signal)
{
	struct posix_timer *timer;

	list_for_each(timer, &process->posix_timers, link) {
		if (timer->state == POSIX_TIMER_PARKED &&
		    timer->entry.info.si_signo == signal &&
		    list_empty(&timer->entry.link)) {
			struct queued_signal *entry = &timer->entry;

			signal_post_again_locked(process, timer->target, &entry);
		}
	}
}

void posix_timer_expired(struct timer *clock_timer)
{
	struct posix_timer *timer = container_of(clock_timer, struct posix_timer, timer);
	u64 flags = spin_lock_irq(&timer->process->signal_lock);

	if (timer->state == POSIX_TIMER_ARMED && timer->next > clock_monotonic()) {
		start(timer); // the clock was set back
	} else if (timer->state == POSIX_TIMER_ARMED) {
		posix_timer_expire_locked(timer);
	}
	spin_unlock_irq(&timer->process->signal_lock, flags);
}

bool posix_timer_follows_realtime(const struct posix_timer *timer)
{
	return timer->absolute &&
	       (timer->clock == CLOCK_REALTIME || timer->clock == CLOCK_TAI);
}

/* The clock was set: timers that wait for a point of it move. */
static void move_realtime_timers(struct process *process)
{
	u64 flags = spin_lock_irq(&process->signal_lock);
	struct posix_timer *timer;

	list_for_each(timer, &process->posix_timers, link) {
		nsec_t offset = clock_realtime_offset();

		if (!posix_timer_follows_realtime(timer) || !timer->next ||
		    timer->next == NSEC_NEVER) {
			continue;
		}
		timer->next = posix_timer_point(timer->next + timer->offset - offset);
		timer->offset = offset;
		if (timer->state == POSIX_TIMER_ARMED) {
			start(timer);
		}
	}
	spin_unlock_irq(&process->signal_lock, flags);
}

static void realtime_changed(void)
{
	struct process *process;

	for (pid_nr number = 1;
	     (process = process_next_in(&first_pid_namespace, &number)); number++) {
		move_realtime_timers(process);
		process_put(process);
	}
}

void posix_timers_init(void)
{
	if (!clock_on_realtime_change(realtime_changed)) {
		panic("posix_timers: too many watch the clock");
	}
}
