// SPDX-License-Identifier: MIT
/* x86-64: page table entries. */
#pragma once

#include "arch/mmu.h"
#include "lib/types.h"
#include <stdatomic.h>

typedef _Atomic u64 pte_t;

#define PTE_PRESENT       (1UL << 0)
#define PTE_WRITE         (1UL << 1)
#define PTE_USER          (1UL << 2)
#define PTE_WRITE_THROUGH (1UL << 3)
#define PTE_UNCACHED      (1UL << 4)
#define PTE_ACCESSED      (1UL << 5)
#define PTE_DIRTY         (1UL << 6)
#define PTE_LARGE         (1UL << 7)
#define PTE_MAPPED     (1UL << 9) /* ours: something is mapped here, accessible or not */
#define PTE_NO_EXECUTE (1UL << 63)
#define PTE_ADDRESS    0x000ffffffffff000UL

/* An entry that leads to a table; what changed rights leave of a leaf. */
#define PTE_TABLE (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED)
#define PTE_KEPT  (PTE_ADDRESS | PTE_ACCESSED | PTE_DIRTY)

#define TABLE_ENTRIES 512
#define TABLE_LEVELS  4

/* Bits below the entry's page (level 1) or subtree (2 … 4). */
static inline unsigned level_shift(unsigned level)
{
	return PAGE_SHIFT + 9 * (level - 1);
}

static inline size_t table_index(vaddr_t address, unsigned level)
{
	return address >> level_shift(level) & (TABLE_ENTRIES - 1);
}

/* The bits of an entry that say where it leads, and back. */
static inline u64 pte_of(paddr_t physical)
{
	return physical;
}

static inline paddr_t pte_physical(u64 entry)
{
	return entry & PTE_ADDRESS;
}

static inline pte_t *entry_table(u64 entry)
{
	return physical_to_virtual(pte_physical(entry));
}

/* The bits of a leaf for PROTECT_*. With no access at all it is not present: the frame is kept, access is not given. */
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

/* Write an entry, whatever it was; returns that. */
static inline u64 pte_replace(struct arch_vm *vm, pte_t *entry, vaddr_t address,
			      u64 value)
{
	return atomic_exchange(entry, value);
}

/* A page is about to be mapped: what was written to it may be code. */
static inline void pte_prepare(struct arch_vm *vm, paddr_t page, u32 protect)
{
}

/* New entries are there for whoever walks the tables from here on. */
static inline void pte_publish(void)
{
}

/* tlb.c: an address space begins, its tables all empty but the root, which gets what every address space has. */
void tlb_begin_vm(struct arch_vm *vm);
/* arch_vm_flush() before tables are freed. */
void tlb_flush_tables(struct arch_vm *vm, vaddr_t start, vaddr_t end);
/* No CPU uses `vm`, and after return none knows its tables. */
void tlb_forget_vm(struct arch_vm *vm);
