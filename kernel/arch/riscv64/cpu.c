// SPDX-License-Identifier: MIT
/* One CPU: control registers, idling and stopping. */
#include "arch/cpu.h"
#include "arch/impl/cpu_local.h"
#include "arch/irq.h"
#include "arch/riscv64/asm_offsets.h"
#include "arch/riscv64/instructions.h"
#include "arch/riscv64/port.h"

#define COUNTER_TIME 2UL /* scounteren: programs read the time */

struct cpu_local cpu_locals[MAX_CPUS];

void cpu_init(void)
{
	CSR_CLEAR("sstatus", STATUS_SUM | STATUS_VS);
	CSR_SET("sstatus", STATUS_FS);
	CSR_WRITE("scounteren", COUNTER_TIME);
	CSR_WRITE("sie", INTERRUPT_SOFTWARE | INTERRUPT_TIMER | INTERRUPT_EXTERNAL);
	instruction_barrier();
}

void arch_cpu_idle(void)
{
	/* An interrupt ends `wfi` even while they are off. */
	__asm__ volatile("fence; wfi" ::: "memory");
	arch_irq_enable();
	arch_irq_disable();
}

void arch_cpu_stop(void)
{
	arch_irq_disable();
	CSR_WRITE("sie", 0);
	for (;;) {
		__asm__ volatile("wfi" ::: "memory");
	}
}
