// SPDX-License-Identifier: MIT
/*
 * Timers of a process: the interval timers (real, virtual, profiling) and RLIMIT_CPU.
 *
 * Guarded by process.signal_lock. The CPU-time ones are looked at on each return to user mode of a process that has one
 * (RETURN_CPU_TIMERS); a timer sees to it that running threads come that way within some milliseconds of what is due.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"
#include "time/timer.h"

struct process;

/* Numbers of per-process and per-thread CPU clocks, which are negative: clock_getcpuclockid(3). The number is ~(clock >> 3). */
enum { CPU_CLOCK_THREAD = 4, CPU_CLOCK_KIND = 3 };

struct interval {
	u64 value_ns;    /* until it expires; 0: not set */
	u64 interval_ns; /* then again; 0: once */
};

struct cpu_timers {
	u64 expires[2],
		interval[2]; /* virtual, profiling: in CPU time used by the process, ns */
	struct list posix;  /* posix_timer.armed: POSIX timers on CPU time that are set */
	u64 limit_next;     /* RLIMIT_CPU: CPU time of the next SIGXCPU; 0: no limit */
	struct timer watch; /* runs while one of these is set */
	bool stopped;       /* it does not start any more */
};

void cpu_timers_init(struct process *process);
/* A new process, not published yet, has its limits. */
void cpu_timers_inherit_limit(struct process *process);
/* which: ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF. */
void interval_timer_get(struct process *process, int which, struct interval *out);
void interval_timer_set(struct process *process, int which, const struct interval *value,
			struct interval *old);
/* SIGALRM of the process has been taken: ITIMER_REAL goes on. signal_lock held. */
void interval_timer_signal_taken(struct process *process);
/* RLIMIT_CPU has changed. */
void cpu_timers_set_limit(struct process *process);
/* RLIMIT_RTTIME has changed. */
void cpu_timers_watch_realtime(struct process *process);
/* Send what is due to the running thread's process. */
void cpu_timers_check(void);
/* CPU time of all threads, dead ones too. signal_lock held. */
u64 cpu_time_locked(struct process *process);
/* Something that counts CPU time has been set: threads look at it on their way to user mode from now on. signal_lock held. */
void cpu_timers_watch_locked(struct process *process);
/* The process is a zombie: nothing expires any more. */
void cpu_timers_stop(struct process *process);
/* exec keeps interval timers but drops POSIX ones; exit drops both. */
void posix_timers_drop(struct process *process);
