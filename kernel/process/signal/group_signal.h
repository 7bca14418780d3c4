// SPDX-License-Identifier: MIT
/* kill(2)'s targets: a process, a group, everybody; with the permission check. signo 0: only the check. */
#pragma once

#include "process/signal/signal.h"

long process_signal(struct process *process, const siginfo_t *info);
long thread_signal(struct thread *thread, const siginfo_t *info);
long group_signal(struct pid *group, const siginfo_t *info);
long everybody_signal(
	const siginfo_t *
		info); /* in the caller's pid namespace: all but its init and the caller's own process */
