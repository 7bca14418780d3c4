// SPDX-License-Identifier: MIT
/*
 * RISC-V: page table entries (Sv39, Sv48).
 *
 * What may be written is marked dirty from the start, and everything accessed: a CPU may leave both to the kernel, by a fault. What
 * arch_vm_forget_accessed() has cleared, such a CPU marks again in trap.c.
 */
#pragma once

#include "arch/mmu.h"
#include "lib/types.h"
#include <stdatomic.h>

#define PTE_VALID    (1UL << 0)
#define PTE_READ     (1UL << 1)
#define PTE_WRITE    (1UL << 2)
#define PTE_EXECUTE  (1UL << 3) /* valid without any of the three: a table */
#define PTE_USER     (1UL << 4)
#define PTE_GLOBAL   (1UL << 5)
#define PTE_ACCESSED (1UL << 6)
#define PTE_DIRTY    (1UL << 7)
#define PTE_MAPPED   (1UL << 8)
#define PTE_ADDRESS  0x003ffffffffffc00UL
#define PTE_LEAF     (PTE_READ | PTE_WRITE | PTE_EXECUTE)

#define PTE_TABLE        PTE_VALID
#define PTE_KERNEL_TABLE PTE_VALID
#define PTE_KEPT         (PTE_ADDRESS | PTE_ACCESSED | PTE_DIRTY)

static inline u64 pte_of(paddr_t physical)
{
	return physical >> 2;
}

static inline paddr_t pte_physical(u64 entry)
{
	return (entry & PTE_ADDRESS) << 2;
}

static inline bool pte_is_table(u64 entry)
{
	return (entry & (PTE_VALID | PTE_LEAF)) == PTE_VALID;
}

static inline u64 pte_rights(u32 protect)
{
	u64 bits = PTE_MAPPED;

	if (protect & (PROTECT_READ | PROTECT_WRITE | PROTECT_EXECUTE)) {
		bits |= PTE_VALID | PTE_READ;
	}
	bits |= protect & PROTECT_WRITE ? PTE_WRITE | PTE_DIRTY : 0;
	bits |= protect & PROTECT_EXECUTE ? PTE_EXECUTE : 0;
	bits |= protect & PROTECT_USER ? PTE_USER : PTE_GLOBAL;
	return bits;
}

static inline u64 pte_kernel_leaf(paddr_t physical, u32 protect, unsigned level)
{
	return pte_of(physical) | pte_rights(protect) | PTE_ACCESSED;
}

static inline bool pte_is_writable(u64 entry)
{
	return (entry & (PTE_VALID | PTE_WRITE)) == (PTE_VALID | PTE_WRITE);
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

	if (entry & PTE_VALID) {
		protect |= PROTECT_READ;
		protect |= entry & PTE_WRITE ? PROTECT_WRITE : 0;
		protect |= entry & PTE_EXECUTE ? PROTECT_EXECUTE : 0;
	}
	protect |= entry & PTE_USER ? PROTECT_USER : 0;
	return protect;
}

static inline u64 pte_replace(struct arch_vm *vm, pte_t *entry, vaddr_t address,
			      u64 value)
{
	return atomic_exchange(entry, value);
}

/* tlb.c: no CPU executes in `vm` what it has fetched before. */
void code_changed(struct arch_vm *vm);

static inline void pte_prepare(struct arch_vm *vm, paddr_t page, u32 protect)
{
	if (protect & PROTECT_EXECUTE) {
		code_changed(vm);
	}
}

/* A CPU that looked before the entry was there, and remembers that, takes a fault that is none (trap.c). */
static inline void pte_publish(void)
{
}

/* kernel_map.c: how many pages of the kernel's have been mapped. A CPU may remember that one was not there (arch_switch()). */
extern _Atomic u64 kernel_map_changes;

static inline void pte_publish_kernel(void)
{
	/* order.kernel_map: pairs with arch_switch() and kernel_page_fault() */
	atomic_fetch_add(&kernel_map_changes, 1);
}
