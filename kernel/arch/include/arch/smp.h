// SPDX-License-Identifier: MIT
/* Contract: the other CPUs. */
#pragma once

#include "lib/types.h"

enum arch_ipi { IPI_RESCHEDULE, IPI_FLUSH, IPI_STOP, IPI_CALL };

/* How many CPUs the machine has (at most MAX_CPUS and maxcpus=); known after arch_boot_late(). */
unsigned arch_cpus_present(void);
/*
 * Start CPU `cpu` with `idle` as its first thread, whose stack is ready; it calls entry_cpu_started(). `pass_time` is
 * called again and again until it has come: it may sleep, a few microseconds at a time. 0, or -EIO after a second.
 */
struct arch_thread;
int arch_cpu_start(unsigned cpu, struct arch_thread *idle, void (*pass_time)(void));
void arch_ipi_send(unsigned cpu, enum arch_ipi kind); /* any context */
/*
 * Interrupt these CPUs (bit n: CPU n; the running one is left out) and return when each has been. What it did before is
 * then visible here; what it does after sees what was done here before the call; and if it was in user mode, it passes
 * entry_user_return() before it goes on there. Preemption off; no lock held that another CPU waits for with interrupts off.
 */
void arch_interrupt_others(u64 cpus);
