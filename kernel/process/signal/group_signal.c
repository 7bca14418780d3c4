// SPDX-License-Identifier: MIT
/*
 * Sending to a process, a group or everybody.
 *
 * A group is signalled under process_tree_lock, so that a fork is either in it by then or starts over (group_signals).
 * Entries cannot be made there: as many as there are members are made before.
 */
#include "process/signal/group_signal.h"

#include "lib/errno.h"
#include "process/current.h"
#include "process/pid.h"

long process_signal(struct process *process, const siginfo_t *info)
{
	long result = signal_may_send(process, info->si_signo);

	if (!result && info->si_signo) {
		result = signal_send(process, NULL, info);
	}
	return result;
}

long thread_signal(struct thread *thread, const siginfo_t *info)
{
	long result = signal_may_send(thread->process, info->si_signo);

	if (!result && info->si_signo) {
		result = signal_send(thread->process, thread, info);
	}
	return result;
}

static u32 count_members(struct pid *group)
{
	struct process *member;
	u32 count = 0;
	u64 flags = spin_lock_irq(&process_tree_lock);

	list_for_each(member, &group->group_members, group_link) {
		count++;
	}
	spin_unlock_irq(&process_tree_lock, flags);
	return count;
}

static void make_entries(struct list *entries, u32 count, const siginfo_t *info)
{
	while (count--) {
		struct queued_signal *entry = signal_entry_create();

		if (!entry) {
			break; // the rest goes without information
		}
		entry->info = *info;
		list_push_back(entries, &entry->link);
	}
}

static struct queued_signal *take_entry(struct list *entries)
{
	struct queued_signal *entry;

	if (list_empty(entries)) {
		return NULL;
	}
	entry = list_first(entries, struct queued_signal, link);
	list_remove(&entry->link);
	return entry;
}

/* Tree lock held. Without a free entry, or room for one, it goes without information. */
static void send_to_member(struct process *member, int signal, struct list *entries)
{
	struct queued_signal *entry = take_entry(entries), *left;
	bool charged =
		entry && signal_entry_charge(entry, member, NULL, signal < SIGRTMIN);

	member->group_signals++;
	left = charged ? entry : NULL;
	(void)signal_post_user(member, NULL, signal, &left);
	if (entry && (left || !charged)) {
		signal_entry_give_back(entry);
		list_push_back(entries, &entry->link);
	}
}

/* Tree lock held. 0 if anybody got it. */
static long send_to_members(struct pid *group, int signal, struct list *entries)
{
	struct process *member;
	long result = -ESRCH;

	list_for_each(member, &group->group_members, group_link) {
		long err = signal_may_send(member, signal);

		if (err) {
			result = result == 0 ? 0 : err;
			continue;
		}
		result = 0;
		if (signal) {
			send_to_member(member, signal, entries);
		}
	}
	return result;
}

long group_signal(struct pid *group, const siginfo_t *info)
{
	struct list entries;
	struct queued_signal *entry;
	long result;
	u64 flags;

	list_init(&entries);
	if (info->si_signo) {
		make_entries(&entries, count_members(group), info);
	}
	flags = spin_lock_irq(&process_tree_lock);
	result = send_to_members(group, info->si_signo, &entries);
	spin_unlock_irq(&process_tree_lock, flags);
	while ((entry = take_entry(&entries))) {
		signal_entry_destroy(entry);
	}
	return result;
}

long everybody_signal(const siginfo_t *info)
{
	struct process *process;
	pid_nr number = 2;
	long result = -ESRCH;

	for (; (process = process_next(&number)); number++) {
		if (process != current_process()) {
			long err = signal_may_send(process, info->si_signo);

			if (!err && info->si_signo) {
				err = signal_send(process, NULL, info);
			}
			if (err != -EPERM) {
				result = err;
			}
		}
		process_put(process);
	}
	return result;
}
