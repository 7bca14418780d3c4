// SPDX-License-Identifier: MIT
/*
 * Host: a virtual CPU. Every access is a call into the port, whose code the simulated
 * machine never interrupts: so each is one step, as one instruction is on a real CPU.
 */
#pragma once

#include "lib/types.h"

struct arch_thread;

unsigned host_cpu_number(void);
void host_cpu_relax(void);
u32 host_preempt_count(void);
void host_preempt_add(s32 delta);
bool host_need_reschedule(void);
void host_set_need_reschedule(bool due);
struct arch_thread *host_current(void);

static inline unsigned arch_cpu_number(void)
{
	return host_cpu_number();
}

static inline void arch_cpu_relax(void)
{
	host_cpu_relax();
}

static inline u32 arch_preempt_count(void)
{
	return host_preempt_count();
}

static inline void arch_preempt_add(s32 delta)
{
	host_preempt_add(delta);
}

static inline bool arch_need_reschedule(void)
{
	return host_need_reschedule();
}

static inline void arch_set_need_reschedule(bool due)
{
	host_set_need_reschedule(due);
}

static inline struct arch_thread *arch_current(void)
{
	return host_current();
}
