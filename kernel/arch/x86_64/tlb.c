// SPDX-License-Identifier: MIT
/*
 * Which address space each CPU has loaded, and telling CPUs to forget translations.
 *
 * A CPU that wants a flush puts the range into each target's mailbox, sends an interrupt if the mailbox was empty, and waits until the
 * target has served it. It waits with interrupts off and serves its own mailbox meanwhile (arch_cpu_relax()), and so does every CPU that
 * spins for a lock: so two CPUs may flush each other, and a target may spin, interrupts off, for a lock that the asking CPU holds.
 *
 * Which CPUs: arch_vm.cpus. A CPU sets its bit before it loads the table (full fence: CR3 is serialising, the bit is set by a locked
 * instruction), the asking CPU reads it after it changed the entries (locked as well): either it sees the bit, or that CPU
 * loads the table after the change.
 *
 * Locks     flush_mailbox.lock: a leaf, never held while waiting for anything.
 */
#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/smp.h"
#include "arch/x86_64/cpu_local.h"
#include "arch/x86_64/instructions.h"
#include "arch/x86_64/port.h"

/* More pages than this: all of the TLB. */
enum { FLUSH_PAGES_MAX = 32 };

void arch_vm_activate(struct arch_vm *vm)
{
	struct cpu_local *cpu = cpu_local_current();
	struct arch_vm *old = cpu->active_vm;
	u64 bit = 1UL << cpu->number;

	if (old == vm) {
		return;
	}
	if (vm != NULL) {
		atomic_fetch_or(&vm->cpus, bit);
	}
	cpu->active_vm = vm;
	write_cr3(vm != NULL ? vm->root : kernel_root_table);
	if (old != NULL) {
		atomic_fetch_and(&old->cpus, ~bit);
	}
}

struct arch_vm *arch_vm_active(void)
{
	return cpu_local_current()->active_vm;
}

static void flush_here(vaddr_t start, vaddr_t end, bool everything)
{
	if (everything || end - start > FLUSH_PAGES_MAX * PAGE_SIZE) {
		write_cr3(read_cr3());
		return;
	}
	for (vaddr_t page = start; page < end; page += PAGE_SIZE) {
		flush_page(page);
	}
}

static void mailbox_lock(struct flush_mailbox *mailbox)
{
	while (atomic_flag_test_and_set_explicit(&mailbox->lock, memory_order_acquire)) {
		__asm__ volatile("pause");
	}
}

static void mailbox_unlock(struct flush_mailbox *mailbox)
{
	atomic_flag_clear_explicit(&mailbox->lock, memory_order_release);
}

/* Interrupts off. */
void tlb_flush_serve(void)
{
	struct cpu_local *cpu = cpu_local_current();
	struct flush_mailbox *mailbox = &cpu->flush;
	vaddr_t start, end;
	bool everything;
	u64 asked;

	mailbox_lock(mailbox);
	start = mailbox->start;
	end = mailbox->end;
	everything = mailbox->everything;
	asked = mailbox->asked;
	mailbox->start = mailbox->end = 0;
	mailbox->everything = false;
	atomic_store_explicit(&cpu->flush_pending, 0, memory_order_relaxed);
	mailbox_unlock(mailbox);
	flush_here(start, end, everything);
	atomic_store_explicit(&mailbox->done, asked, memory_order_release);
}

void cpu_flush_poll(void)
{
	u64 flags = arch_irq_save();

	if (atomic_load_explicit(&cpu_local_current()->flush_pending,
				 memory_order_relaxed)) {
		tlb_flush_serve();
	}
	arch_irq_restore(flags);
}

static void mailbox_ask(struct cpu_local *cpu, vaddr_t start, vaddr_t end)
{
	struct flush_mailbox *mailbox = &cpu->flush;
	bool was_empty;

	mailbox_lock(mailbox);
	was_empty = atomic_load_explicit(&cpu->flush_pending, memory_order_relaxed) == 0;
	if (was_empty) {
		mailbox->start = start;
		mailbox->end = end;
	} else {
		mailbox->start = MIN(mailbox->start, start);
		mailbox->end = MAX(mailbox->end, end);
	}
	mailbox->asked++;
	atomic_store_explicit(&cpu->flush_pending, 1, memory_order_relaxed);
	mailbox_unlock(mailbox);
	if (was_empty) {
		arch_ipi_send(cpu->number, IPI_FLUSH);
	}
}

static void mailbox_await(struct cpu_local *cpu)
{
	u64 asked;

	/* Perhaps more than our request: then somebody else's is served soon as well. */
	mailbox_lock(&cpu->flush);
	asked = cpu->flush.asked;
	mailbox_unlock(&cpu->flush);
	while (atomic_load_explicit(&cpu->flush.done, memory_order_acquire) < asked &&
	       !atomic_load_explicit(&cpu->stopping, memory_order_relaxed)) {
		arch_cpu_relax();
	}
}

/* Interrupts off. */
static void flush_on(u64 cpus, vaddr_t start, vaddr_t end)
{
	u64 self = 1UL << arch_cpu_number(), others = cpus & ~self;

	for (u64 left = others; left != 0; left &= left - 1) {
		mailbox_ask(&cpu_locals[__builtin_ctzl(left)], start, end);
	}
	if (cpus & self) {
		flush_here(start, end, false);
	}
	for (u64 left = others; left != 0; left &= left - 1) {
		mailbox_await(&cpu_locals[__builtin_ctzl(left)]);
	}
}

void arch_vm_flush(struct arch_vm *vm, vaddr_t start, vaddr_t end)
{
	u64 flags = arch_irq_save();

	atomic_thread_fence(memory_order_seq_cst);
	flush_on(atomic_load(&vm->cpus), start, end);
	arch_irq_restore(flags);
}

void tlb_flush_kernel(vaddr_t start, vaddr_t end)
{
	u64 flags = arch_irq_save(), cpus = 0;

	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned i = 0; i < MAX_CPUS; i++) {
		if (atomic_load_explicit(&cpu_locals[i].online, memory_order_relaxed)) {
			cpus |= 1UL << i;
		}
	}
	flush_on(cpus, start, end);
	arch_irq_restore(flags);
}
