// SPDX-License-Identifier: MIT
/*
 * Clocks and sleeping: clock_gettime(2), clock_nanosleep(2), gettimeofday(2) and their relatives.
 */

#include "core/panic.h"
#include "mm/usercopy.h"
#include "process/namespace/time_namespace.h"
#include "process/process.h"
#include "sched/wait.h"
#include "syscall/syscall.h"
#include "time/clock.h"
#include <linux/capability.h>
#include <linux/time.h>

enum { USEC_PER_SEC = 1000000, ZONE_MINUTES_MAX = 15 * 60 };

static u64 thread_time(struct thread *thread)
{
	u64 user, system;

	sched_cpu_time(&thread->sched, &user, &system);
	return user + system;
}

static u64 process_time(struct process *process)
{
	struct process_usage usage;

	process_usage(process, &usage);
	return usage.user_ns + usage.system_ns;
}

/* A negative clock number: whose CPU time? */
static int other_cpu_clock(int clock, nsec_t *out)
{
	pid_nr number = ~(clock >> 3);
	int error = -EINVAL;

	if ((clock & CPU_CLOCK_KIND) == CPU_CLOCK_KIND) {
		return -EINVAL; /* a descriptor of a clock device */
	}
	if (clock & CPU_CLOCK_THREAD) {
		struct thread *thread = number ? thread_find(number) : current_thread();

		if (thread && thread->process == current_process()) {
			*out = (nsec_t)thread_time(thread);
			error = 0;
		}
		if (thread && number) {
			thread_put(thread);
		}
	} else {
		struct process *process =
			number ? process_find(number) : current_process();

		if (process) {
			*out = (nsec_t)process_time(process);
			error = 0;
		}
		if (process && number) {
			process_put(process);
		}
	}
	return error;
}

static int read_clock(int clock, nsec_t *out)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		*out = clock_realtime();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*out = clock_monotonic() + current_time_offset(clock);
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		*out = (nsec_t)process_time(current_process());
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*out = (nsec_t)thread_time(current_thread());
		return 0;
	}
	return clock < 0 ? other_cpu_clock(clock, out) : -EINVAL;
}

static int write_timespec(vaddr_t to, nsec_t value)
{
	struct __kernel_timespec ts = nsec_to_timespec(value);

	return user_write(to, &ts, sizeof(ts));
}

long sys_clock_gettime(const struct syscall_arguments *a)
{
	nsec_t now;
	int error = read_clock((int)a->arg[0], &now);

	return error ? error : write_timespec(a->arg[1], now);
}

long sys_clock_getres(const struct syscall_arguments *a)
{
	int clock = (int)a->arg[0], error;
	nsec_t now, resolution = 1;

	error = read_clock(clock, &now);
	if (error || !a->arg[1]) {
		return error;
	}
	if (clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE) {
		resolution = 4 * NSEC_PER_MSEC;
	}
	return write_timespec(a->arg[1], resolution);
}

static int read_timespec(vaddr_t from, nsec_t *out)
{
	struct __kernel_timespec ts;

	return user_read(&ts, from, sizeof(ts)) ? -EFAULT : timespec_to_nsec(&ts, out);
}

long sys_clock_settime(const struct syscall_arguments *a)
{
	nsec_t now;
	int error;

	if ((int)a->arg[0] != CLOCK_REALTIME) {
		return read_clock((int)a->arg[0], &now) ? -EINVAL : -EINVAL;
	}
	error = read_timespec(a->arg[1], &now);
	if (error) {
		return error;
	}
	if (!current_capable(CAP_SYS_TIME)) {
		return -EPERM;
	}
	clock_set_realtime(now);
	return 0;
}

/* What settimeofday(2) said of the machine's time zone, for those who still ask: minutes west, and a kind of summer time. */
static struct {
	_Atomic int minutes_west, kind;
} time_zone;

long sys_gettimeofday(const struct syscall_arguments *a)
{
	nsec_t now = clock_realtime();
	struct __kernel_old_timeval tv = {.tv_sec = now / NSEC_PER_SEC,
					  .tv_usec = now % NSEC_PER_SEC / NSEC_PER_USEC};
	int zone[2] = {atomic_load(&time_zone.minutes_west),
		       atomic_load(&time_zone.kind)};

	if (a->arg[0] && user_write(a->arg[0], &tv, sizeof(tv))) {
		return -EFAULT;
	}
	return a->arg[1] ? user_write(a->arg[1], zone, sizeof(zone)) : 0;
}

/* Both are read, and all but the zone's range is judged, before anybody asks for the right. */
static int read_time_and_zone(const struct syscall_arguments *a,
			      struct __kernel_old_timeval *tv, int zone[2])
{
	if (a->arg[0]) {
		if (user_read(tv, a->arg[0], sizeof(*tv))) {
			return -EFAULT;
		}
		if (tv->tv_usec < 0 || tv->tv_usec >= USEC_PER_SEC) {
			return -EINVAL;
		}
	}
	if (a->arg[1] && user_read(zone, a->arg[1], 2 * sizeof(*zone))) {
		return -EFAULT;
	}
	return a->arg[0] && (tv->tv_sec < 0 || tv->tv_sec > INT64_MAX / NSEC_PER_SEC - 1)
		       ? -EINVAL
		       : 0;
}

long sys_settimeofday(const struct syscall_arguments *a)
{
	struct __kernel_old_timeval tv;
	int zone[2], error = read_time_and_zone(a, &tv, zone);

	if (error) {
		return error;
	}
	if (!current_capable(CAP_SYS_TIME)) {
		return -EPERM;
	}
	if (a->arg[1]) {
		if (zone[0] > ZONE_MINUTES_MAX || zone[0] < -ZONE_MINUTES_MAX) {
			return -EINVAL;
		}
		atomic_store(&time_zone.minutes_west, zone[0]);
		atomic_store(&time_zone.kind, zone[1]);
	}
	if (a->arg[0]) {
		clock_set_realtime(tv.tv_sec * NSEC_PER_SEC + tv.tv_usec * NSEC_PER_USEC);
	}
	return 0;
}

long sys_time(const struct syscall_arguments *a)
{
	s64 now = clock_realtime() / NSEC_PER_SEC;

	if (a->arg[0] && user_write(a->arg[0], &now, sizeof(now))) {
		return -EFAULT;
	}
	return now;
}

/* ---- sleeping ---- */

enum { RESTART_DEADLINE, RESTART_REMAINING };

static int write_remaining(vaddr_t to, nsec_t deadline)
{
	return to ? write_timespec(to, MAX(deadline - clock_monotonic(), (nsec_t)0)) : 0;
}

static long sleep_again(struct thread *thread)
{
	nsec_t deadline = (nsec_t)thread->restart_data[RESTART_DEADLINE];
	vaddr_t remaining = thread->restart_data[RESTART_REMAINING];

	if (sched_sleep_until(deadline, THREAD_INTERRUPTIBLE) == 0) {
		return 0;
	}
	return write_remaining(remaining, deadline) ? -EFAULT : -ERESTART_BLOCK;
}

/* A relative sleep: a signal without a handler lets it go on to the same end. */
static long sleep_for(nsec_t length, vaddr_t remaining)
{
	struct thread *thread = current_thread();

	thread->restart = sleep_again;
	thread->restart_data[RESTART_DEADLINE] = (u64)nsec_add(clock_monotonic(), length);
	thread->restart_data[RESTART_REMAINING] = remaining;
	return sleep_again(thread);
}

long sys_nanosleep(const struct syscall_arguments *a)
{
	nsec_t length;
	int error = read_timespec(a->arg[0], &length);

	return error ? error : sleep_for(length, a->arg[1]);
}

/* CPU clocks move only while somebody runs: look again after what is missing has passed at the least. */
static long sleep_on_cpu_clock(int clock, nsec_t until)
{
	for (;;) {
		nsec_t now;
		int error = read_clock(clock, &now);

		if (error || now >= until) {
			return error;
		}
		if (sched_sleep_until(
			    nsec_add(clock_monotonic(), MAX(until - now, NSEC_PER_MSEC)),
			    THREAD_INTERRUPTIBLE)) {
			return -ERESTART_NO_HANDLER;
		}
	}
}

static long sleep_until_realtime(nsec_t when)
{
	bool passed = false, broken = false;

	while (!passed && !broken) {
		sched_prepare_wait(THREAD_INTERRUPTIBLE);
		passed = clock_realtime() >= when;
		broken = sched_break_pending(THREAD_INTERRUPTIBLE);
		if (!passed && !broken) {
			sched_block_realtime(when);
		}
		sched_finish_wait();
	}
	return passed ? 0 : -ERESTART_NO_HANDLER;
}

static long sleep_until(int clock, nsec_t when)
{
	nsec_t deadline = current_time_to_kernel(clock, when);

	if (clock == CLOCK_REALTIME || clock == CLOCK_TAI ||
	    clock == CLOCK_REALTIME_ALARM) {
		return sleep_until_realtime(when);
	}
	return sched_sleep_until(MAX(deadline, (nsec_t)0), THREAD_INTERRUPTIBLE)
		       ? -ERESTART_NO_HANDLER
		       : 0;
}

/* It stands still while its thread sleeps. */
static bool is_own_thread_clock(int clock)
{
	pid_nr number = ~(clock >> 3);

	return clock == CLOCK_THREAD_CPUTIME_ID ||
	       (clock < 0 && (clock & CPU_CLOCK_THREAD) &&
		(clock & CPU_CLOCK_KIND) != CPU_CLOCK_KIND &&
		(number == 0 || number == thread_number(current_thread())));
}

long sys_clock_nanosleep(const struct syscall_arguments *a)
{
	int clock = (int)a->arg[0], error;
	bool absolute = a->arg[1] & TIMER_ABSTIME, cpu;
	nsec_t length, now;

	if (is_own_thread_clock(clock)) {
		return -EINVAL;
	}
	if (clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE ||
	    clock == CLOCK_MONOTONIC_RAW) {
		return -EOPNOTSUPP;
	}
	error = read_clock(clock, &now);
	if (!error) {
		error = read_timespec(a->arg[2], &length);
	}
	if (error) {
		return error;
	}
	cpu = clock == CLOCK_PROCESS_CPUTIME_ID || clock < 0;
	if (cpu) {
		return sleep_on_cpu_clock(clock,
					  absolute ? length : nsec_add(now, length));
	}
	return absolute ? sleep_until(clock, length) : sleep_for(length, a->arg[3]);
}
