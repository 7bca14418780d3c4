// SPDX-License-Identifier: MIT
/* kill(2)'s targets: a process, a group, everybody; with the permission check. signo 0: only the check. */
#pragma once

#include "process/signal/signal.h"

long process_signal(pid_nr number, const siginfo_t *info);
long group_signal(pid_nr group, const siginfo_t *info);
long everybody_signal(
	const siginfo_t *info); /* all but init and the caller's own process */
