// SPDX-License-Identifier: MIT
/*
 * Which address space each CPU has loaded, and telling CPUs to forget translations (by mailbox.c).
 *
 * Each address space has a number (ASID) from its first to its last moment, so that a switch flushes nothing. Where all are taken the
 * next ones share one, ASID_SHARED: a CPU that goes from one of these to another flushes that number, on itself, in between.
 * ASID_NONE is the kernel's own table's.
 *
 * A CPU that goes to a kernel thread keeps the table loaded ("lazy"): often the same process comes next, and an emulator forgets everything when
 * satp changes. Its bit moves from `cpus` to `lazy`.
 *
 * A CPU that is lazy, or has left an address space, remembers translations of it. It is not told when they change; its bit in `fresh` goes, and
 * when it comes back without it flushes the number.
 *   L1  A flush changes the entries, looks at `cpus`, takes the bits of all others out of `fresh`, and looks at `cpus` again. A CPU that
 *       comes sets its bit in `cpus` before it looks at `fresh`. Either it finds its bit gone, or the second look sees it.
 *   L2  A CPU takes its bit out of `cpus` only when it is out of the process: between the looks of L1 it was there, and is told.
 *   L3  Tables are freed only when lazy CPUs have forgotten them too, whose walkers run ahead: tlb_flush_tables() tells both kinds,
 *       tlb_forget_vm() makes them load the kernel's table.
 * Changed instructions go the way of L1, with `code_seen`. Models: tests/model/fresh_tlb_model.c, asid_model.c.
 */
#include "arch/common/asid.h"
#include "arch/common/page_table.h"
#include "arch/cpu.h"
#include "arch/impl/cpu_local.h"
#include "arch/irq.h"
#include "arch/riscv64/asm_offsets.h"
#include "arch/riscv64/instructions.h"
#include "arch/riscv64/port.h"
#include "arch/smp.h"
#include "core/panic.h"
#include "core/spinlock.h"

/* More pages than this: all of an address space's. To fill a TLB again costs about as much as a few instructions that wait for the pipeline. */
enum { FLUSH_PAGES_MAX = 8 };

#define ASID_SHIFT 44
#define ASID_MASK  0xffffUL

static void load_table(paddr_t root, u64 asid)
{
	CSR_WRITE("satp", paging.satp | asid << ASID_SHIFT | root >> PAGE_SHIFT);
}

void tlb_init_cpu(void)
{
	load_table(kernel_root_table, ASID_NONE);
	flush_tlb();
}

/* How many numbers the CPU can tell apart: it keeps as many of the bits. */
init_ void tlb_init(void)
{
	load_table(kernel_root_table, ASID_MASK);
	asid_init((u32)(CSR_READ("satp") >> ASID_SHIFT & ASID_MASK) + 1);
	tlb_init_cpu();
}

/* The kernel's half; and nobody knows anything of it: who had the number before may be remembered. */
void tlb_begin_vm(struct arch_vm *vm)
{
	kernel_map_share(vm->root);
	vm->asid = asid_take();
	vm->cpus = vm->lazy = vm->fresh = vm->code_seen = 0;
}

/* What has changed while this CPU was not told. Its bit in `cpus` is set, the table loaded. */
static void catch_up(struct cpu_local *cpu, struct arch_vm *vm, u64 bit)
{
	bool shared = vm->asid == ASID_SHARED && cpu->asid_user != vm;

	/* L1, its bit in `cpus` is set before. order.fresh: pairs with flush_vm() and code_changed() */
	if (!(atomic_load(&vm->fresh) & bit) || shared) {
		atomic_fetch_or(&vm->fresh, bit);
		flush_asid(vm->asid);
	}
	if (!(atomic_load(&vm->code_seen) & bit)) {
		atomic_fetch_or(&vm->code_seen, bit);
		instruction_barrier();
	}
	if (vm->asid == ASID_SHARED) {
		cpu->asid_user = vm;
	}
}

static void become_lazy(struct arch_vm *vm, u64 bit)
{
	atomic_fetch_or(&vm->lazy, bit);
	atomic_fetch_and(&vm->cpus, ~bit);
}

static void resume(struct cpu_local *cpu, struct arch_vm *vm, u64 bit)
{
	atomic_fetch_or(&vm->cpus, bit);
	atomic_fetch_and(&vm->lazy, ~bit);
	catch_up(cpu, vm, bit);
}

/* The bit is set before the table is loaded and taken away after: who looks at the masks sees every CPU that may use it. NULL: the kernel's. */
static void load(struct cpu_local *cpu, struct arch_vm *vm, u64 bit)
{
	struct arch_vm *old = cpu->loaded_vm;

	if (vm != NULL) {
		atomic_fetch_or(&vm->cpus, bit);
		load_table(vm->root, vm->asid);
		catch_up(cpu, vm, bit);
	} else {
		load_table(kernel_root_table, ASID_NONE);
	}
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
			become_lazy(old, bit);
		} else if (vm == cpu->loaded_vm) {
			resume(cpu, vm, bit);
		} else {
			load(cpu, vm, bit);
		}
	}
	arch_irq_restore(flags);
}

void tlb_leave_lazy(struct cpu_local *cpu)
{
	if (cpu->active_vm == NULL && cpu->loaded_vm != NULL) {
		load(cpu, NULL, 1UL << cpu->number);
	}
}

struct arch_vm *arch_vm_active(void)
{
	return cpu_local_current()->active_vm;
}

void tlb_flush_here(u16 asid, vaddr_t start, vaddr_t end)
{
	if (end - start > FLUSH_PAGES_MAX * PAGE_SIZE) {
		flush_asid(asid);
		return;
	}
	for (vaddr_t page = start; page < end; page += PAGE_SIZE) {
		flush_page_of(page, asid);
	}
}

/* Interrupts off. This CPU does it while the others do. */
static void flush_on(u64 cpus, const struct cpu_request *request)
{
	u64 others = cpus_ask(cpus, request);

	if (cpus >> arch_cpu_number() & 1) {
		tlb_flush_here(request->asid, request->start, request->end);
	}
	cpus_await(others);
}

static void flush_vm(struct arch_vm *vm, vaddr_t start, vaddr_t end, bool lazy_too)
{
	struct cpu_request request = {start, end, vm->asid, REQUEST_PAGES};
	u64 flags = arch_irq_save(), cpus;

	/* L1. order.fresh: pairs with catch_up() */
	atomic_thread_fence(memory_order_seq_cst);
	cpus = atomic_load(&vm->cpus);
	atomic_fetch_and(&vm->fresh, cpus);
	cpus |= atomic_load(&vm->cpus); /* L1 */
	if (lazy_too) {
		/* A CPU moves between the masks by way of both: in one of three looks it is there, or has begun anew (L3). */
		cpus |= atomic_load(&vm->lazy);
		cpus |= atomic_load(&vm->cpus);
	}
	flush_on(cpus, &request);
	arch_irq_restore(flags);
}

void arch_vm_flush(struct arch_vm *vm, vaddr_t start, vaddr_t end)
{
	flush_vm(vm, start, end, false);
}

/* CPUs that are lazy in `vm` too. */
void tlb_flush_tables(struct arch_vm *vm, vaddr_t start, vaddr_t end)
{
	flush_vm(vm, 0, USER_END, true);
}

/* Nobody uses it. Those that remember it forget it before its number has a new owner, who begins with no bit in `fresh`. */
void tlb_forget_vm(struct arch_vm *vm)
{
	const struct cpu_request leave = {.wanted = REQUEST_LEAVE};
	u64 flags = arch_irq_save();
	struct cpu_local *self = cpu_local_current();

	ASSERT(atomic_load(&vm->cpus) == 0);
	if (self->loaded_vm == vm) {
		tlb_leave_lazy(self);
	}
	cpus_await(cpus_ask(atomic_load(&vm->lazy), &leave));
	ASSERT(atomic_load(&vm->lazy) == 0);
	arch_irq_restore(flags);
	asid_give(vm->asid);
}

static u64 online_cpus(void)
{
	u64 cpus = 0;

	for (unsigned i = 0; i < MAX_CPUS; i++) {
		if (atomic_load_explicit(&cpu_locals[i].online, memory_order_relaxed)) {
			cpus |= 1UL << i;
		}
	}
	return cpus;
}

/* The kernel's pages are in every address space's translations. */
void tlb_flush_kernel(vaddr_t start, vaddr_t end)
{
	const struct cpu_request all = {.wanted = REQUEST_EVERYTHING};
	u64 flags = arch_irq_save(), others;

	/* order.online: pairs with cpu_started() */
	atomic_thread_fence(memory_order_seq_cst);
	others = cpus_ask(online_cpus(), &all);
	flush_tlb();
	cpus_await(others);
	arch_irq_restore(flags);
}

/* Interrupts off. */
static void fetch_anew(u64 cpus)
{
	const struct cpu_request code = {.wanted = REQUEST_CODE};
	u64 others = cpus_ask(cpus, &code);

	instruction_barrier();
	cpus_await(others);
}

/* An exception and the return from it do not serialise: each CPU that is in `vm` fences, and who comes later does by catch_up(). */
void code_changed(struct arch_vm *vm)
{
	u64 flags = arch_irq_save(), cpus;

	/* L1. order.fresh: pairs with catch_up() */
	atomic_thread_fence(memory_order_seq_cst);
	cpus = atomic_load(&vm->cpus);
	atomic_fetch_and(&vm->code_seen, cpus);
	cpus |= atomic_load(&vm->cpus); /* L1 */
	fetch_anew(cpus);
	arch_irq_restore(flags);
}

void arch_vm_sync_core(struct arch_vm *vm)
{
	code_changed(vm);
}

bool vm_mark_accessed(vaddr_t address, u64 access)
{
	struct arch_vm *vm = arch_vm_active();
	bool marked = false;
	pte_t *table;

	if (vm == NULL || address >= USER_END) {
		return false;
	}
	spin_lock(&vm->lock);
	table = physical_to_virtual(vm->root);
	for (unsigned level = TABLE_LEVELS; level > 1 && table != NULL; level--) {
		u64 entry = table[table_index(address, level)];

		table = entry != 0 ? entry_table(entry) : NULL;
	}
	if (table != NULL) {
		pte_t *entry = &table[table_index(address, 1)];
		u64 wanted = PTE_VALID | PTE_USER | access;

		/* Its rights do not forbid it: then this was what was missing, or the CPU remembers an older entry. */
		marked = (*entry & wanted) == wanted;
		if (marked) {
			atomic_fetch_or(entry, PTE_ACCESSED);
		}
	}
	spin_unlock(&vm->lock);
	if (marked) {
		flush_page_of(address, vm->asid);
	}
	return marked;
}

/* Whoever has it mapped. */
void arch_sync_instruction_cache(vaddr_t start, vaddr_t end)
{
	u64 flags = arch_irq_save();

	atomic_thread_fence(memory_order_seq_cst);
	fetch_anew(online_cpus());
	arch_irq_restore(flags);
}
