// SPDX-License-Identifier: MIT
/* sched(7): /proc/sys/kernel/sched_*: what deadline and real-time threads may use, and the slice of SCHED_RR. */
#include "procfs/procfs_internal.h"
#include "procfs/scheduling_internal.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "process/current.h"
#include "sched/sched.h"
#include <linux/capability.h>
#include <linux/sched.h>

/* Which of the four a file is: its name says. */
static s64 *member(struct sched_limits *limits, const struct proc_node *node)
{
	const char *name = node->entry->name;

	if (strcmp(name, "sched_rt_period_us") == 0) {
		return &limits->period_us;
	}
	if (strcmp(name, "sched_rt_runtime_us") == 0) {
		return &limits->runtime_us;
	}
	return strcmp(name, "sched_deadline_period_min_us") == 0
		       ? &limits->deadline_period_min_us
		       : &limits->deadline_period_max_us;
}

int proc_show_sched_limit(struct proc_text *text, const struct proc_node *node)
{
	struct sched_limits limits;

	sched_get_limits(&limits);
	proc_print(text, "%ld\n", (long)*member(&limits, node));
	return 0;
}

static int parse(const char *value, s64 *out)
{
	bool negative = value[0] == '-';
	u64 number;

	if (string_to_u64(value + negative, &number) || number > INT64_MAX) {
		return -EINVAL;
	}
	*out = negative ? -(s64)number : (s64)number;
	return 0;
}

int proc_write_sched_limit(const struct proc_node *node, char *value)
{
	struct sched_limits limits;
	s64 number;

	if (!current_capable(CAP_SYS_ADMIN)) {
		return -EPERM;
	}
	if (parse(value, &number)) {
		return -EINVAL;
	}
	sched_get_limits(&limits);
	*member(&limits, node) = number;
	return sched_set_limits(&limits);
}

int proc_show_round_robin(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "%ld\n", (long)(sched_slice(SCHED_RR) / NSEC_PER_MSEC));
	return 0;
}
