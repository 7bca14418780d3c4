// SPDX-License-Identifier: MIT
/*
 * POSIX timers.
 *
 * Owns      struct posix_timer, linked in process.posix_timers.
 * Locks     process.signal_lock (irq-safe): everything but the clock's own part of the timer.
 *
 * A timer carries its one queue entry with it, so that expiring never allocates; the entry counts as a queued signal of who
 * made the timer (RLIMIT_SIGPENDING) for as long as the timer is there. Expiries while the entry is still queued are
 * counted as overruns and told with the signal. A timer that is deleted is unlinked first, so that its callback, which looks
 * at `deleted` under the lock, does nothing more; then cancelled; then freed.
 */
#include "process/posix_timers.h"

#include "cred/user_account.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "process/cpu_timers.h"
#include "process/current.h"
#include "process/namespace/time_namespace.h"
#include "time/clock.h"
#include "time/timer.h"
#include <linux/time.h>

enum { TIMERS_MAX = 4096, OVERRUN_MAX = INT32_MAX };

struct posix_timer {
	struct list link; /* process.posix_timers */
	int id;
	int clock;
	int notify; /* SIGEV_* */
	struct process *process;
	struct thread *target; /* SIGEV_THREAD_ID; a reference */
	struct timer timer;
	nsec_t interval;
	nsec_t next;      /* of CLOCK_MONOTONIC: the expiry that is due */
	u32 overrun;      /* since the signal was queued */
	u32 last_overrun; /* what timer_getoverrun tells */
	bool deleted;
	struct queued_signal entry;
};
OBJECT_CACHE(timer_cache, posix_timer);

static void entry_taken(struct queued_signal *entry, siginfo_t *info)
{
	struct posix_timer *timer = container_of(entry, struct posix_timer, entry);

	info->si_overrun = (int)timer->overrun;
	timer->last_overrun = timer->overrun;
	timer->overrun = 0;
}

/* The lock is not held: posting takes it. */
static void expired(struct timer *clock_timer)
{
	struct posix_timer *timer = container_of(clock_timer, struct posix_timer, timer);
	struct process *process = timer->process;
	struct queued_signal *entry = &timer->entry;
	bool send = false;
	u64 flags = spin_lock_irq(&process->signal_lock);

	if (!timer->deleted) {
		if (!list_empty(&timer->entry.link)) {
			timer->overrun = MIN(timer->overrun + 1, (u32)OVERRUN_MAX);
		} else {
			send = timer->notify != SIGEV_NONE;
		}
		if (timer->interval > 0) {
			nsec_t now = clock_monotonic();

			timer->next = nsec_add(timer->next, timer->interval);
			if (timer->next <= now) {
				s64 missed = (now - timer->next) / timer->interval + 1;

				timer->overrun = (u32)MIN((s64)timer->overrun + missed,
							  (s64)OVERRUN_MAX);
				timer->next += missed * timer->interval;
			}
			timer_start(&timer->timer, timer->next);
		}
	}
	spin_unlock_irq(&process->signal_lock, flags);
	if (send) {
		(void)signal_post(process, timer->target, timer->entry.info.si_signo,
				  &entry);
	}
}

static struct posix_timer *find_locked(struct process *process, int id)
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
		while (find_locked(process,
				   (int)(process->next_posix_timer & INT32_MAX))) {
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

	if (clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID ||
	    clock < 0) {
		return -EOPNOTSUPP;
	}
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC &&
	    clock != CLOCK_BOOTTIME) {
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
	timer->entry.embedded = true;
	timer->entry.taken = entry_taken;
	err = charge_entry(timer);
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

static void read_setting(const struct posix_timer *timer, struct posix_timer_setting *out)
{
	*out = (struct posix_timer_setting){.interval = timer->interval};
	if (timer->next) {
		nsec_t left = timer->next - clock_monotonic();

		if (left > 0) {
			out->value = left;
		} else if (timer_pending(&timer->timer)) {
			out->value = 1; // due any moment, but armed
		}
	}
}

static nsec_t first_expiry(const struct posix_timer *timer,
			   const struct posix_timer_setting *setting)
{
	nsec_t now = clock_monotonic();

	if (!setting->absolute) {
		return nsec_add(now, setting->value);
	}
	if (timer->clock == CLOCK_REALTIME) {
		return nsec_add(now, MAX(setting->value - clock_realtime(), 0LL));
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
		timer = find_locked(process, id);
		if (!timer || timer_try_cancel(&timer->timer) != -EBUSY) {
			return timer;
		}
		spin_unlock_irq(&process->signal_lock, *flags);
		arch_cpu_relax();
	}
}

int posix_timer_set(int id, const struct posix_timer_setting *setting,
		    struct posix_timer_setting *old)
{
	struct process *process = current_process();
	struct posix_timer *timer;
	u64 flags;

	flags = spin_lock_irq(&process->signal_lock);
	timer = find_locked(process, id);
	if (timer) {
		read_setting(timer, old);
	}
	spin_unlock_irq(&process->signal_lock, flags);
	timer = stop_timer(process, id, &flags);
	if (timer) {
		timer->interval = setting->value ? setting->interval : 0;
		timer->next = 0;
		timer->overrun = 0;
		if (setting->value) {
			timer->next = first_expiry(timer, setting);
			timer_start(&timer->timer, timer->next);
		}
	}
	spin_unlock_irq(&process->signal_lock, flags);
	return timer ? 0 : -EINVAL;
}

int posix_timer_get(int id, struct posix_timer_setting *out)
{
	struct process *process = current_process();
	struct posix_timer *timer;
	u64 flags = spin_lock_irq(&process->signal_lock);

	timer = find_locked(process, id);
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

	timer = find_locked(process, id);
	overrun = timer ? (long)timer->last_overrun : -EINVAL;
	spin_unlock_irq(&process->signal_lock, flags);
	return overrun;
}

/* Out of the list and out of the signal queue; nobody finds it any more. signal_lock held. */
static void unlink_locked(struct posix_timer *timer)
{
	timer->deleted = true;
	list_remove(&timer->link);
	timer->process->posix_timer_count--;
}

/* The queue it waits in must forget its entry. signal_lock held. */
static void unqueue_locked(struct posix_timer *timer)
{
	struct queued_signal *entry = &timer->entry;
	struct signal_queue *queue = timer->target ? &timer->target->signals.queue
						   : &timer->process->shared_signals;
	struct queued_signal *other;

	if (list_empty(&entry->link)) {
		return;
	}
	list_remove(&entry->link);
	list_for_each(other, &queue->queued, link) {
		if (other->info.si_signo == entry->info.si_signo) {
			return;
		}
	}
	queue->pending &= ~SIGNAL_BIT(entry->info.si_signo);
}

int posix_timer_delete(int id)
{
	struct process *process = current_process();
	struct posix_timer *timer;
	u64 flags;

	timer = stop_timer(process, id, &flags);
	if (timer) {
		unlink_locked(timer);
		unqueue_locked(timer);
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
			unqueue_locked(timer);
		}
		spin_unlock_irq(&process->signal_lock, flags);
		if (timer) {
			destroy(timer);
		}
	}
}
