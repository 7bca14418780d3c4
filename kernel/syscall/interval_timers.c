// SPDX-License-Identifier: MIT
/* getitimer(2), setitimer(2), alarm(2). */
#include "process/cpu_timers.h"

#include "lib/string.h"
#include "mm/usercopy.h"
#include "process/process.h"
#include "syscall/syscall.h"
#include <asm/unistd.h>
#include <linux/time.h>
#include <linux/time_types.h>

static u64 timeval_ns(const struct __kernel_old_timeval *tv)
{
	return MIN((u64)tv->tv_sec, (u64)INT64_MAX / NSEC_PER_SEC - 1) * NSEC_PER_SEC +
	       (u64)tv->tv_usec * NSEC_PER_USEC;
}

static bool timeval_ok(const struct __kernel_old_timeval *tv)
{
	return tv->tv_sec >= 0 && tv->tv_usec >= 0 && tv->tv_usec < 1000000;
}

static int write_interval(vaddr_t to, const struct interval *interval)
{
	struct __kernel_old_itimerval out = {
		.it_interval = {.tv_sec = (long)(interval->interval_ns / NSEC_PER_SEC),
				.tv_usec = (long)(interval->interval_ns % NSEC_PER_SEC /
						  1000)},
		.it_value = {.tv_sec = (long)(interval->value_ns / NSEC_PER_SEC),
			     .tv_usec = (long)(interval->value_ns % NSEC_PER_SEC / 1000)},
	};

	return user_write(to, &out, sizeof(out));
}

long sys_getitimer(const struct syscall_arguments *a)
{
	struct interval interval;

	if ((unsigned)a->arg[0] > ITIMER_PROF) {
		return -EINVAL;
	}
	interval_timer_get(current_process(), (int)a->arg[0], &interval);
	return write_interval(a->arg[1], &interval);
}

long sys_setitimer(const struct syscall_arguments *a)
{
	struct __kernel_old_itimerval value;
	struct interval fresh, old;
	int err = 0;

	memset(&value, 0, sizeof(value)); // no pointer: off
	if (a->arg[1]) {
		err = user_read(&value, a->arg[1], sizeof(value));
	}
	if (err) {
		return err;
	}
	if ((unsigned)a->arg[0] > ITIMER_PROF || !timeval_ok(&value.it_value) ||
	    !timeval_ok(&value.it_interval)) {
		return -EINVAL;
	}
	fresh.value_ns = timeval_ns(&value.it_value);
	fresh.interval_ns = timeval_ns(&value.it_interval);
	interval_timer_set(current_process(), (int)a->arg[0], &fresh, &old);
	return a->arg[2] ? write_interval(a->arg[2], &old) : 0;
}

#ifdef __NR_alarm
long sys_alarm(const struct syscall_arguments *a)
{
	struct interval fresh = {.value_ns = (u64)(u32)a->arg[0] * NSEC_PER_SEC}, old;
	u64 seconds;

	interval_timer_set(current_process(), ITIMER_REAL, &fresh, &old);
	seconds = (old.value_ns + NSEC_PER_SEC / 2) / NSEC_PER_SEC;
	return old.value_ns && !seconds ? 1 : (long)seconds;
}
#endif
