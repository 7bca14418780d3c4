// SPDX-License-Identifier: MIT
/*
 * Queues of pending signals, and the entries in them.
 *
 * A bare signal, without an entry, is one of the kernel that has nothing to tell (SI_KERNEL), or one whose sender was short of memory or of
 * the user's limit (SI_USER of nobody). Queues are guarded by the process's signal_lock; entries are made and freed outside it.
 */
#include "process/signal/signal.h"

#include "cred/user_account.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/cpu_timers.h"
#include "process/current.h"
#include "process/signal/signal_internal.h"

OBJECT_CACHE(entry_cache, queued_signal);

void signal_queue_init(struct signal_queue *queue)
{
	queue->pending = queue->bare = queue->from_kernel = 0;
	list_init(&queue->queued);
}

struct queued_signal *signal_entry_create(void)
{
	struct queued_signal *entry = object_allocate(&entry_cache);

	if (entry) {
		list_init(&entry->link);
	}
	return entry;
}

bool signal_entry_charge(struct queued_signal *entry, struct process *process,
			 struct thread *thread, bool force)
{
	struct user_account *account =
		thread ? thread_get_account(thread) : process_get_account(process);

	if (!account) {
		return true; // it is being reaped
	}
	if (force) {
		user_account_charge_anyway(account, USER_SIGNALS, 1);
	} else if (!user_account_charge(account, USER_SIGNALS, 1,
					process_limit(process, RLIMIT_SIGPENDING))) {
		user_account_put(account);
		return false;
	}
	entry->account = account;
	return true;
}

void signal_entry_give_back(struct queued_signal *entry)
{
	if (entry->account) {
		user_account_give_back(entry->account, USER_SIGNALS, 1);
		user_account_put(entry->account);
		entry->account = NULL;
	}
}

void signal_entry_destroy(struct queued_signal *entry)
{
	if (!entry || entry->embedded) {
		return;
	}
	signal_entry_give_back(entry);
	object_free(&entry_cache, entry);
}

void signal_queue_flush(struct signal_queue *queue, signal_mask which)
{
	struct queued_signal *entry, *next;

	queue->pending &= ~which;
	queue->bare &= ~which;
	queue->from_kernel &= ~which;
	list_for_each_safe(entry, next, &queue->queued, link) {
		if (which & SIGNAL_BIT(entry->info.si_signo)) {
			list_remove(&entry->link);
			signal_entry_destroy(entry);
		}
	}
}

/* Which of `pending` comes first: faults of the thread itself, then by number. */
static int first_signal(signal_mask pending)
{
	const signal_mask synchronous = SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) |
					SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) |
					SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS);

	if (pending & synchronous) {
		pending &= synchronous;
	}
	return pending ? __builtin_ctzll(pending) + 1 : 0;
}

static struct queued_signal *first_entry(struct signal_queue *queue, int signal)
{
	struct queued_signal *entry;

	list_for_each(entry, &queue->queued, link) {
		if (entry->info.si_signo == signal) {
			return entry;
		}
	}
	return NULL;
}

void signal_queue_settle(struct signal_queue *queue, int signal)
{
	if (!(queue->bare & SIGNAL_BIT(signal)) && !first_entry(queue, signal)) {
		queue->pending &= ~SIGNAL_BIT(signal);
	}
}

static void take_bare(struct signal_queue *queue, int signal, siginfo_t *info)
{
	signal_information_kernel(info, signal);
	if (!(queue->from_kernel & SIGNAL_BIT(signal))) {
		info->si_code = SI_USER;
	}
	queue->bare &= ~SIGNAL_BIT(signal);
	queue->from_kernel &= ~SIGNAL_BIT(signal);
}

int signal_take_from_queue(struct signal_queue *queue, signal_mask mask, siginfo_t *info,
			   struct queued_signal **used)
{
	int signal = first_signal(queue->pending & mask);
	struct queued_signal *entry;

	if (!signal) {
		return 0;
	}
	if (queue->bare & SIGNAL_BIT(signal)) {
		take_bare(queue, signal, info);
	} else {
		entry = first_entry(queue, signal);
		*info = entry->info;
		list_remove(&entry->link);
		if (entry->taken) {
			entry->taken(entry, info);
		}
		*used = entry->embedded ? NULL : entry;
	}
	signal_queue_settle(queue, signal);
	return signal;
}

int signal_dequeue(signal_mask mask, siginfo_t *info)
{
	struct thread *thread = current_thread();
	struct process *process = thread->process;
	struct queued_signal *used = NULL;
	int signal;
	u64 flags = spin_lock_irq(&process->signal_lock);

	signal = signal_take_from_queue(&thread->signals.queue, mask, info, &used);
	if (!signal) {
		signal = signal_take_from_queue(&process->shared_signals, mask, info,
						&used);
		if (signal == SIGALRM) {
			interval_timer_signal_taken(process);
		}
	}
	thread->stop_dequeued = signal && (SIGNALS_STOPPING & SIGNAL_BIT(signal));
	signal_recalculate_locked(thread);
	spin_unlock_irq(&process->signal_lock, flags);
	signal_entry_destroy(used);
	return signal;
}

void signal_information_kernel(siginfo_t *info, int signal)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = signal;
	info->si_code = SI_KERNEL;
}

void signal_information_user(siginfo_t *info, int signal, int code)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = signal;
	info->si_code = code;
	info->si_pid = process_number(current_process());
	info->si_uid = current_uid_shown(current_credentials()->uid);
}
