// SPDX-License-Identifier: MIT
/* One CPU: control registers, idling, stopping, and noticing what others want of it. */
#include "arch/cpu.h"
#include "arch/barrier.h"
#include "arch/entry.h"
#include "arch/impl/cpu_local.h"
#include "arch/irq.h"
#include "arch/riscv64/asm_offsets.h"
#include "arch/riscv64/instructions.h"
#include "arch/riscv64/port.h"
#include "arch/smp.h"

#define COUNTER_TIME 2UL /* scounteren: programs read the time */

struct cpu_local cpu_locals[MAX_CPUS];

void cpu_init(void)
{
	CSR_CLEAR("sstatus", STATUS_SUM);
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

void cpu_call_poll(void)
{
	u64 flags = arch_irq_save();
	struct cpu_local *cpu = cpu_local_current();
	u64 asked;

	WRITE_ONCE(cpu->flags.call_pending, 0);
	/* order.call: pairs with arch_ipi_send() */
	atomic_thread_fence(memory_order_seq_cst);
	asked = atomic_load(&cpu->calls_asked);
	if (atomic_load_explicit(&cpu->stopping, memory_order_relaxed)) {
		arch_cpu_stop();
	}
	if (asked != atomic_load(&cpu->calls_done)) {
		atomic_store(&cpu->calls_done,
			     asked); /* order.call: pairs with arch_interrupt_others() */
	}
	arch_irq_restore(flags);
}

void cpu_software_interrupt(void)
{
	struct cpu_local *cpu = cpu_local_current();

	/*
	 * First the interrupt, then the reasons: one that comes in between interrupts again. A control register counts as a device: only this
	 * barrier keeps the two in order. order.call_clear: pairs with arch_ipi_send()
	 */
	CSR_CLEAR("sip", INTERRUPT_SOFTWARE);
	arch_device_barrier();
	cpu_call_poll();
	/* order.interrupt: pairs with arch_ipi_send() */
	if (atomic_exchange(&cpu->reschedule_asked, 0)) {
		entry_reschedule_interrupt();
	}
}

void arch_ipi_send(unsigned cpu, enum arch_ipi kind)
{
	struct cpu_local *target = &cpu_locals[cpu];

	if (cpu >= MAX_CPUS || !atomic_load(&target->online)) {
		return;
	}
	if (kind == IPI_RESCHEDULE) {
		/* Asked already, and not seen yet: the interrupt is on its way. order.interrupt: pairs with cpu_software_interrupt() */
		if (atomic_exchange(&target->reschedule_asked, 1)) {
			return;
		}
	} else {
		if (kind == IPI_STOP) {
			/* Where interrupts are off it is noticed by who spins. */
			atomic_store(&target->stopping, true);
		}
		/* What is asked is there before the flag, which the target may take back as soon as it sees it. order.call: pairs with cpu_call_poll() */
		atomic_thread_fence(memory_order_seq_cst);
		WRITE_ONCE(target->flags.call_pending, 1);
	}
	/* order.call_clear: pairs with cpu_software_interrupt() */
	arch_device_barrier();
	(void)sbi_call(SBI_IPI, 0, 1, target->hardware_id, 0, 0, 0);
}

/*
 * A CPU counts what it is asked, and what it has noticed. One that notices while it spins in the kernel has the interrupt yet to come, and
 * takes it before its next instruction in user mode. Model: tests/model/call_model.c.
 */
void arch_interrupt_others(u64 cpus)
{
	u64 others = cpus & ~(1UL << arch_cpu_number());
	u64 asked[MAX_CPUS];

	for (u64 left = others; left != 0; left &= left - 1) {
		unsigned cpu = (unsigned)__builtin_ctzl(left);

		asked[cpu] = atomic_fetch_add(&cpu_locals[cpu].calls_asked, 1) + 1;
		arch_ipi_send(cpu, IPI_CALL);
	}
	for (u64 left = others; left != 0; left &= left - 1) {
		struct cpu_local *cpu = &cpu_locals[__builtin_ctzl(left)];

		/* order.call: pairs with cpu_call_poll() */
		while (atomic_load(&cpu->calls_done) < asked[cpu->number] &&
		       atomic_load(&cpu->online) && !atomic_load(&cpu->stopping)) {
			arch_cpu_relax();
		}
	}
}
