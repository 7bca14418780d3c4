// SPDX-License-Identifier: MIT
/*
 * Signals for who owns an open file (F_SETOWN, F_SETSIG of fcntl(2)): something happened to it.
 *
 * A group's members are referenced under process_tree_lock and signalled one by one after that.
 */
#include "process/signal/file_signal.h"

#include "fs/notify/dnotify.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/namespace/pid_namespace.h"
#include "process/pid.h"
#include "process/signal/signal.h"
#include <linux/eventpoll.h>
#include <linux/fcntl.h>

/* What is said: the descriptor, and what of it. */
struct news {
	const struct file_owner *owner;
	int fd, code;
	long band;
};

/* The signals whose codes mean something else, unless it is SIGIO itself. */
static bool has_codes(int signal)
{
	return signal == SIGILL || signal == SIGFPE || signal == SIGSEGV ||
	       signal == SIGBUS || signal == SIGTRAP || signal == SIGCHLD ||
	       signal == SIGSYS;
}

/* May who became the owner's maker signal it? By the ids he had then. */
static bool is_permitted(const struct file_owner *owner, struct process *process)
{
	struct credentials *theirs = process_get_credentials(process);
	bool permitted =
		theirs && (owner->euid == 0 || owner->euid == theirs->suid ||
			   owner->euid == theirs->uid || owner->uid == theirs->suid ||
			   owner->uid == theirs->uid);

	credentials_put(theirs);
	return permitted;
}

/* -EAGAIN: a signal that is queued, and no room for it. */
static int post(struct process *process, struct thread *thread, const siginfo_t *info)
{
	struct queued_signal *entry = signal_entry_create();
	bool realtime = info->si_signo >= SIGRTMIN;
	int result = -EAGAIN;

	if (entry && !signal_entry_charge(entry, process, thread, !realtime)) {
		signal_entry_destroy(entry);
		entry = NULL;
	}
	if (entry) {
		entry->info = *info;
	}
	if (entry || !realtime) {
		result = signal_post(process, thread, info->si_signo, &entry);
	}
	signal_entry_destroy(entry);
	return result;
}

static void signal_one(struct process *process, struct thread *thread,
		       const struct news *news)
{
	int signal = news->owner->signal;
	siginfo_t info;

	if (!is_permitted(news->owner, process)) {
		return;
	}
	if (signal) {
		signal_information_kernel(&info, signal);
		info.si_code = has_codes(signal) ? SI_SIGIO : news->code;
		info.si_fd = news->fd;
		info.si_band = news->band;
		if (post(process, thread, &info) != -EAGAIN) {
			return;
		}
	}
	signal_information_kernel(&info, SIGIO); // says nothing but that
	(void)post(process, thread, &info);
}

/* Up to `most` members, referenced. */
static u32 get_members(struct pid *group, struct process **members, u32 most)
{
	struct process *member;
	u32 count = 0;
	u64 flags = spin_lock_irq(&process_tree_lock);

	list_for_each(member, &group->group_members, group_link) {
		if (count < most) {
			process_get(member);
			members[count] = member;
		}
		count++;
	}
	spin_unlock_irq(&process_tree_lock, flags);
	return count;
}

static void signal_group(struct pid *group, const struct news *news)
{
	u32 most = get_members(group, NULL, 0), count;
	struct process **members = heap_allocate_array(most, sizeof(*members));

	if (!members) {
		return; // nobody, or no memory to find out who
	}
	count = get_members(group, members, most);
	for (u32 i = 0; i < MIN(count, most); i++) {
		signal_one(members[i], NULL, news);
		process_put(members[i]);
	}
	heap_free(members);
}

static void signal_thread(struct pid *pid, const struct news *news)
{
	struct thread *thread = pid_get_thread(pid);

	if (thread) {
		signal_one(thread->process, thread, news);
		thread_put(thread);
	}
}

static void signal_process(struct pid *pid, const struct news *news)
{
	struct process *process = pid_get_process(pid);

	if (process) {
		signal_one(process, NULL, news);
		process_put(process);
	}
}

static void tell(const struct news *news)
{
	struct pid *pid = news->owner->number
				  ? pid_find_in(&first_pid_namespace, news->owner->number)
				  : NULL;

	if (!pid) {
		return;
	}
	if (news->owner->type == F_OWNER_PGRP) {
		signal_group(pid, news);
	} else if (news->owner->type == F_OWNER_TID) {
		signal_thread(pid, news);
	} else {
		signal_process(pid, news);
	}
	pid_put(pid);
}

/* F_NOTIFY speaks of a message, though there is none. */
static void directory_changed(const struct file_owner *owner, int fd)
{
	const struct news news = {.owner = owner,
				  .fd = fd,
				  .code = POLL_MSG,
				  .band = EPOLLIN | EPOLLRDNORM | EPOLLMSG};

	tell(&news);
}

void file_signal_init(void)
{
	dnotify_set_signal(directory_changed);
}
