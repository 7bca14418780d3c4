// SPDX-License-Identifier: MIT
/* /proc/heddle/fail_nth: plans of allocations that fail (docs/faults.md). Written `N [TID] [children]`, by CAP_SYS_ADMIN. */
#include "procfs/procfs_internal.h"

#include "core/fault_injection.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "process/pid.h"

/* One line for each thread that has a plan: its number, n, how many it has allocated since, and how many of them failed. */
int proc_show_faults(struct proc_text *text, const struct proc_node *node)
{
	struct pid *pid = pid_next_in(node->namespace, 1);

	while (pid) {
		pid_nr number = pid_number_in(pid, node->namespace);
		struct thread *thread = pid_get_thread(pid);

		pid_put(pid);
		if (thread && atomic_load(&thread->faults.nth)) {
			proc_print(text, "%d %lu %lu %lu%s\n", number,
				   atomic_load(&thread->faults.nth),
				   atomic_load(&thread->faults.counted),
				   atomic_load(&thread->faults.failed),
				   atomic_load(&thread->faults.children) ? " children"
									 : "");
		}
		thread_put(thread);
		pid = number < PID_LIMIT ? pid_next_in(node->namespace, number + 1)
					 : NULL;
	}
	return 0;
}

/* Cuts the next word off; NULL: there is none. */
static char *next_word(char **rest)
{
	char *word = *rest, *end;

	while (*word == ' ') {
		word++;
	}
	if (!*word) {
		return NULL;
	}
	end = strchr(word, ' ');
	*rest = end ? end + 1 : word + strlen(word);
	if (end) {
		*end = '\0';
	}
	return word;
}

static int parse_plan(char *text, u64 *nth, u64 *tid, bool *children)
{
	char *word = next_word(&text);

	if (!word || string_to_u64(word, nth)) {
		return -EINVAL;
	}
	*tid = 0;
	*children = false;
	word = next_word(&text);
	if (word && string_to_u64(word, tid) == 0) {
		word = next_word(&text);
	}
	if (word && strcmp(word, "children") == 0) {
		*children = true;
		word = next_word(&text);
	}
	return word ? -EINVAL : 0;
}

static struct thread *find_thread(u64 tid)
{
	struct pid *pid = tid < PID_LIMIT ? pid_find((pid_nr)tid) : NULL;
	struct thread *thread = pid ? pid_get_thread(pid) : NULL;

	pid_put(pid);
	return thread;
}

int proc_write_faults(const struct proc_node *node, char *value)
{
	struct thread *thread;
	u64 nth, tid;
	bool children;

	if (!current_capable(CAP_SYS_ADMIN)) {
		return -EPERM;
	}
	if (parse_plan(value, &nth, &tid, &children)) {
		return -EINVAL;
	}
	if (tid == 0) {
		(void)fault_plan_arm(&current_thread()->faults, nth, children);
		return 0;
	}
	thread = find_thread(tid);
	if (!thread) {
		return -ESRCH;
	}
	(void)fault_plan_arm(&thread->faults, nth, children);
	thread_put(thread);
	return 0;
}
