// SPDX-License-Identifier: MIT
/*
 * POSIX timers on CPU time.
 *
 * Owns      cpu_timers.posix, the list of those that are set.
 * Locks     process.signal_lock (irq-safe) for everything, and held over the sending: so none is deleted meanwhile.
 *
 * But for those of another process (posix_other_timers.c) they have no timer of the machine: cpu_timers.c looks at them when a thread of the process returns to user mode, and its watch sees to it
 * that one does in time. A thread that has ended uses no more: a timer on its clock stays set and never expires.
 */
#include "process/posix_timers_internal.h"

#include "lib/errno.h"
#include "process/cpu_timers.h"
#include "process/current.h"
#include "time/clock.h"
#include <linux/time.h>

int posix_cpu_timer_measure(struct posix_timer *timer)
{
	int clock = timer->clock;
	pid_nr number = ~(clock >> 3);
	struct process *process;

	if (clock == CLOCK_PROCESS_CPUTIME_ID) {
		return 0;
	}
	if (clock == CLOCK_THREAD_CPUTIME_ID) {
		number = 0;
	} else if ((clock & CPU_CLOCK_KIND) == CPU_CLOCK_KIND) {
		return -EINVAL; // a descriptor of a clock device
	}
	if (clock == CLOCK_THREAD_CPUTIME_ID || (clock & CPU_CLOCK_THREAD)) {
		timer->measured = number ? thread_find(number) : current_thread();
		if (!number) {
			thread_get(timer->measured);
		}
		return timer->measured && timer->measured->process == timer->process
			       ? 0
			       : -EINVAL;
	}
	process = number ? process_find(number) : NULL;
	if (process && process != timer->process) {
		timer->other = process;
		return 0;
	}
	process_put(process);
	return number && !process ? -EINVAL : 0;
}

nsec_t posix_cpu_timer_used(const struct posix_timer *timer)
{
	u64 user, system;

	if (timer->other) {
		return timer->other_used;
	}
	if (timer->measured) {
		sched_cpu_time(&timer->measured->sched, &user, &system);
		return (nsec_t)(user + system);
	}
	return (nsec_t)cpu_time_locked(timer->process);
}

nsec_t posix_cpu_timer_first(const struct posix_timer *timer,
			     const struct posix_timer_setting *setting)
{
	return setting->absolute ? setting->value
				 : nsec_add(posix_cpu_timer_used(timer), setting->value);
}

void posix_cpu_timer_arm(struct posix_timer *timer)
{
	if (timer->other) {
		posix_other_timer_start(timer);
		return;
	}
	list_push_back(&timer->process->cpu_timers.posix, &timer->armed);
	cpu_timers_watch_locked(timer->process);
}

u64 posix_cpu_timers_left_locked(struct process *process)
{
	struct posix_timer *timer;
	u64 least = UINT64_MAX;

	list_for_each(timer, &process->cpu_timers.posix, armed) {
		nsec_t left = timer->next - posix_cpu_timer_used(timer);

		if (!timer->measured || !timer->measured->exiting) {
			least = MIN(least, (u64)MAX(left, (nsec_t)0));
		}
	}
	return least;
}

void posix_cpu_timers_check_locked(struct process *process)
{
	struct posix_timer *timer, *next;

	list_for_each_safe(timer, next, &process->cpu_timers.posix, armed) {
		if (posix_cpu_timer_used(timer) >= timer->next) {
			list_remove(&timer->armed);
			posix_timer_expire_locked(timer);
		}
	}
}
