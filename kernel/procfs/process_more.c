// SPDX-License-Identifier: MIT
/*
 * proc(5): small files about a process: timerslack_ns, children, oom_score_adj, io.
 */
#include "procfs/procfs_internal.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "process/pid.h"
#include "process/resources.h"
#include <linux/capability.h>
#include <linux/oom.h>

/* ---- timerslack_ns: of others only for CAP_SYS_NICE ---- */

static int slack_thread(const struct proc_node *node, struct thread **out)
{
	struct thread *thread = proc_thread(node);

	if (!thread) {
		return -ESRCH;
	}
	if (thread != current_thread() && !current_capable(CAP_SYS_NICE)) {
		thread_put(thread);
		return -EPERM;
	}
	*out = thread;
	return 0;
}

int proc_show_timer_slack(struct proc_text *text, const struct proc_node *node)
{
	struct thread *thread;
	int error = slack_thread(node, &thread);

	if (!error) {
		proc_print(text, "%lu\n", READ_ONCE(thread->sched.timer_slack_ns));
		thread_put(thread);
	}
	return error;
}

int proc_write_timer_slack(const struct proc_node *node, char *value)
{
	struct thread *thread;
	u64 slack;
	int error = string_to_u64(value, &slack) ? -EINVAL : 0;

	if (!error) {
		error = slack_thread(node, &thread);
	}
	if (!error) {
		thread_set_timer_slack(thread, slack);
		thread_put(thread);
	}
	return error;
}

/* ---- children: of one thread, as many as there are now ---- */

int proc_show_children(struct proc_text *text, const struct proc_node *node)
{
	enum { BATCH = 64 };
	pid_nr numbers[BATCH];
	struct process *child;
	size_t skip = 0, seen, count;

	do {
		u64 flags = spin_lock_irq(&process_tree_lock);

		seen = count = 0;
		list_for_each(child, &node->process->children, sibling) {
			if (child->parent_thread == node->thread && seen++ >= skip &&
			    count < BATCH) {
				numbers[count++] =
					pid_number_in(child->pid, node->namespace);
			}
		}
		spin_unlock_irq(&process_tree_lock, flags);
		for (size_t i = 0; i < count; i++) {
			proc_print(text, "%d ", numbers[i]);
		}
		skip += count;
	} while (count == BATCH);
	return 0;
}

/* ---- oom_score_adj: kept and inherited; nothing chooses a victim by it ---- */

int proc_show_oom_adjust(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "%d\n", READ_ONCE(node->process->oom_adjust));
	return 0;
}

int proc_write_oom_adjust(const struct proc_node *node, char *value)
{
	bool negative = *value == '-';
	u64 number;
	int wanted;

	if (string_to_u64(value + negative, &number) || number > OOM_SCORE_ADJ_MAX) {
		return -EINVAL;
	}
	wanted = negative ? -(int)number : (int)number;
	if (wanted < READ_ONCE(node->process->oom_adjust_least) &&
	    !current_capable(CAP_SYS_RESOURCE)) {
		return -EACCES;
	}
	if (current_capable(CAP_SYS_RESOURCE)) {
		WRITE_ONCE(node->process->oom_adjust_least, wanted);
	}
	WRITE_ONCE(node->process->oom_adjust, wanted);
	return 0;
}

/* ---- io: bytes and calls of read and write; what reached a disk is not known ---- */

/* How much a program reads may tell a secret: who looks is asked at each read, it may run another one than at open. */
int proc_show_io(struct proc_text *text, const struct proc_node *node)
{
	struct io_counts counts;
	struct thread *thread = NULL;
	int error = proc_check_access(node);

	if (error) {
		return error;
	}
	if (node->thread) {
		counts = node->thread->io;
	} else {
		u64 flags = spin_lock_irq(&node->process->signal_lock);

		counts = node->process->dead_io;
		for_each_thread(thread, node->process) {
			io_counts_add(&counts, &thread->io);
		}
		spin_unlock_irq(&node->process->signal_lock, flags);
	}
	proc_print(text,
		   "rchar: %lu\nwchar: %lu\nsyscr: %lu\nsyscw: %lu\nread_bytes: "
		   "0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n",
		   counts.read_bytes, counts.written_bytes, counts.read_calls,
		   counts.write_calls);
	return 0;
}
