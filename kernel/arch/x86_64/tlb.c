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
 * A CPU that goes to a kernel thread keeps the table loaded ("lazy"): often the same process comes next, and finds its TLB as it
 * was. Its bit moves from `cpus` to `lazy`, so that nobody interrupts it for a flush. Instead flushes are counted:
 *   L1  A flush adds to flushes_begun before it reads `cpus`; a CPU that comes back sets its bit before it reads flushes_begun.
 *       One of the two sees the other. If the count is not the one it left with, all of the TLB goes.
 *   L2  The count it leaves with is read while its bit is still set, flushes_done first: if both are equal, no flush was under way,
 *       and all that were counted reached this CPU. Else it remembers a count that never comes.
 *   L3  Tables are freed only when lazy CPUs have forgotten them too: tlb_flush_tables() interrupts both kinds, tlb_forget_vm()
 *       makes them load the kernel's table.
 *
 * Models: tests/model/lazy_tlb_model.c.
 *
 * Locks     flush_mailbox.lock: a leaf, never held while waiting for anything.
 */
#include "arch/common/page_table.h"
#include "arch/cpu.h"
#include "arch/impl/cpu_local.h"
#include "arch/irq.h"
#include "arch/smp.h"
#include "arch/x86_64/instructions.h"
#include "arch/x86_64/port.h"
#include "core/panic.h"

/* More pages than this: all of the TLB. */
enum { FLUSH_PAGES_MAX = 32 };

#define FLUSHES_UNKNOWN (~0UL)

/* The kernel's half. */
void tlb_begin_vm(struct arch_vm *vm)
{
	kernel_map_share(vm->root);
	vm->cpus = vm->lazy = 0;
	vm->flushes_begun = vm->flushes_done = 0;
}

static void become_lazy(struct cpu_local *cpu, struct arch_vm *vm, u64 bit)
{
	/* L2. order.lazy: pairs with flush_vm() */
	u64 done = atomic_load(&vm->flushes_done),
	    begun = atomic_load(&vm->flushes_begun);

	cpu->flushes_seen = done == begun ? begun : FLUSHES_UNKNOWN; /* L2 */
	atomic_fetch_or(&vm->lazy, bit);
	atomic_fetch_and(&vm->cpus, ~bit);
}

static void resume(struct cpu_local *cpu, struct arch_vm *vm, u64 bit)
{
	/* L1. order.lazy: pairs with flush_vm() */
	atomic_fetch_or(&vm->cpus, bit);
	atomic_fetch_and(&vm->lazy, ~bit);
	if (atomic_load(&vm->flushes_begun) != cpu->flushes_seen) { /* L1 */
		write_cr3(vm->root);
	}
}

/* vm: NULL for the kernel's table. */
static void load(struct cpu_local *cpu, struct arch_vm *vm, u64 bit)
{
	struct arch_vm *old = cpu->loaded_vm;

	if (vm != NULL) {
		atomic_fetch_or(&vm->cpus, bit);
	}
	write_cr3(vm != NULL ? vm->root : kernel_root_table);
	cpu->loaded_vm = vm;
	if (old != NULL) {
		atomic_fetch_and(&old->cpus, ~bit);
		atomic_fetch_and(&old->lazy, ~bit);
	}
}

void arch_vm_activate(struct arch_vm *vm)
{
	u64 flags = arch_irq_save();
	struct cpu_local *cpu = cpu_local_current();
	struct arch_vm *old = cpu->active_vm;
	u64 bit = 1UL << cpu->number;

	if (old != vm) {
		cpu->active_vm = vm;
		if (vm == NULL) {
			become_lazy(cpu, old, bit);
		} else if (vm == cpu->loaded_vm) {
			resume(cpu, vm, bit);
		} else {
			load(cpu, vm, bit);
		}
	}
	arch_irq_restore(flags);
}

/* Interrupts off. */
static void leave_lazy(struct cpu_local *cpu)
{
	if (cpu->active_vm == NULL && cpu->loaded_vm != NULL) {
		load(cpu, NULL, 1UL << cpu->number);
	}
}

struct arch_vm *arch_vm_active(void)
{
	return cpu_local_current()->active_vm;
}

static void flush_here(vaddr_t start, vaddr_t end)
{
	if (end - start > FLUSH_PAGES_MAX * PAGE_SIZE) {
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
	bool leave;
	u64 asked;

	mailbox_lock(mailbox);
	start = mailbox->start;
	end = mailbox->end;
	leave = mailbox->leave;
	asked = mailbox->asked;
	mailbox->start = mailbox->end = 0;
	mailbox->leave = false;
	atomic_store_explicit(&cpu->flush_pending, 0, memory_order_relaxed);
	mailbox_unlock(mailbox);
	flush_here(start, end);
	if (leave) {
		leave_lazy(cpu);
	}
	/* order.mailbox: pairs with mailbox_await() */
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

static void mailbox_ask(struct cpu_local *cpu, vaddr_t start, vaddr_t end, bool leave)
{
	struct flush_mailbox *mailbox = &cpu->flush;
	bool was_empty;

	mailbox_lock(mailbox);
	was_empty = atomic_load_explicit(&cpu->flush_pending, memory_order_relaxed) == 0;
	if (mailbox->end == 0) {
		mailbox->start = start;
		mailbox->end = end;
	} else if (end != 0) {
		mailbox->start = MIN(mailbox->start, start);
		mailbox->end = MAX(mailbox->end, end);
	}
	mailbox->leave = mailbox->leave || leave;
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
	/* order.mailbox: pairs with tlb_flush_serve() */
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
		mailbox_ask(&cpu_locals[__builtin_ctzl(left)], start, end, false);
	}
	if (cpus & self) {
		flush_here(start, end);
	}
	for (u64 left = others; left != 0; left &= left - 1) {
		mailbox_await(&cpu_locals[__builtin_ctzl(left)]);
	}
}

static void flush_vm(struct arch_vm *vm, vaddr_t start, vaddr_t end, bool lazy_too)
{
	u64 flags = arch_irq_save(), cpus;

	/* L1, L2. order.lazy: pairs with resume() and become_lazy() */
	atomic_fetch_add(&vm->flushes_begun, 1);
	cpus = atomic_load(&vm->cpus);
	if (lazy_too) {
		/* A CPU moves between the masks by way of both: in one of three looks it is there, or has begun anew. */
		cpus |= atomic_load(&vm->lazy);
		cpus |= atomic_load(&vm->cpus);
	}
	flush_on(cpus, start, end);
	atomic_fetch_add(&vm->flushes_done, 1);
	arch_irq_restore(flags);
}

void arch_vm_flush(struct arch_vm *vm, vaddr_t start, vaddr_t end)
{
	flush_vm(vm, start, end, false);
}

/* CPUs that are lazy in `vm` too. */
void tlb_flush_tables(struct arch_vm *vm, vaddr_t start, vaddr_t end)
{
	flush_vm(vm, start, end, true);
}

void tlb_forget_vm(struct arch_vm *vm)
{
	u64 flags = arch_irq_save();
	struct cpu_local *self = cpu_local_current();
	u64 others;

	ASSERT(atomic_load(&vm->cpus) == 0);
	if (self->loaded_vm == vm) {
		leave_lazy(self);
	}
	others = atomic_load(&vm->lazy);
	for (u64 left = others; left != 0; left &= left - 1) {
		mailbox_ask(&cpu_locals[__builtin_ctzl(left)], 0, 0, true);
	}
	for (u64 left = others; left != 0; left &= left - 1) {
		mailbox_await(&cpu_locals[__builtin_ctzl(left)]);
	}
	ASSERT(atomic_load(&vm->lazy) == 0);
	arch_irq_restore(flags);
}

void tlb_flush_kernel(vaddr_t start, vaddr_t end)
{
	u64 flags = arch_irq_save(), cpus = 0;

	/* order.online: pairs with cpu_started() */
	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned i = 0; i < MAX_CPUS; i++) {
		if (atomic_load_explicit(&cpu_locals[i].online, memory_order_relaxed)) {
			cpus |= 1UL << i;
		}
	}
	flush_on(cpus, start, end);
	arch_irq_restore(flags);
}

/*
 * invlpg, a load of CR3 and iretq all serialise. A CPU that is lazy meanwhile finds the count changed and loads CR3 (L1), one that
 * takes up the table later loads it anyway. Any page will do.
 */
void arch_vm_sync_core(struct arch_vm *vm)
{
	flush_vm(vm, USER_LOWEST, USER_LOWEST + PAGE_SIZE, false);
}

/*
 * A mailbox is put in and served under its lock, and `done` is published after: that orders what both sides do around it. A CPU that
 * serves it while it spins in the kernel has the interrupt yet to come, and takes it before its next instruction in user mode.
 */
void arch_interrupt_others(u64 cpus)
{
	u64 flags = arch_irq_save();

	flush_on(cpus & ~(1UL << arch_cpu_number()), 0, 0);
	arch_irq_restore(flags);
}

void arch_sync_instruction_cache(vaddr_t start, vaddr_t end)
{
	(void)start;
	(void)end;
}
