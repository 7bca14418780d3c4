// SPDX-License-Identifier: MIT
/* Contract: the other CPUs. */
#pragma once

#include "lib/types.h"

enum arch_ipi { IPI_RESCHEDULE, IPI_FLUSH, IPI_STOP, IPI_CALL };

/* How many CPUs the machine has (at most MAX_CPUS and maxcpus=); known after arch_boot_late(). */
unsigned arch_cpus_present(void);
/* Start CPU `cpu` with `idle` as its first thread, whose stack is ready; it calls entry_cpu_started(). 0, or -EIO after a second. */
struct arch_thread;
int arch_cpu_start(unsigned cpu, struct arch_thread *idle);
void arch_ipi_send(unsigned cpu, enum arch_ipi kind); /* any context */
