// SPDX-License-Identifier: MIT
/*
 * Interval timers, RLIMIT_CPU and RLIMIT_RTTIME; POSIX timers on CPU time are looked at with them.
 *
 * ITIMER_REAL is a timer of its own; its callback runs in interrupt context and sends SIGALRM. The two that count CPU time,
 * and the limit, are compared with what the process has used whenever one of its threads returns to user mode. A thread
 * that computes never does: so while one of them is set, a timer expires no later than the first can be due, and nudges
 * the threads that run.
 */
#include "process/cpu_timers.h"

#include "arch/cpu.h"
#include "process/current.h"
#include "process/posix_timers.h"
#include "process/process.h"
#include "process/signal/signal.h"
#include "time/clock.h"
#include <linux/time.h>

enum { WATCH_LEAST_NS = 4000000 }; /* how often running threads are nudged at most */

/* However short the interval, it costs no more interrupts than SIGALRMs are taken: only then does it start again. */
static void real_expired(struct timer *timer)
{
	signal_send_kernel(container_of(timer, struct process, real_timer), SIGALRM);
}

void interval_timer_signal_taken(struct process *process)
{
	nsec_t now = clock_monotonic(), next = process->real_timer.deadline,
	       interval = process->real_interval;

	if (interval > 0 && !timer_pending(&process->real_timer)) {
		next = nsec_add(next, ((now - next) / interval + 1) * interval);
		timer_start(&process->real_timer, next);
	}
}

/* CPU time of all threads, dead ones too. signal_lock held. */
static void used_locked(struct process *process, u64 *user_ns, u64 *all_ns)
{
	u64 system_ns = process->dead_threads.system_ns;
	struct thread *thread;

	*user_ns = process->dead_threads.user_ns;
	for_each_thread(thread, process) {
		u64 user, system;

		sched_cpu_time(&thread->sched, &user, &system);
		*user_ns += user;
		system_ns += system;
	}
	*all_ns = *user_ns + system_ns;
}

u64 cpu_time_locked(struct process *process)
{
	u64 user_ns, all_ns;

	used_locked(process, &user_ns, &all_ns);
	return all_ns;
}

static u64 remaining(u64 expires, u64 used)
{
	return !expires ? UINT64_MAX : expires > used ? expires - used : 0;
}

/* RLIMIT_RTTIME, µs, in ns; UINT64_MAX: none. */
static u64 realtime_limit(u64 limit_us)
{
	return limit_us > INT64_MAX / NSEC_PER_USEC ? UINT64_MAX
						    : limit_us * NSEC_PER_USEC;
}

/* Until the first real-time thread comes to the limit, as above. signal_lock held. */
static u64 realtime_left(struct process *process)
{
	u64 limit = realtime_limit(process->limits[RLIMIT_RTTIME].soft);
	u64 left = UINT64_MAX;
	struct thread *thread;

	if (limit == UINT64_MAX) {
		return left;
	}
	for_each_thread(thread, process) {
		s64 used = sched_realtime_since_sleep(&thread->sched);

		if (used >= 0) {
			left = MIN(left, limit > (u64)used ? limit - (u64)used : 0);
		}
	}
	return left;
}

/* The CPU time that is left to the first one; UINT64_MAX: none is set. signal_lock held. */
static u64 time_left(struct process *process)
{
	const struct cpu_timers *timers = &process->cpu_timers;
	u64 user_ns, all_ns, first;

	used_locked(process, &user_ns, &all_ns);
	first = MIN(remaining(timers->expires[0], user_ns),
		    MIN(remaining(timers->expires[1], all_ns),
			remaining(timers->limit_next, all_ns)));
	first = MIN(first, realtime_left(process));
	return MIN(first, posix_cpu_timers_left_locked(process));
}

/* Threads on several CPUs use it up together. signal_lock held. */
static void start_watch(struct process *process)
{
	u64 left = time_left(process);

	if (left == UINT64_MAX || process->cpu_timers.stopped) {
		return;
	}
	left /= MAX(process->unfinished_threads, 1u);
	left = MIN(MAX(left, (u64)WATCH_LEAST_NS), 3600UL * NSEC_PER_SEC);
	timer_start(&process->cpu_timers.watch,
		    nsec_add(clock_monotonic(), (nsec_t)left));
}

static void watch_expired(struct timer *timer)
{
	struct process *process = container_of(timer, struct process, cpu_timers.watch);
	u64 flags = spin_lock_irq(&process->signal_lock);
	struct thread *thread;

	if (time_left(process) == 0) {
		for_each_thread(thread, process) {
			sched_nudge(&thread->sched);
		}
	}
	start_watch(process);
	spin_unlock_irq(&process->signal_lock, flags);
}

void cpu_timers_init(struct process *process)
{
	timer_init(&process->real_timer, real_expired);
	timer_init(&process->cpu_timers.watch, watch_expired);
	list_init(&process->cpu_timers.posix);
}

static u64 used_time(struct process *process, int which)
{
	struct process_usage usage;

	process_usage(process, &usage);
	return which == ITIMER_VIRTUAL ? usage.user_ns : usage.user_ns + usage.system_ns;
}

void interval_timer_get(struct process *process, int which, struct interval *out)
{
	u64 used = which == ITIMER_REAL ? 0 : used_time(process, which);
	u64 flags = spin_lock_irq(&process->signal_lock);

	*out = (struct interval){0};
	if (which == ITIMER_REAL) {
		if (timer_pending(&process->real_timer)) {
			// About to expire is not the same as not set.
			out->value_ns = (u64)MAX(
				process->real_timer.deadline - clock_monotonic(), 1000LL);
		}
		out->interval_ns = (u64)process->real_interval;
	} else {
		u64 expires = process->cpu_timers.expires[which - ITIMER_VIRTUAL];

		if (expires) {
			out->value_ns = expires > used ? expires - used : 1000;
		}
		out->interval_ns = process->cpu_timers.interval[which - ITIMER_VIRTUAL];
	}
	spin_unlock_irq(&process->signal_lock, flags);
}

void cpu_timers_watch_locked(struct process *process)
{
	struct thread *thread;

	for_each_thread(thread, process) {
		atomic_fetch_or(&thread->sched.return_work, RETURN_CPU_TIMERS);
	}
	start_watch(process);
}

void interval_timer_set(struct process *process, int which, const struct interval *value,
			struct interval *old)
{
	u64 used = which == ITIMER_REAL ? 0 : used_time(process, which);
	u64 flags;

	interval_timer_get(process, which, old);
	flags = spin_lock_irq(&process->signal_lock);
	while (which == ITIMER_REAL && timer_try_cancel(&process->real_timer) == -EBUSY) {
		spin_unlock_irq(&process->signal_lock, flags); // its callback takes it
		arch_cpu_relax();
		flags = spin_lock_irq(&process->signal_lock);
	}
	if (which == ITIMER_REAL) {
		process->real_interval = value->value_ns ? (nsec_t)value->interval_ns : 0;
		if (value->value_ns) {
			timer_start(&process->real_timer,
				    nsec_add(clock_monotonic(), (nsec_t)value->value_ns));
		}
	} else {
		process->cpu_timers.expires[which - ITIMER_VIRTUAL] =
			value->value_ns ? used + value->value_ns : 0;
		process->cpu_timers.interval[which - ITIMER_VIRTUAL] = value->interval_ns;
		cpu_timers_watch_locked(process);
	}
	spin_unlock_irq(&process->signal_lock, flags);
}

/* A limit of 0 is used up by the first nanosecond. */
static u64 first_signal_at(u64 soft)
{
	return soft > INT64_MAX / NSEC_PER_SEC ? 0 : MAX(soft * NSEC_PER_SEC, 1UL);
}

void cpu_timers_set_limit(struct process *process)
{
	u64 flags = spin_lock_irq(&process->signal_lock);

	process->cpu_timers.limit_next =
		first_signal_at(process->limits[RLIMIT_CPU].soft);
	if (process->cpu_timers.limit_next) {
		cpu_timers_watch_locked(process);
	}
	spin_unlock_irq(&process->signal_lock, flags);
}

void cpu_timers_watch_realtime(struct process *process)
{
	u64 flags = spin_lock_irq(&process->signal_lock);

	cpu_timers_watch_locked(process);
	spin_unlock_irq(&process->signal_lock, flags);
}

void cpu_timers_inherit_limit(struct process *process)
{
	process->cpu_timers.limit_next =
		first_signal_at(process->limits[RLIMIT_CPU].soft);
}

/* One of the two timers: has it expired? signal_lock held. */
static bool expire(struct cpu_timers *timers, int which, u64 used)
{
	if (!timers->expires[which] || used < timers->expires[which]) {
		return false;
	}
	timers->expires[which] =
		timers->interval[which] ? used + timers->interval[which] : 0;
	return true;
}

/* The signal RLIMIT_CPU calls for, or 0. signal_lock held. */
static int check_limit(struct process *process, u64 used)
{
	u64 hard = process->limits[RLIMIT_CPU].hard;

	if (!process->cpu_timers.limit_next || used < process->cpu_timers.limit_next) {
		return 0;
	}
	if (hard != RLIM_INFINITY && used / NSEC_PER_SEC >= hard) {
		return SIGKILL;
	}
	process->cpu_timers.limit_next += NSEC_PER_SEC;
	return SIGXCPU;
}

/* The signal RLIMIT_RTTIME calls for, or 0: at the soft limit, which goes up by a second each time, as Linux has it. signal_lock held. */
static int check_realtime(struct process *process, s64 used)
{
	struct limit *limit = &process->limits[RLIMIT_RTTIME];

	if (used < 0) {
		return 0;
	}
	if ((u64)used >= realtime_limit(limit->hard)) {
		return SIGKILL;
	}
	if ((u64)used < realtime_limit(limit->soft)) {
		return 0;
	}
	WRITE_ONCE(limit->soft, limit->soft + NSEC_PER_SEC / NSEC_PER_USEC);
	return SIGXCPU;
}

/* The caller looks no more if there is nothing to look for: who sets a timer tells it again. */
static bool stop_looking(struct thread *thread, struct process *process)
{
	struct cpu_timers *timers = &process->cpu_timers;
	u64 flags = spin_lock_irq(&process->signal_lock);
	bool nothing = !timers->expires[0] && !timers->expires[1] &&
		       !timers->limit_next && list_empty(&timers->posix) &&
		       process->limits[RLIMIT_RTTIME].soft == RLIM_INFINITY;

	if (nothing) {
		atomic_fetch_and(&thread->sched.return_work, ~(u32)RETURN_CPU_TIMERS);
	}
	spin_unlock_irq(&process->signal_lock, flags);
	return nothing;
}

void cpu_timers_check(void)
{
	struct thread *thread = current_thread();
	struct process *process = thread->process;
	struct process_usage usage;
	bool alarm, profile;
	int limit, realtime;
	s64 used;
	u64 flags;

	if (stop_looking(thread, process)) {
		return;
	}
	process_usage(process, &usage);
	used = sched_realtime_since_sleep(&thread->sched);
	flags = spin_lock_irq(&process->signal_lock);
	realtime = check_realtime(process, used);
	alarm = expire(&process->cpu_timers, 0, usage.user_ns);
	profile = expire(&process->cpu_timers, 1, usage.user_ns + usage.system_ns);
	limit = check_limit(process, usage.user_ns + usage.system_ns);
	posix_cpu_timers_check_locked(process);
	if (!timer_pending(&process->cpu_timers.watch)) {
		start_watch(process); // the first thread of a new process
	}
	spin_unlock_irq(&process->signal_lock, flags);
	if (alarm) {
		signal_send_kernel(process, SIGVTALRM);
	}
	if (profile) {
		signal_send_kernel(process, SIGPROF);
	}
	if (limit) {
		signal_send_kernel(process, limit);
	}
	if (realtime) {
		signal_send_kernel(process, realtime);
	}
}

void cpu_timers_stop(struct process *process)
{
	u64 flags = spin_lock_irq(&process->signal_lock);

	process->real_interval = 0;
	process->cpu_timers.stopped = true;
	spin_unlock_irq(&process->signal_lock, flags);
	(void)timer_cancel(&process->real_timer);
	(void)timer_cancel(&process->cpu_timers.watch);
	posix_timers_drop(process);
}
