// SPDX-License-Identifier: MIT
/*
 * Preemption on and off. The kernel may be preempted wherever the count is 0 and interrupts are on.
 * preempt_enable() runs a pending reschedule (through core/preempt's hook, installed by sched/).
 */
#pragma once

#include "arch/cpu.h"
#include "lib/types.h"

void preempt_disable(void);
void preempt_enable(void);
/* Without looking for a pending reschedule: only where the caller is about to switch anyway. */
void preempt_enable_no_reschedule(void);
bool preempt_enabled(void);
/* Installed by sched/: called with preemption and interrupts on when a reschedule is due. */
void preempt_set_hook(void (*reschedule)(void));
