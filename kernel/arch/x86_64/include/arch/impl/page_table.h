// SPDX-License-Identifier: MIT
/* x86-64: page table entries. */
#pragma once

#include "arch/mmu.h"
#include "lib/types.h"
#include <stdatomic.h>

#define PTE_PRESENT       (1UL << 0)
#define PTE_WRITE         (1UL << 1)
#define PTE_USER          (1UL << 2)
#define PTE_WRITE_THROUGH (1UL << 3)
#define PTE_UNCACHED      (1UL << 4)
#define PTE_ACCESSED      (1UL << 5)
#define PTE_DIRTY         (1UL << 6)
#define PTE_LARGE         (1UL << 7)
#define PTE_MAPPED        (1UL << 9)
#define PTE_NO_EXECUTE    (1UL << 63)
#define PTE_ADDRESS       0x000ffffffffff000UL

#define PTE_TABLE        (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED)
#define PTE_KERNEL_TABLE (PTE_PRESENT | PTE_WRITE)
#define PTE_KEPT         (PTE_ADDRESS | PTE_ACCESSED | PTE_DIRTY)

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
	return (entry & (PTE_PRESENT | PTE_LARGE)) == PTE_PRESENT;
}

static inline u64 pte_rights(u32 protect)
{
	u64 bits = PTE_MAPPED;

	bits |= protect & (PROTECT_READ | PROTECT_WRITE | PROTECT_EXECUTE) ? PTE_PRESENT
									   : 0;
	bits |= protect & PROTECT_WRITE ? PTE_WRITE : 0;
	bits |= protect & PROTECT_USER ? PTE_USER : 0;
	bits |= protect & PROTECT_EXECUTE ? 0 : PTE_NO_EXECUTE;
	bits |= protect & PROTECT_DEVICE ? PTE_UNCACHED | PTE_WRITE_THROUGH : 0;
	return bits;
}

/* The dirty bit is the CPU's: arch_kernel_written() tells by it. */
static inline u64 pte_kernel_leaf(paddr_t physical, u32 protect, unsigned level)
{
	return pte_of(physical) | pte_rights(protect) | PTE_ACCESSED |
	       (level > 1 ? PTE_LARGE : 0);
}

static inline bool pte_is_writable(u64 entry)
{
	return (entry & PTE_WRITE) != 0;
}

static inline bool pte_is_dirty(u64 entry)
{
	return (entry & PTE_DIRTY) != 0;
}

static inline u64 pte_without_write(u64 entry)
{
	return entry & ~PTE_WRITE;
}

static inline u32 pte_protect(u64 entry)
{
	u32 protect = 0;

	if (entry & PTE_PRESENT) {
		protect |= PROTECT_READ;
		protect |= entry & PTE_WRITE ? PROTECT_WRITE : 0;
		protect |= entry & PTE_NO_EXECUTE ? 0 : PROTECT_EXECUTE;
	}
	protect |= entry & PTE_USER ? PROTECT_USER : 0;
	protect |= entry & PTE_UNCACHED ? PROTECT_DEVICE : 0;
	return protect;
}

static inline u64 pte_replace(struct arch_vm *vm, pte_t *entry, vaddr_t address,
			      u64 value)
{
	return atomic_exchange(entry, value);
}

static inline void pte_prepare(struct arch_vm *vm, paddr_t page, u32 protect)
{
}

static inline void pte_publish(void)
{
}

static inline void pte_publish_kernel(void)
{
}
