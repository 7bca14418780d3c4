// SPDX-License-Identifier: MIT
/* POSIX timers (timer_create and its relatives). Guarded by the process's signal_lock. */
#pragma once

#include "lib/compiler.h"
#include "process/signal/signal.h"
#include <asm/siginfo.h>

struct posix_timer_setting {
	nsec_t value,
		interval; /* value: until it expires, or with `absolute` a point of the clock; 0: off */
	bool absolute;
};

/*
 * timer_create(2). clock: CLOCK_REALTIME, CLOCK_TAI, CLOCK_MONOTONIC, CLOCK_BOOTTIME, or CPU time of the process or one of its threads
 * (-EOPNOTSUPP: another process's). event NULL: SIGALRM. -EINVAL, -EAGAIN
 */
int posix_timer_create(int clock, const struct sigevent *event, int *id) must_check;
int posix_timer_set(int id, const struct posix_timer_setting *setting,
		    struct posix_timer_setting *old) must_check;
int posix_timer_get(int id, struct posix_timer_setting *out) must_check;
long posix_timer_overrun(int id);
int posix_timer_delete(int id) must_check;
/* Those on CPU time: what is left to the first (UINT64_MAX: none is set), ns, and send what is due. Any context. */
u64 posix_cpu_timers_left_locked(struct process *process);
void posix_cpu_timers_check_locked(struct process *process)
	MUST_HOLD(&process->signal_lock);
/* The signal is not ignored any more: timers that had nobody to tell send it. signal_lock held. */
void posix_timers_wanted_locked(struct process *process, int signal)
	MUST_HOLD(&process->signal_lock);
void posix_timers_init(void); /* boot */
