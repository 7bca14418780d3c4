// SPDX-License-Identifier: MIT
/*
 * Preemption on and off. The kernel may be preempted wherever the count is 0 and interrupts are on.
 * preempt_enable() runs a pending reschedule (through core/preempt's hook, installed by sched/).
 */
#pragma once

#include "arch/cpu.h"
#include "lib/compiler.h"
#include "lib/types.h"
#include <stdatomic.h>

/* A reschedule is due and the count just became 0: runs the hook if interrupts are on. */
void preempt_reschedule(void);
/* Installed by sched/: called with preemption and interrupts on when a reschedule is due. */
void preempt_set_hook(void (*reschedule)(void));

static inline void preempt_disable(void)
{
	arch_preempt_add(1);
	atomic_signal_fence(memory_order_seq_cst);
}

/* Without looking for a pending reschedule: only where the caller is about to switch anyway. */
static inline void preempt_enable_no_reschedule(void)
{
	atomic_signal_fence(memory_order_seq_cst);
	arch_preempt_add(-1);
}

static inline void preempt_enable(void)
{
	preempt_enable_no_reschedule();
	if (unlikely(arch_need_reschedule()) && arch_preempt_count() == 0) {
		preempt_reschedule();
	}
}

static inline bool preempt_enabled(void)
{
	return arch_preempt_count() == 0;
}
