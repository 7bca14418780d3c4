// SPDX-License-Identifier: MIT
/*
 * What CPUs want of one another: forgetting translations and instructions, leaving an address space, being interrupted.
 *
 * Who wants something puts it into each target's mailbox, interrupts those whose mailbox was empty, and waits until they have served it. It
 * waits with interrupts off and serves its own mailbox meanwhile (arch_cpu_relax()), and so does every CPU that spins for a lock: so two CPUs
 * may ask each other, and a target may spin, interrupts off, for a lock that the asking CPU holds.
 *
 * The firmware's remote fences would do the same below this kernel, one CPU after the other, and it spins there: an emulator with fewer threads
 * that run than CPUs then burns a turn of the host's scheduler for each. Here who has waited a while sleeps (`wfi`):
 *   M1  mailbox_await() sets its bit in `sleepers` before it looks at `done`, mailbox_serve() writes `done` before it takes the bits out of
 *       `sleepers`. One of the two sees the other.
 *   M2  A CPU clears its software interrupt before it looks for the reasons, who has a reason writes it before he sends the interrupt. Who has
 *       cleared it without having served all reasons sets it again.
 *
 * Locks     mailbox.lock: a leaf, interrupts off, never held while waiting for anything.
 */
#include "arch/barrier.h"
#include "arch/cpu.h"
#include "arch/entry.h"
#include "arch/impl/cpu_local.h"
#include "arch/irq.h"
#include "arch/riscv64/asm_offsets.h"
#include "arch/riscv64/instructions.h"
#include "arch/riscv64/port.h"
#include "arch/smp.h"

/* So often is looked before the wait becomes a sleep: about as long as a CPU needs that is in user mode. */
enum { LOOKS_BEFORE_SLEEP = 200 };

static void mailbox_lock(struct mailbox *mailbox)
{
	while (atomic_flag_test_and_set_explicit(&mailbox->lock, memory_order_acquire)) {
		cpu_pause();
	}
}

static void mailbox_unlock(struct mailbox *mailbox)
{
	atomic_flag_clear_explicit(&mailbox->lock, memory_order_release);
}

/* What was written before, the interrupted CPUs see. The firmware wants harts: a mask of 64 from one on. */
static void interrupt_cpus(u64 cpus)
{
	u64 base = ~0UL, harts = 0;

	/* M2. order.call_clear: pairs with clear_interrupt() */
	arch_device_barrier();
	for (u64 left = cpus; left != 0; left &= left - 1) {
		base = MIN(base, cpu_locals[__builtin_ctzl(left)].hardware_id);
	}
	for (u64 left = cpus; left != 0; left &= left - 1) {
		u64 hart = cpu_locals[__builtin_ctzl(left)].hardware_id;

		if (hart - base < 64) {
			harts |= 1UL << (hart - base);
		} else {
			(void)sbi_call(SBI_IPI, 0, 1, hart, 0, 0, 0);
		}
	}
	if (harts != 0) {
		(void)sbi_call(SBI_IPI, 0, harts, base, 0, 0, 0);
	}
}

/* M2: first the bit, then the reasons. A control register counts as a device: only this barrier keeps the two in order. */
static void clear_interrupt(void)
{
	CSR_CLEAR("sip", INTERRUPT_SOFTWARE);
	/* order.call_clear: pairs with interrupt_cpus() */
	arch_device_barrier();
}

/* M1: `done` is written. order.sleepers: pairs with sleep_until_served() */
static void wake_sleepers(struct mailbox *mailbox)
{
	u64 sleepers = atomic_load(&mailbox->sleepers);

	if (sleepers != 0) {
		interrupt_cpus(atomic_exchange(&mailbox->sleepers, 0));
	}
}

static void carry_out(struct cpu_local *cpu, const struct cpu_request *request)
{
	if (request->wanted & REQUEST_EVERYTHING) {
		flush_tlb();
	} else if (request->wanted & REQUEST_PAGES) {
		tlb_flush_here(request->asid, request->start, request->end);
	}
	if (request->wanted & REQUEST_CODE) {
		instruction_barrier();
	}
	if (request->wanted & REQUEST_LEAVE) {
		tlb_leave_lazy(cpu);
	}
}

/* Interrupts off. */
static void mailbox_serve(struct cpu_local *cpu)
{
	struct mailbox *mailbox = &cpu->mailbox;
	struct cpu_request request;
	u64 asked;

	mailbox_lock(mailbox);
	request = mailbox->request;
	asked = mailbox->asked;
	mailbox->request.wanted = 0;
	WRITE_ONCE(cpu->flags.call_pending, 0);
	mailbox_unlock(mailbox);
	carry_out(cpu, &request);
	/* order.mailbox: pairs with is_served() */
	atomic_store(&mailbox->done, asked);
	wake_sleepers(mailbox);
}

void cpu_call_poll(void)
{
	u64 flags = arch_irq_save();
	struct cpu_local *cpu = cpu_local_current();

	if (cpu->flags.call_pending != 0) {
		mailbox_serve(cpu);
		/* The flag has been taken back. order.call: pairs with arch_ipi_send() */
		atomic_thread_fence(memory_order_seq_cst);
	}
	if (atomic_load(&cpu->stopping)) {
		wake_sleepers(&cpu->mailbox);
		arch_cpu_stop();
	}
	arch_irq_restore(flags);
}

void cpu_software_interrupt(void)
{
	struct cpu_local *cpu = cpu_local_current();

	clear_interrupt();
	cpu_call_poll();
	/* order.interrupt: pairs with arch_ipi_send() */
	if (atomic_exchange(&cpu->reschedule_asked, 0)) {
		entry_reschedule_interrupt();
	}
}

/* Two requests become one that is enough for both. */
static void merge(struct cpu_request *into, const struct cpu_request *more)
{
	u32 both = into->wanted & more->wanted;

	if (both & REQUEST_PAGES && into->asid == more->asid) {
		into->start = MIN(into->start, more->start);
		into->end = MAX(into->end, more->end);
	} else if (both & REQUEST_PAGES) {
		into->wanted |= REQUEST_EVERYTHING;
	} else if (more->wanted & REQUEST_PAGES) {
		into->asid = more->asid;
		into->start = more->start;
		into->end = more->end;
	}
	into->wanted |= more->wanted;
}

/* Returns whether the CPU must be interrupted; else it was already, and has not looked since. */
static bool mailbox_put(struct cpu_local *cpu, const struct cpu_request *request)
{
	struct mailbox *mailbox = &cpu->mailbox;
	bool was_empty;

	mailbox_lock(mailbox);
	was_empty = cpu->flags.call_pending == 0;
	merge(&mailbox->request, request);
	mailbox->asked++;
	WRITE_ONCE(cpu->flags.call_pending, 1);
	mailbox_unlock(mailbox);
	return was_empty;
}

/* order.mailbox: pairs with mailbox_serve() */
static bool is_served(struct cpu_local *cpu, u64 asked)
{
	return atomic_load(&cpu->mailbox.done) >= asked || atomic_load(&cpu->stopping);
}

/*
 * Others that are pending would end every sleep at once. The interrupt that ends it is taken for no reason later, or for what was not served
 * here.
 */
static void sleep_until_served(struct cpu_local *cpu, u64 asked)
{
	CSR_CLEAR("sie", INTERRUPT_TIMER | INTERRUPT_EXTERNAL);
	/* M1. order.sleepers: pairs with wake_sleepers() */
	atomic_fetch_or(&cpu->mailbox.sleepers, 1UL << arch_cpu_number());
	for (;;) {
		clear_interrupt();
		cpu_call_poll();
		if (is_served(cpu, asked)) {
			break;
		}
		__asm__ volatile("wfi" ::: "memory");
	}
	CSR_SET("sip", INTERRUPT_SOFTWARE);
	CSR_SET("sie", INTERRUPT_TIMER | INTERRUPT_EXTERNAL);
}

static void mailbox_await(struct cpu_local *cpu)
{
	u64 asked;

	/* Perhaps more than our request: then somebody else's is served soon as well. */
	mailbox_lock(&cpu->mailbox);
	asked = cpu->mailbox.asked;
	mailbox_unlock(&cpu->mailbox);
	for (unsigned i = 0; i < LOOKS_BEFORE_SLEEP; i++) {
		if (is_served(cpu, asked)) {
			return;
		}
		arch_cpu_relax();
	}
	sleep_until_served(cpu, asked);
}

u64 cpus_ask(u64 cpus, const struct cpu_request *request)
{
	u64 others = cpus & ~(1UL << arch_cpu_number()), interrupted = 0;

	for (u64 left = others; left != 0; left &= left - 1) {
		u64 bit = left & -left;

		if (mailbox_put(&cpu_locals[__builtin_ctzl(left)], request)) {
			interrupted |= bit;
		}
	}
	if (interrupted != 0) {
		interrupt_cpus(interrupted);
	}
	return others;
}

void cpus_await(u64 cpus)
{
	for (u64 left = cpus; left != 0; left &= left - 1) {
		mailbox_await(&cpu_locals[__builtin_ctzl(left)]);
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
	} else if (kind == IPI_STOP) {
		/* Where interrupts are off it is noticed by who spins: who clears the flag looks at `stopping` afterwards. */
		atomic_store(&target->stopping, true);
		/* order.call: pairs with cpu_call_poll() */
		atomic_thread_fence(memory_order_seq_cst);
		WRITE_ONCE(target->flags.call_pending, 1);
	}
	interrupt_cpus(1UL << cpu);
}

/*
 * A mailbox is put in and served under its lock, and `done` is published after: that orders what both sides do around it. A CPU that
 * serves it while it spins or sleeps in the kernel has the interrupt yet to come, and takes it before its next instruction in user mode.
 */
void arch_interrupt_others(u64 cpus)
{
	const struct cpu_request nothing = {0};
	u64 flags = arch_irq_save();

	cpus_await(cpus_ask(cpus, &nothing));
	arch_irq_restore(flags);
}
