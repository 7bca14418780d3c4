// SPDX-License-Identifier: MIT
/*
 * Which address space each CPU has loaded, and telling CPUs to forget translations. The hardware's broadcast interrupts nobody, but every
 * CPU takes part in it, and an emulator stops them all: who is alone in an address space flushes its own CPU only.
 *
 * Each address space has a number (ASID) from its first to its last moment, so that a switch flushes nothing. Where all are taken the
 * next ones share one, ASID_SHARED: a CPU that goes from one of these to another flushes that number, on itself, in between.
 * ASID_NONE is that of the empty table, which a CPU has before its first program.
 *
 * A CPU that goes to a kernel thread keeps the table loaded ("lazy"); its bit moves from `cpus` to `lazy`. Such a CPU, and one that has
 * left the address space, remembers translations, and a lazy one may find more of them at any time. It is not told when they change:
 * its bit in `fresh` goes, and when it comes back without it, it flushes the number.
 *   L1  A flush changes the entries, looks at `cpus`, takes the bits of all others out of `fresh`, and looks at `cpus` again. A CPU that
 *       comes sets its bit in `cpus` before it looks at `fresh`. Either it finds its bit gone, or the second look sees it.
 *   L2  The walks of a CPU are no loads that C knows of; only a DSB orders them. users_of() has one between the changed entries and the
 *       first look at `cpus`. It pairs with that of arrive(), between the bit in `cpus` and the first walk: a CPU that was not seen walks
 *       the changed entries.
 *   L3  Tables are freed only when lazy CPUs, whose walks go on, have forgotten them: tlb_flush_tables() counts them as users,
 *       tlb_forget_vm() makes them load the empty table. A number's next owner begins with no bit in `fresh`.
 */
#include "arch/aarch64/instructions.h"
#include "arch/aarch64/port.h"
#include "arch/common/asid.h"
#include "arch/common/page_table.h"
#include "arch/cpu.h"
#include "arch/impl/cpu_local.h"
#include "arch/irq.h"
#include "arch/smp.h"
#include "core/panic.h"
#include "core/spinlock.h"

/* More pages than this: all of an address space's, or of the kernel's. */
enum { FLUSH_PAGES_MAX = 64 };

#define ASID_SHIFT 48

static pte_t empty_table[TABLE_ENTRIES] aligned_(PAGE_SIZE);

static void load_table(paddr_t root, u64 asid)
{
	WRITE_REGISTER("ttbr0_el1", root | asid << ASID_SHIFT);
	instruction_barrier();
}

static void load_nothing(void)
{
	load_table(virtual_to_physical(empty_table), ASID_NONE);
}

void tlb_init_cpu(void)
{
	load_nothing();
	__asm__ volatile("tlbi vmalle1; dsb nsh; isb" ::: "memory");
}

init_ void tlb_init(void)
{
	asid_init(cpu_features.asid_16 ? ASIDS_MAX : 256);
	tlb_init_cpu();
}

static u64 asid_operand(const struct arch_vm *vm)
{
	return (u64)vm->asid << ASID_SHIFT;
}

void tlb_begin_vm(struct arch_vm *vm)
{
	vm->asid = asid_take();
	vm->cpus = vm->lazy = vm->fresh = 0;
}

/* On this CPU. Who has the number loaded may fill the TLB again meanwhile. */
static void flush_number_here(const struct arch_vm *vm)
{
	__asm__ volatile("dsb ish; tlbi aside1, %0; dsb nsh; isb" ::"r"(asid_operand(vm))
			 : "memory");
}

/* The bit is set, `vm` may be walked after return (L1, L2). Interrupts off. */
static void arrive(struct cpu_local *cpu, struct arch_vm *vm, u64 bit)
{
	bool shared = vm->asid == ASID_SHARED && cpu->asid_user != vm;

	/* L1, L2. order.fresh: pairs with users_of() */
	atomic_fetch_or(&vm->cpus, bit);
	data_barrier();
	if (!(atomic_load(&vm->fresh) & bit) || shared) {
		if (shared) {
			load_nothing();
			cpu->asid_user = vm;
		}
		atomic_fetch_or(&vm->fresh, bit);
		flush_number_here(vm);
	}
}

/* vm: NULL for the empty table. The old bits go when nothing is walked there any more. */
static void load(struct cpu_local *cpu, struct arch_vm *vm, u64 bit)
{
	struct arch_vm *old = cpu->loaded_vm;

	if (vm != NULL) {
		arrive(cpu, vm, bit);
		load_table(vm->root, vm->asid);
	} else {
		load_nothing();
	}
	cpu->loaded_vm = vm;
	if (old != NULL) {
		data_barrier();
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
			atomic_fetch_or(&old->lazy, bit);
			atomic_fetch_and(&old->cpus, ~bit);
		} else if (vm == cpu->loaded_vm) {
			arrive(cpu, vm, bit);
			atomic_fetch_and(&vm->lazy, ~bit);
		} else {
			load(cpu, vm, bit);
		}
	}
	arch_irq_restore(flags);
}

void tlb_leave_lazy(void)
{
	struct cpu_local *cpu = cpu_local_current();

	if (cpu->active_vm == NULL && cpu->loaded_vm != NULL) {
		load(cpu, NULL, 1UL << cpu->number);
	}
}

struct arch_vm *arch_vm_active(void)
{
	return cpu_local_current()->active_vm;
}

static u64 page_operand(vaddr_t page)
{
	return page >> PAGE_SHIFT & ((1UL << 44) - 1);
}

/* The entries have been changed: who uses them, and the others know that they are stale (L1, L2). */
static u64 users_of(struct arch_vm *vm)
{
	u64 cpus;

	/* L1, L2. order.fresh: pairs with arrive() */
	data_barrier();
	cpus = atomic_load(&vm->cpus);
	atomic_fetch_and(&vm->fresh, cpus);
	return cpus | atomic_load(&vm->cpus);
}

static void flush_all_of(struct arch_vm *vm, u64 users, u64 self)
{
	if (users & ~self) {
		__asm__ volatile("tlbi aside1is, %0; dsb ish; isb" ::"r"(asid_operand(vm))
				 : "memory");
	} else if (users != 0) {
		flush_number_here(vm);
	}
}

static void flush_pages(struct arch_vm *vm, vaddr_t start, vaddr_t end, bool others)
{
	for (vaddr_t page = start; page < end; page += PAGE_SIZE) {
		u64 operand = page_operand(page) | asid_operand(vm);

		if (others) {
			__asm__ volatile("tlbi vale1is, %0" ::"r"(operand) : "memory");
		} else {
			__asm__ volatile("tlbi vale1, %0" ::"r"(operand) : "memory");
		}
	}
	__asm__ volatile("dsb ish; isb" ::: "memory");
}

void arch_vm_flush(struct arch_vm *vm, vaddr_t start, vaddr_t end)
{
	u64 flags = arch_irq_save();
	u64 users = users_of(vm), self = 1UL << arch_cpu_number();

	if (end - start > FLUSH_PAGES_MAX * PAGE_SIZE) {
		flush_all_of(vm, users, self);
	} else if (users != 0) {
		flush_pages(vm, start, end, (users & ~self) != 0);
	}
	arch_irq_restore(flags);
}

void tlb_forget_page_here(vaddr_t address)
{
	__asm__ volatile("tlbi vaale1, %0; dsb nsh; isb" ::"r"(page_operand(address))
			 : "memory");
}

u64 pte_replace(struct arch_vm *vm, pte_t *entry, vaddr_t address, u64 value)
{
	u64 old = atomic_load(entry);

	if (old & PTE_VALID && ((old ^ value) & PTE_ADDRESS) != 0) {
		old = atomic_exchange(entry, 0);
		arch_vm_flush(vm, address, address + PAGE_SIZE);
	}
	atomic_store(entry, value); /* order.page: pairs with the walk */
	pte_publish();
	return old;
}

/* A CPU moves between the masks by way of both: in one of three looks it is there, or it comes after. */
void tlb_flush_tables(struct arch_vm *vm, vaddr_t start, vaddr_t end)
{
	u64 flags = arch_irq_save();
	u64 users = users_of(vm);

	users |= atomic_load(&vm->lazy);
	users |= atomic_load(&vm->cpus);
	flush_all_of(vm, users, 1UL << arch_cpu_number());
	arch_irq_restore(flags);
}

void tlb_forget_vm(struct arch_vm *vm)
{
	u64 flags = arch_irq_save();

	ASSERT(atomic_load(&vm->cpus) == 0);
	if (cpu_local_current()->loaded_vm == vm) {
		tlb_leave_lazy();
	}
	arch_interrupt_others(atomic_load(&vm->lazy)); /* cpu_call_poll() leaves */
	ASSERT(atomic_load(&vm->lazy) == 0);
	arch_irq_restore(flags);
	asid_give(vm->asid);
}

void tlb_flush_kernel(vaddr_t start, vaddr_t end)
{
	__asm__ volatile("dsb ishst" ::: "memory");
	if (end - start > FLUSH_PAGES_MAX * PAGE_SIZE) {
		__asm__ volatile("tlbi vmalle1is" ::: "memory");
	} else {
		for (vaddr_t page = start; page < end; page += PAGE_SIZE) {
			__asm__ volatile("tlbi vaale1is, %0" ::"r"(page_operand(page))
					 : "memory");
		}
	}
	__asm__ volatile("dsb ish; isb" ::: "memory");
}

/* An exception and the return from it serialise: an interrupt will do. A CPU that takes up `vm` later comes by a return anyway. */
void arch_vm_sync_core(struct arch_vm *vm)
{
	arch_interrupt_others(atomic_load(&vm->cpus));
	instruction_barrier();
}

bool vm_mark_accessed(vaddr_t address)
{
	struct arch_vm *vm = arch_vm_active();
	pte_t *table;
	bool marked = false;

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

		marked = *entry & PTE_VALID &&
			 !(atomic_fetch_or(entry, PTE_ACCESSED) & PTE_ACCESSED);
	}
	spin_unlock(&vm->lock);
	pte_publish();
	return marked;
}

/* The data cache by address, which may be any alias; the instruction caches as a whole: theirs are others. */
void arch_sync_instruction_cache(vaddr_t start, vaddr_t end)
{
	u64 line = 4UL << (READ_REGISTER("ctr_el0") >> 16 & 15);

	for (vaddr_t at = start & ~(line - 1); at < end && !cpu_features.cache_no_clean;
	     at += line) {
		__asm__ volatile("dc cvau, %0" ::"r"(at) : "memory");
	}
	data_barrier();
	if (!cpu_features.cache_no_invalidate) {
		__asm__ volatile("ic ialluis" ::: "memory");
		data_barrier();
	}
	instruction_barrier();
}
