// SPDX-License-Identifier: MIT
/*
 * The signals that tell of a parent's death.
 *
 * They are sent under process_tree_lock, where nothing can be allocated: so the entries they need are made before, and
 * counted again once the lock is taken.
 */
#include "process/death_signals.h"

#include "process/signal/signal.h"
#include "process/thread.h"

static u32 count_wanted(struct process *process, const struct thread *of)
{
	struct process *child;
	struct thread *thread;
	u32 count = 0;

	list_for_each(child, &process->children, sibling) {
		if ((of && child->parent_thread != of) || child->state != PROCESS_ALIVE) {
			continue;
		}
		spin_lock(&child->signal_lock);
		for_each_thread(thread, child) {
			count += READ_ONCE(thread->parent_death_signal) != 0;
		}
		spin_unlock(&child->signal_lock);
	}
	return count;
}

static bool add_entries(struct list *entries, u32 count)
{
	while (count--) {
		struct queued_signal *entry = signal_entry_create();

		if (!entry) {
			return false;
		}
		list_push_back(entries, &entry->link);
	}
	return true;
}

u64 death_signals_lock_tree(struct process *process, const struct thread *thread,
			    struct list *entries)
{
	bool more = true;
	u32 made = 0;

	list_init(entries);
	for (;;) {
		u64 flags = spin_lock_irq(&process_tree_lock);
		u32 wanted = count_wanted(process, thread);

		if (wanted <= made || !more) {
			return flags;
		}
		spin_unlock_irq(&process_tree_lock, flags);
		more = add_entries(entries, wanted - made);
		made = wanted;
	}
}

static void send_one(struct process *child, int signal, struct list *entries)
{
	struct queued_signal *entry = NULL;

	if (!list_empty(entries)) {
		entry = list_first(entries, struct queued_signal, link);
		list_remove(&entry->link);
		signal_information_user(&entry->info, signal, SI_USER);
	}
	signal_post_from_current(child, signal, &entry);
	if (entry) {
		list_push_back(entries, &entry->link);
	}
}

void death_signals_send(struct process *child, struct list *entries)
{
	u32 wanted[SIGNAL_COUNT + 1] = {0}; // how many threads want which
	struct thread *thread;
	u64 flags;

	if (child->state != PROCESS_ALIVE) {
		return;
	}
	flags = spin_lock_irq(&child->signal_lock);
	for_each_thread(thread, child) {
		wanted[READ_ONCE(thread->parent_death_signal)]++;
	}
	spin_unlock_irq(&child->signal_lock, flags);
	for (int signal = 1; signal <= SIGNAL_COUNT; signal++) {
		if (!wanted[signal] || signal_may_send(child, signal)) {
			continue;
		}
		while (wanted[signal]--) {
			send_one(child, signal, entries);
		}
	}
}

void death_signals_drop(struct list *entries)
{
	struct queued_signal *entry, *next;

	list_for_each_safe(entry, next, entries, link) {
		list_remove(&entry->link);
		signal_entry_destroy(entry);
	}
}
