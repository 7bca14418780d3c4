// SPDX-License-Identifier: MIT
/*
 * POSIX timers.
 *
 * Owns      struct posix_timer, linked in process.posix_timers. Those on CPU time expire in posix_cpu_timers.c.
 * Locks     process.signal_lock (irq-safe): everything but the clock's own part of the timer.
 *
 * A timer carries its one queue entry with it, so that expiring never allocates; the entry counts as a queued signal of who
 * made the timer (RLIMIT_SIGPENDING) for as long as the timer is there.
 */
#include "process/posix_timers_internal.h"

#include "cred/user_account.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "process/current.h"
#include "process/namespace/pid_namespace.h"
#include "process/namespace/time_namespace.h"
#include "time/clock.h"
#include "time/timer.h"
#include <linux/time.h>

enum { TIMERS_MAX = 4096 };

OBJECT_CACHE(timer_cache, posix_timer);

struct posix_timer *posix_timer_find_locked(struct process *process, int id)
{
	struct posix_timer *timer;

	list_for_each(timer, &process->posix_timers, link) {
		if (timer->id == id) {
			return timer;
		}
	}
	return NULL;
}

/* Who is told, and how. */
static int apply_event(struct posix_timer *timer, const struct sigevent *event)
{
	siginfo_t *info = &timer->entry.info;

	info->si_signo = SIGALRM;
	info->si_code = SI_TIMER;
	timer->notify = SIGEV_SIGNAL;
	if (!event) {
		info->si_value.sival_int = timer->id;
		return 0;
	}
	timer->notify = event->sigev_notify;
	info->si_value = event->sigev_value;
	if (timer->notify == SIGEV_NONE) {
		return 0;
	}
	if (event->sigev_signo < 1 || event->sigev_signo > SIGNAL_COUNT) {
		return -EINVAL;
	}
	info->si_signo = event->sigev_signo;
	if (timer->notify == (SIGEV_SIGNAL | SIGEV_THREAD_ID)) {
		timer->target = thread_find(event->_sigev_un._tid);
		return timer->target && timer->target->process == timer->process
			       ? 0
			       : -EINVAL;
	}
	return timer->notify == SIGEV_SIGNAL || timer->notify == SIGEV_THREAD ? 0
									      : -EINVAL;
}

/* The entry counts from now on, until destroy(). */
static int charge_entry(struct posix_timer *timer)
{
	struct user_account *account = current_thread()->account;

	if (!user_account_charge(account, USER_SIGNALS, 1,
				 current_limit(RLIMIT_SIGPENDING))) {
		return -EAGAIN;
	}
	user_account_get(account);
	timer->entry.account = account;
	return 0;
}

static void destroy(struct posix_timer *timer)
{
	struct user_account *account = timer->entry.account;

	if (account) {
		user_account_give_back(account, USER_SIGNALS, 1);
		user_account_put(account);
	}
	thread_put(timer->target);
	thread_put(timer->measured);
	process_put(timer->other);
	object_free(&timer_cache, timer);
}

static int link_timer(struct process *process, struct posix_timer *timer)
{
	u64 flags = spin_lock_irq(&process->signal_lock);
	int err = 0;

	if (process->posix_timer_count >= TIMERS_MAX) {
		err = -EAGAIN;
	} else {
		process->posix_timer_count++;
		while (posix_timer_find_locked(
			process, (int)(process->next_posix_timer & INT32_MAX))) {
			process->next_posix_timer++;
		}
		timer->id = (int)(process->next_posix_timer++ & INT32_MAX);
		timer->entry.info.si_tid = timer->id;
		list_push_back(&process->posix_timers, &timer->link);
	}
	spin_unlock_irq(&process->signal_lock, flags);
	return err;
}

int posix_timer_create(int clock, const struct sigevent *event, int *id)
{
	struct process *process = current_process();
	struct posix_timer *timer;
	int err;

	bool cpu = clock == CLOCK_PROCESS_CPUTIME_ID ||
		   clock == CLOCK_THREAD_CPUTIME_ID || clock < 0;

	if (!cpu && clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC &&
	    clock != CLOCK_BOOTTIME && clock != CLOCK_TAI) {
		return -EINVAL;
	}
	timer = object_allocate(&timer_cache);
	if (!timer) {
		return -EAGAIN;
	}
	timer->process = process;
	timer->clock = clock;
	timer_init(&timer->timer, posix_timer_expired);
	list_init(&timer->entry.link);
	list_init(&timer->armed);
	timer->entry.embedded = true;
	timer->entry.taken = posix_timer_signal_taken;
	timer->cpu = cpu;
	err = cpu ? posix_cpu_timer_measure(timer) : 0;
	if (timer->other) {
		timer_init(&timer->timer, posix_other_timer_expired);
	}
	if (!err) {
		err = charge_entry(timer);
	}
	if (!err) {
		err = apply_event(timer, event);
	}
	if (!err) {
		err = link_timer(process, timer);
	}
	if (err) {
		destroy(timer);
		return err;
	}
	if (!event) {
		timer->entry.info.si_value.sival_int = timer->id;
	}
	*id = timer->id;
	return 0;
}

static void read_setting(struct posix_timer *timer, struct posix_timer_setting *out)
{
	nsec_t now;

	*out = (struct posix_timer_setting){0};
	if (timer->other_gone) {
		return;
	}
	out->interval = timer->interval;
	if (!timer->next) {
		return;
	}
	now = posix_timer_time(timer);
	if (timer->interval && timer->state != POSIX_TIMER_ARMED) {
		posix_timer_skip(timer, now);
	}
	// Armed and due any moment is not the same as off.
	out->value =
		MAX(timer->next - now, timer->state == POSIX_TIMER_ARMED ? 1LL : 0LL);
}

static nsec_t first_expiry(struct posix_timer *timer,
			   const struct posix_timer_setting *setting)
{
	timer->absolute = setting->absolute;
	if (!setting->absolute) {
		return nsec_add(clock_monotonic(), setting->value);
	}
	if (posix_timer_follows_realtime(timer)) {
		timer->offset = clock_realtime_offset();
		return posix_timer_point(setting->value - timer->offset);
	}
	return current_time_to_kernel(timer->clock, setting->value);
}

/* The timer stops, for good or to be set anew: its callback is neither running nor pending. signal_lock held, dropped in between. */
static struct posix_timer *stop_timer(struct process *process, int id, u64 *flags)
	ACQUIRES(&process->signal_lock) NO_THREAD_SAFETY
{
	for (;;) {
		struct posix_timer *timer;

		*flags = spin_lock_irq(&process->signal_lock);
		timer = posix_timer_find_locked(process, id);
		if (!timer || timer_try_cancel(&timer->timer) != -EBUSY) {
			return timer;
		}
		spin_unlock_irq(&process->signal_lock, *flags);
		arch_cpu_relax();
	}
}

/* signal_lock held. */
static void unqueue_locked(struct posix_timer *timer)
{
	if (!list_empty(&timer->entry.link)) {
		list_remove(&timer->entry.link);
		signal_queue_settle(timer->target ? &timer->target->signals.queue
						  : &timer->process->shared_signals,
				    timer->entry.info.si_signo);
	}
}

/* signal_lock held; it is stopped, and its signal not queued. */
static void set_locked(struct posix_timer *timer,
		       const struct posix_timer_setting *setting)
{
	list_remove(&timer->armed);
	timer->state = POSIX_TIMER_OFF;
	timer->next = 0;
	timer->overrun = timer->last_overrun = 0;
	timer->interval = setting->value ? setting->interval : 0;
	if (!setting->value) {
		return;
	}
	timer->next = timer->cpu ? posix_cpu_timer_first(timer, setting)
				 : first_expiry(timer, setting);
	if (timer->notify != SIGEV_NONE) {
		posix_timer_arm(timer);
	}
}

int posix_timer_set(int id, const struct posix_timer_setting *setting,
		    struct posix_timer_setting *old)
{
	struct process *process = current_process();
	struct posix_timer *timer;
	int error = 0;
	u64 flags;

	posix_other_timer_look(process, id);
	flags = spin_lock_irq(&process->signal_lock);
	timer = posix_timer_find_locked(process, id);
	if (timer) {
		read_setting(timer, old);
	}
	spin_unlock_irq(&process->signal_lock, flags);
	timer = stop_timer(process, id, &flags);
	error = !timer ? -EINVAL : timer->other_gone ? -ESRCH : 0;
	if (!error) {
		unqueue_locked(timer);
		set_locked(timer, setting);
	}
	spin_unlock_irq(&process->signal_lock, flags);
	return error;
}

int posix_timer_get(int id, struct posix_timer_setting *out)
{
	struct process *process = current_process();
	struct posix_timer *timer;
	u64 flags;

	posix_other_timer_look(process, id);
	flags = spin_lock_irq(&process->signal_lock);
	timer = posix_timer_find_locked(process, id);
	if (timer) {
		read_setting(timer, out);
	}
	spin_unlock_irq(&process->signal_lock, flags);
	return timer ? 0 : -EINVAL;
}

long posix_timer_overrun(int id)
{
	struct process *process = current_process();
	struct posix_timer *timer;
	long overrun;
	u64 flags = spin_lock_irq(&process->signal_lock);

	timer = posix_timer_find_locked(process, id);
	overrun = timer ? timer->last_overrun : -EINVAL;
	spin_unlock_irq(&process->signal_lock, flags);
	return overrun;
}

/* Out of the list and out of the signal queue; nobody finds it any more. signal_lock held. */
static void unlink_locked(struct posix_timer *timer)
{
	list_remove(&timer->link);
	list_remove(&timer->armed);
	timer->process->posix_timer_count--;
	unqueue_locked(timer);
}

int posix_timer_delete(int id)
{
	struct process *process = current_process();
	struct posix_timer *timer;
	u64 flags;

	timer = stop_timer(process, id, &flags);
	if (timer) {
		unlink_locked(timer);
	}
	spin_unlock_irq(&process->signal_lock, flags);
	if (!timer) {
		return -EINVAL;
	}
	destroy(timer);
	return 0;
}

void posix_timers_drop(struct process *process)
{
	for (;;) {
		struct posix_timer *timer = NULL;
		u64 flags = spin_lock_irq(&process->signal_lock);
		int id = -1;

		if (!list_empty(&process->posix_timers)) {
			id = list_first(&process->posix_timers, struct posix_timer, link)
				     ->id;
		}
		spin_unlock_irq(&process->signal_lock, flags);
		if (id < 0) {
			return;
		}
		timer = stop_timer(process, id, &flags);
		if (timer) {
			unlink_locked(timer);
		}
		spin_unlock_irq(&process->signal_lock, flags);
		if (timer) {
			destroy(timer);
		}
	}
}
