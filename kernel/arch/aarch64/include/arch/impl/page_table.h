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

typedef _Atomic u64 pte_t;

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
#define PTE_MAPPED  (1UL << 55) /* ours: something is mapped here, accessible or not */
#define PTE_ADDRESS 0x0000fffffffff000UL

/* Indices of MAIR_EL1, which start.S sets. */
enum { MEMORY_NORMAL = 0, MEMORY_DEVICE = 1 };

/* An entry that leads to a table; what changed rights leave of a leaf. */
#define PTE_TABLE (PTE_VALID | PTE_TABLE_OR_PAGE)
#define PTE_KEPT  (PTE_ADDRESS | PTE_ACCESSED)

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

/* The bits of a leaf for PROTECT_*. With no access at all it is not valid: the frame is kept, access is not given. */
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

/* A page is about to be mapped: what was written to it may be code. */
static inline void pte_prepare(struct arch_vm *vm, paddr_t page, u32 protect)
{
	if (protect & PROTECT_EXECUTE) {
		vaddr_t start = (vaddr_t)physical_to_virtual(page);

		arch_sync_instruction_cache(start, start + PAGE_SIZE);
	}
}

/* New entries are there for whoever walks the tables from here on. */
static inline void pte_publish(void)
{
	__asm__ volatile("dsb ishst" ::: "memory");
}

/* tlb.c: write an entry, whatever it was; returns that. A page that takes another's place comes after all have forgotten that one. */
u64 pte_replace(struct arch_vm *vm, pte_t *entry, vaddr_t address, u64 value);

/* tlb.c: an address space begins, its tables all empty. */
void tlb_begin_vm(struct arch_vm *vm);
/* arch_vm_flush() before tables are freed. */
void tlb_flush_tables(struct arch_vm *vm, vaddr_t start, vaddr_t end);
/* No CPU uses `vm`, and after return none knows its tables. */
void tlb_forget_vm(struct arch_vm *vm);
