// SPDX-License-Identifier: MIT
/* One CPU: idling, stopping, and noticing what others want of it. */
#include "arch/cpu.h"
#include "arch/aarch64/asm_offsets.h"
#include "arch/aarch64/port.h"
#include "arch/impl/cpu_local.h"
#include "arch/irq.h"
#include "arch/smp.h"

struct cpu_local cpu_locals[MAX_CPUS];

void arch_cpu_idle(void)
{
	/* An interrupt ends `wfi` even while it is masked. */
	__asm__ volatile("dsb sy; wfi; msr daifclr, #2; isb; msr daifset, #2" ::
				 : "memory");
}

void arch_cpu_stop(void)
{
	for (;;) {
		__asm__ volatile("msr daifset, #15; wfi" ::: "memory");
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
		tlb_leave_lazy();
		atomic_store(&cpu->calls_done,
			     asked); /* order.call: pairs with arch_interrupt_others() */
	}
	arch_irq_restore(flags);
}

void arch_ipi_send(unsigned cpu, enum arch_ipi kind)
{
	struct cpu_local *target = &cpu_locals[cpu];

	if (cpu >= MAX_CPUS || !atomic_load(&target->online)) {
		return;
	}
	if (kind == IPI_RESCHEDULE) {
		gic_send(target, GIC_SGI_RESCHEDULE);
		return;
	}
	if (kind == IPI_STOP) {
		/* Where interrupts are off it is noticed by who spins. */
		atomic_store(&target->stopping, true);
	}
	/* What is asked is there before the flag, which the target may take back as soon as it sees it. order.call: pairs with cpu_call_poll() */
	atomic_thread_fence(memory_order_seq_cst);
	WRITE_ONCE(target->flags.call_pending, 1);
	gic_send(target, GIC_SGI_CALL);
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
