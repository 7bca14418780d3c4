// SPDX-License-Identifier: MIT
/*
 * POSIX timers.
 *
 * Owns      struct posix_timer, linked in process.posix_timers. Those on CPU time expire in posix_cpu_timers.c.
 * Locks     process.signal_lock (irq-safe): everything but the clock's own part of the timer.
 *
 * A timer carries its one queue entry with it, so that expiring never allocates; the entry counts as a queued signal of who
 * made the timer (RLIMIT_SIGPENDING) for as long as the timer is there.
 *
 * However short its interval, a timer costs no more interrupts than its signals are taken: one that has expired is parked until
 * then, and what it would have expired meanwhile is counted as overruns. Where the signal is ignored it stays parked
 * until somebody wants it; where its thread has ended, for ever.
 */
#include "process/posix_timers_internal.h"

#include "core/panic.h"
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

static nsec_t time_of(const struct posix_timer *timer)
{
	return timer->cpu ? posix_cpu_timer_used(timer) : clock_monotonic();
}

/* `next` moves beyond now; what it passes are overruns. */
static void skip_to_now(struct posix_timer *timer)
{
	nsec_t now = time_of(timer);
	s64 passed;

	if (timer->next <= now) {
		passed = (now - timer->next) / timer->interval + 1;
		timer->next = nsec_add(timer->next, passed * timer->interval);
		timer->overrun += MIN(passed, (s64)INT32_MAX);
	}
}

/* To expire at `next`. signal_lock held. */
static void arm(struct posix_timer *timer)
{
	timer->state = POSIX_TIMER_ARMED;
	if (timer->cpu) {
		posix_cpu_timer_arm(timer);
	} else {
		timer_start(&timer->timer, timer->next);
	}
}

static void entry_taken(struct queued_signal *entry, siginfo_t *info)
{
	struct posix_timer *timer = container_of(entry, struct posix_timer, entry);

	if (timer->state == POSIX_TIMER_PARKED) {
		skip_to_now(timer);
		arm(timer);
	}
	timer->last_overrun = (long)MIN(timer->overrun, (s64)INT32_MAX);
	timer->overrun = 0;
	info->si_overrun = (int)timer->last_overrun;
}

static void send_locked(struct posix_timer *timer)
{
	struct queued_signal *entry = &timer->entry;

	(void)signal_post_locked(timer->process, timer->target, entry->info.si_signo,
				 &entry);
}

void posix_timer_expire_locked(struct posix_timer *timer)
{
	timer->state = timer->interval ? POSIX_TIMER_PARKED : POSIX_TIMER_OFF;
	timer->next = timer->interval ? nsec_add(timer->next, timer->interval) : 0;
	send_locked(timer);
}

void posix_timers_wanted_locked(struct process *process, int signal)
{
	struct posix_timer *timer;

	list_for_each(timer, &process->posix_timers, link) {
		if (timer->state == POSIX_TIMER_PARKED &&
		    timer->entry.info.si_signo == signal &&
		    list_empty(&timer->entry.link)) {
			send_locked(timer);
		}
	}
}

static void expired(struct timer *clock_timer)
{
	struct posix_timer *timer = container_of(clock_timer, struct posix_timer, timer);
	u64 flags = spin_lock_irq(&timer->process->signal_lock);

	if (timer->state == POSIX_TIMER_ARMED && timer->next > clock_monotonic()) {
		timer_start(&timer->timer, timer->next); // the clock was set back
	} else if (timer->state == POSIX_TIMER_ARMED) {
		posix_timer_expire_locked(timer);
	}
	spin_unlock_irq(&timer->process->signal_lock, flags);
}

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
	timer_init(&timer->timer, expired);
	list_init(&timer->entry.link);
	list_init(&timer->armed);
	timer->entry.embedded = true;
	timer->entry.taken = entry_taken;
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
	nsec_t left;

	*out = (struct posix_timer_setting){0};
	if (timer->other_gone) {
		return;
	}
	out->interval = timer->interval;
	if (!timer->next) {
		return;
	}
	if (timer->interval && timer->state != POSIX_TIMER_ARMED) {
		skip_to_now(timer);
	}
	left = timer->next - time_of(timer);
	// Armed and due any moment is not the same as off.
	out->value = MAX(left, timer->state == POSIX_TIMER_ARMED ? 1LL : 0LL);
}

static bool follows_realtime(const struct posix_timer *timer)
{
	return timer->absolute &&
	       (timer->clock == CLOCK_REALTIME || timer->clock == CLOCK_TAI);
}

static nsec_t first_expiry(struct posix_timer *timer,
			   const struct posix_timer_setting *setting)
{
	timer->absolute = setting->absolute;
	if (!setting->absolute) {
		return nsec_add(clock_monotonic(), setting->value);
	}
	if (follows_realtime(timer)) {
		timer->offset = clock_realtime_offset();
		return MAX(setting->value - timer->offset, 1LL);
	}
	return current_time_to_kernel(timer->clock, setting->value);
}

/* The clock was set: timers that wait for a point of it move. */
static void move_realtime_timers(struct process *process)
{
	u64 flags = spin_lock_irq(&process->signal_lock);
	struct posix_timer *timer;

	list_for_each(timer, &process->posix_timers, link) {
		nsec_t offset = clock_realtime_offset();

		if (!follows_realtime(timer) || !timer->next ||
		    timer->next == NSEC_NEVER) {
			continue;
		}
		timer->next = MAX(timer->next + timer->offset - offset, 1LL);
		timer->offset = offset;
		if (timer->state == POSIX_TIMER_ARMED) {
			timer_start(&timer->timer, timer->next);
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
	timer->overrun = 0;
	timer->interval = setting->value ? setting->interval : 0;
	if (!setting->value) {
		return;
	}
	timer->next = timer->cpu ? posix_cpu_timer_first(timer, setting)
				 : first_expiry(timer, setting);
	if (timer->notify != SIGEV_NONE) {
		arm(timer);
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
