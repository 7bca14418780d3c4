// SPDX-License-Identifier: MIT
/* /proc/heddle/ledger (R10): how many of each kind are alive; `settle` written to it gives back what is only kept for later. */
#include "procfs/procfs_internal.h"

#include "core/percpu.h"
#include "fs/inode.h"
#include "lib/cpumask.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/kernel_stack.h"
#include "mm/ledger.h"
#include "sched/sched.h"

int proc_show_ledger(struct proc_text *text, const struct proc_node *node)
{
	struct ledger_line line;

	for (unsigned i = 0; ledger_line(i, &line); i++) {
		proc_print(text, "%s %ld\n", line.name, (long)line.live);
	}
	return 0;
}

/* Be on each CPU once: only there may its caches be touched. */
static void visit_each_cpu(void (*visit)(void))
{
	struct sched_entity *self = sched_current();
	struct cpumask before, one;

	sched_get_affinity(self, &before);
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		cpumask_fill(&one, 0);
		cpumask_set(&one, cpu);
		if (sched_set_affinity(self, &one) == 0) {
			visit();
		}
	}
	(void)sched_set_affinity(self, &before);
}

static void drain_here(void)
{
	(void)kernel_stack_trim(0);
	heap_drain_cpu();
}

int proc_write_ledger(const struct proc_node *node, char *value)
{
	if (!current_capable(CAP_SYS_ADMIN)) {
		return -EPERM;
	}
	if (strcmp(value, "settle") != 0) {
		return -EINVAL;
	}
	dentry_drop_unused();
	frame_reclaim_all();
	visit_each_cpu(drain_here);
	return 0;
}
