// SPDX-License-Identifier: MIT
/*
 * Which address space each CPU has loaded, and telling CPUs to forget translations: by the firmware, which interrupts them below this
 * kernel, so that a CPU with interrupts off answers as well.
 *
 * Each address space has a number (ASID) from its first to its last moment, so that a switch flushes nothing. Where all are taken the
 * next ones share one, ASID_SHARED: a CPU that goes from one of these to another flushes that number, on itself, in between.
 * ASID_NONE is the kernel's own table's, which a CPU has while it runs a kernel thread.
 *
 * A CPU that has left an address space remembers translations of it. It is not told when they change; its bit in `fresh` goes, and when it comes
 * back without it flushes the number.
 *   L1  A flush changes the entries, looks at `cpus`, takes the bits of all others out of `fresh`, and looks at `cpus` again. A CPU that
 *       comes sets its bit in `cpus` before it looks at `fresh`. Either it finds its bit gone, or the second look sees it.
 * Changed instructions go the same way, with `code_seen`. Model: tests/model/fresh_tlb_model.c.
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

/* More pages than this: all of an address space's, or of the kernel's. */
enum { FLUSH_PAGES_MAX = 64 };

#define ASID_SHIFT 44
#define ASID_MASK  0xffffUL

static void load_table(paddr_t root, u64 asid)
{
	CSR_WRITE("satp", SATP_SV48 | asid << ASID_SHIFT | root >> PAGE_SHIFT);
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
	vm->cpus = vm->fresh = vm->code_seen = 0;
}

/* Interrupts off. */
static void load(struct cpu_local *cpu, struct arch_vm *vm, u64 bit)
{
	bool shared = vm->asid == ASID_SHARED && cpu->asid_user != vm;

	/* L1. order.fresh: pairs with arch_vm_flush() and code_changed() */
	atomic_fetch_or(&vm->cpus, bit);
	load_table(vm->root, vm->asid);
	if (!(atomic_load(&vm->fresh) & bit) || shared) { /* L1 */
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

/* The bit is set before the table is loaded and taken away after: who looks at `cpus` sees every CPU that may use it. */
void arch_vm_activate(struct arch_vm *vm)
{
	u64 flags = arch_irq_save();
	struct cpu_local *cpu = cpu_local_current();
	struct arch_vm *old = cpu->active_vm;
	u64 bit = 1UL << cpu->number;

	if (old != vm) {
		cpu->active_vm = vm;
		if (vm == NULL) {
			load_table(kernel_root_table, ASID_NONE);
		} else {
			load(cpu, vm, bit);
		}
		if (old != NULL) {
			atomic_fetch_and(&old->cpus, ~bit);
		}
	}
	arch_irq_restore(flags);
}

struct arch_vm *arch_vm_active(void)
{
	return cpu_local_current()->active_vm;
}

/* The firmware wants harts: a mask of 64 from one on. */
void tlb_fence_others(u64 cpus, u64 function, vaddr_t start, u64 size, u64 asid)
{
	u64 base = ~0UL, harts = 0;

	for (u64 left = cpus; left != 0; left &= left - 1) {
		base = MIN(base, cpu_locals[__builtin_ctzl(left)].hardware_id);
	}
	for (u64 left = cpus; left != 0; left &= left - 1) {
		u64 hart = cpu_locals[__builtin_ctzl(left)].hardware_id;

		if (hart - base < 64) {
			harts |= 1UL << (hart - base);
		} else {
			(void)sbi_call(SBI_RFENCE, function, 1, hart, start, size, asid);
		}
	}
	if (harts != 0) {
		(void)sbi_call(SBI_RFENCE, function, harts, base, start, size, asid);
	}
}

/* What flush_page() is called for lies below; 0 and all: everything. */
static void flush_here(const struct arch_vm *vm, vaddr_t start, vaddr_t end)
{
	if (end - start > FLUSH_PAGES_MAX * PAGE_SIZE) {
		flush_asid(vm->asid);
		return;
	}
	for (vaddr_t page = start; page < end; page += PAGE_SIZE) {
		flush_page_of(page, vm->asid);
	}
}

void arch_vm_flush(struct arch_vm *vm, vaddr_t start, vaddr_t end)
{
	u64 flags = arch_irq_save();
	u64 self = 1UL << arch_cpu_number(), cpus;
	bool all = end - start > FLUSH_PAGES_MAX * PAGE_SIZE;

	/* L1. order.fresh: pairs with load() */
	atomic_thread_fence(memory_order_seq_cst);
	cpus = atomic_load(&vm->cpus);
	atomic_fetch_and(&vm->fresh, cpus);
	cpus |= atomic_load(&vm->cpus); /* L1 */
	if (cpus & self) {
		flush_here(vm, start, end);
	}
	tlb_fence_others(cpus & ~self, RFENCE_ASID, all ? 0 : start,
			 all ? ~0UL : end - start, vm->asid);
	arch_irq_restore(flags);
}

void tlb_flush_tables(struct arch_vm *vm, vaddr_t start, vaddr_t end)
{
	arch_vm_flush(vm, 0, USER_END);
}

/* Nobody uses it. Those that remember it forget it before its number has a new owner, who begins with no bit in `fresh`. */
void tlb_forget_vm(struct arch_vm *vm)
{
	ASSERT(atomic_load(&vm->cpus) == 0);
	arch_vm_flush(vm, 0, USER_END);
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

void tlb_flush_kernel(vaddr_t start, vaddr_t end)
{
	u64 flags = arch_irq_save();
	u64 self = 1UL << arch_cpu_number();
	bool all = end - start > FLUSH_PAGES_MAX * PAGE_SIZE;

	/* order.online: pairs with cpu_started() */
	atomic_thread_fence(memory_order_seq_cst);
	for (vaddr_t page = start; page < end && !all; page += PAGE_SIZE) {
		flush_page(page);
	}
	if (all) {
		flush_tlb();
	}
	tlb_fence_others(online_cpus() & ~self, RFENCE_ALL, all ? 0 : start,
			 all ? ~0UL : end - start, 0);
	arch_irq_restore(flags);
}

/* An exception and the return from it do not serialise: each CPU that is in `vm` fences, and who comes later does by load(). */
void code_changed(struct arch_vm *vm)
{
	u64 flags = arch_irq_save();
	u64 self = 1UL << arch_cpu_number(), cpus;

	/* L1. order.fresh: pairs with load() */
	atomic_thread_fence(memory_order_seq_cst);
	cpus = atomic_load(&vm->cpus);
	atomic_fetch_and(&vm->code_seen, cpus);
	cpus |= atomic_load(&vm->cpus); /* L1 */
	instruction_barrier();
	tlb_fence_others(cpus & ~self, RFENCE_CODE, 0, 0, 0);
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
	instruction_barrier();
	tlb_fence_others(online_cpus() & ~(1UL << arch_cpu_number()), RFENCE_CODE, 0, 0,
			 0);
	arch_irq_restore(flags);
}
