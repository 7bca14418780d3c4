// SPDX-License-Identifier: MIT
/*
 * AArch64: page table entries (VMSAv8-64, 4 KiB).
 *
 * A page counts as dirty when it may be written. Where the CPU does not mark accessed pages itself, trap.c does.
 */
#pragma once

#include "arch/mmu.h"
#include "lib/types.h"
#include <stdatomic.h>

#define PTE_VALID (1UL << 0)
#define PTE_TABLE_OR_PAGE \
	(1UL << 1) /* at level 1 (leaves): page; above: table, not block */
#define PTE_MEMORY(index)   ((u64)(index) << 2) /* MEMORY_* */
#define PTE_USER            (1UL << 6)
#define PTE_READ_ONLY       (1UL << 7)
#define PTE_SHARED          (3UL << 8) /* inner shareable */
#define PTE_ACCESSED        (1UL << 10)
#define PTE_NOT_GLOBAL      (1UL << 11)
#define PTE_NO_EXECUTE      (1UL << 53) /* by the kernel */
#define PTE_USER_NO_EXECUTE (1UL << 54)
#define PTE_MAPPED          (1UL << 55)
#define PTE_ADDRESS         0x0000fffffffff000UL

/* Indices of MAIR_EL1, which start.S sets. */
enum { MEMORY_NORMAL = 0, MEMORY_DEVICE = 1 };

#define PTE_TABLE        (PTE_VALID | PTE_TABLE_OR_PAGE)
#define PTE_KERNEL_TABLE PTE_TABLE
#define PTE_KEPT         (PTE_ADDRESS | PTE_ACCESSED)

static inline u64 pte_of(paddr_t physical)
{
	return physical;
}

static inline paddr_t pte_physical(u64 entry)
{
	return entry & PTE_ADDRESS;
}

static inline bool pte_is_table(u64 entry)
{
	return (entry & PTE_TABLE) == PTE_TABLE;
}

static inline u64 pte_rights(u32 protect)
{
	u64 bits = PTE_MAPPED | PTE_TABLE_OR_PAGE | PTE_SHARED;

	bits |= protect & (PROTECT_READ | PROTECT_WRITE | PROTECT_EXECUTE) ? PTE_VALID
									   : 0;
	bits |= protect & PROTECT_WRITE ? 0 : PTE_READ_ONLY;
	bits |= PTE_MEMORY(protect & PROTECT_DEVICE ? MEMORY_DEVICE : MEMORY_NORMAL);
	if (protect & PROTECT_USER) {
		bits |= PTE_USER | PTE_NOT_GLOBAL | PTE_NO_EXECUTE;
		bits |= protect & PROTECT_EXECUTE ? 0 : PTE_USER_NO_EXECUTE;
	} else {
		bits |= PTE_USER_NO_EXECUTE;
		bits |= protect & PROTECT_EXECUTE ? 0 : PTE_NO_EXECUTE;
	}
	return bits;
}

static inline u64 pte_kernel_leaf(paddr_t physical, u32 protect, unsigned level)
{
	u64 rights = pte_rights(protect);

	/* Above the leaves the same bit means: a table. */
	rights &= level > 1 ? ~PTE_TABLE_OR_PAGE : ~0UL;
	return pte_of(physical) | rights | PTE_ACCESSED;
}

static inline bool pte_is_writable(u64 entry)
{
	return (entry & (PTE_VALID | PTE_READ_ONLY)) == PTE_VALID;
}

static inline bool pte_is_dirty(u64 entry)
{
	return (entry & PTE_READ_ONLY) == 0;
}

static inline u64 pte_without_write(u64 entry)
{
	return entry | PTE_READ_ONLY;
}

static inline u32 pte_protect(u64 entry)
{
	u64 no_execute = entry & PTE_USER ? PTE_USER_NO_EXECUTE : PTE_NO_EXECUTE;
	u32 protect = 0;

	if (entry & PTE_VALID) {
		protect |= PROTECT_READ;
		protect |= pte_is_writable(entry) ? PROTECT_WRITE : 0;
		protect |= entry & no_execute ? 0 : PROTECT_EXECUTE;
	}
	protect |= entry & PTE_USER ? PROTECT_USER : 0;
	protect |= entry & PTE_MEMORY(MEMORY_DEVICE) ? PROTECT_DEVICE : 0;
	return protect;
}

static inline void pte_prepare(struct arch_vm *vm, paddr_t page, u32 protect)
{
	if (protect & PROTECT_EXECUTE) {
		vaddr_t start = (vaddr_t)physical_to_virtual(page);

		arch_sync_instruction_cache(start, start + PAGE_SIZE);
	}
}

static inline void pte_publish(void)
{
	__asm__ volatile("dsb ishst" ::: "memory");
}

/* tlb.c. A page that takes another's place comes after all have forgotten that one. */
u64 pte_replace(struct arch_vm *vm, pte_t *entry, vaddr_t address, u64 value);

/*
 * Another CPU that is given the address may have looked for it before: arch_switch() looks anew, and elsewhere it faults, and goes on. order.kernel_map:
 * pairs with arch_switch() and is_mapped_now()
 */
static inline void pte_publish_kernel(void)
{
	pte_publish();
	__asm__ volatile("isb" ::: "memory");
}
