// SPDX-License-Identifier: MIT
/* Between the files of POSIX timers. Everything here is guarded by the process's signal_lock. */
#pragma once

#include "process/posix_timers.h"
#include "time/timer.h"

enum posix_timer_state {
	POSIX_TIMER_OFF, /* not set, expired for good, or SIGEV_NONE: reading it is all there is */
	POSIX_TIMER_ARMED, /* it expires at `next` */
	POSIX_TIMER_PARKED, /* it has expired and has an interval: armed again when its signal is taken */
};

struct posix_timer {
	struct list link; /* process.posix_timers */
	int id;
	int clock;
	int notify; /* SIGEV_* */
	struct process *process;
	struct thread *target; /* SIGEV_THREAD_ID; a reference */

	bool cpu; /* I: `next` is CPU time; `timer` is not used but for `other` */
	struct thread *measured; /* I: whose CPU time, a reference; NULL: the process's */
	struct list armed;       /* cpu: process.cpu_timers.posix while it is set */
	struct process *other; /* I: another process, whose CPU time it is; a reference */
	nsec_t other_used;     /* what that had used when it was looked at */
	unsigned other_threads; /* that could use more then */
	bool other_gone;        /* it had been reaped by then */

	struct timer timer;
	bool absolute; /* as it was set last: on CLOCK_REALTIME `next` moves when that clock is set, */
	nsec_t offset; /* which stood so far from CLOCK_MONOTONIC then */
	nsec_t interval;
	nsec_t next; /* of CLOCK_MONOTONIC or the CPU time: the expiry that is due; 0: none. CLOCK_REALTIME's may be < 0 */
	enum posix_timer_state state;
	s64 overrun;       /* since the expiry that the signal tells */
	long last_overrun; /* what timer_getoverrun tells */
	struct queued_signal entry;
};

/* posix_timer_expiry.c; signal_lock held but for the callbacks */

/* Now, on its clock. */
nsec_t posix_timer_time(const struct posix_timer *timer);
/* It has an interval: `next` moves beyond now, and what it passes are overruns. */
void posix_timer_skip(struct posix_timer *timer, nsec_t now);
/* As `next`: 0 says that there is none. */
static inline nsec_t posix_timer_point(nsec_t time)
{
	return time ? time : 1;
}
/* To expire at `next`. */
void posix_timer_arm(struct posix_timer *timer);
/* It expires now: its signal is sent, `next` moves by the interval. */
void posix_timer_expire_locked(struct posix_timer *timer);
/* It was set to a point of CLOCK_REALTIME. */
bool posix_timer_follows_realtime(const struct posix_timer *timer);
/* The callbacks of posix_timer.timer and posix_timer.entry. */
void posix_timer_expired(struct timer *clock_timer);
void posix_timer_signal_taken(struct queued_signal *entry, siginfo_t *info);

/* A new timer's clock is CPU time: whose? -EINVAL: nobody's, or that of a thread of another process. */
int posix_cpu_timer_measure(struct posix_timer *timer) must_check;
/* How much has been used on its clock; by another process, when it was last looked at. signal_lock held. */
nsec_t posix_cpu_timer_used(const struct posix_timer *timer);
/* When it expires as it is set. signal_lock held. */
nsec_t posix_cpu_timer_first(const struct posix_timer *timer,
			     const struct posix_timer_setting *setting) must_check;
/* From now on it expires at `next`. signal_lock held. */
void posix_cpu_timer_arm(struct posix_timer *timer);

/* posix_other_timers.c */
struct posix_timer *posix_timer_find_locked(struct process *process, int id);
/* If the timer is on another process's clock: read that clock. No lock held. */
void posix_other_timer_look(struct process *process, int id);
/* It is set to `next`, not 0: look when the other process can have used that. signal_lock held. */
void posix_other_timer_start(struct posix_timer *timer);
/* The callback of posix_timer.timer for these. */
void posix_other_timer_expired(struct timer *clock_timer);
