// SPDX-License-Identifier: MIT
/*
 * Page tables of every port: three or four levels of 512 entries. What an entry's bits are, and what a port does about a change of one, is
 * in its arch/impl/page_table.h, which this header includes; page_table.c (user space) and kernel_map.c need no more.
 */
#pragma once

#include "arch/mmu.h"
#include "lib/compiler.h"
#include "lib/types.h"
#include <stdatomic.h>

typedef _Atomic u64 pte_t;

/* TABLE_LEVELS, how many tables one above the other, comes from arch/impl/mmu.h: 4, or what the mode of paging gives. */
#define TABLE_ENTRIES 512

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
static inline u64 pte_of(paddr_t physical);
static inline paddr_t pte_physical(u64 entry);

static inline pte_t *entry_table(u64 entry)
{
	return physical_to_virtual(pte_physical(entry));
}

/* Present, and leads to a table: not a page, of whatever size. */
static inline bool pte_is_table(u64 entry);
/* The bits of a leaf for PROTECT_*, and back. With no access at all it is not present: the frame is kept, access is not given. */
static inline u64 pte_rights(u32 protect);
static inline u32 pte_protect(u64 entry);
static inline bool pte_is_writable(u64 entry);
static inline bool pte_is_dirty(u64 entry); /* true where it is not told */
static inline u64 pte_without_write(u64 entry);
/* The entry for a page of the kernel's own; at level 2 and above a large one. */
static inline u64 pte_kernel_leaf(paddr_t physical, u32 protect, unsigned level);

/* A page is about to be mapped: what was written to it may be code. */
static inline void pte_prepare(struct arch_vm *vm, paddr_t page, u32 protect);
/* New entries are there for whoever walks the tables from here on. */
static inline void pte_publish(void);
/* The same of the kernel's entries: for every CPU that is given the address. */
static inline void pte_publish_kernel(void);

/* tlb.c: an address space begins, its tables all empty but for what every address space has in its root. */
void tlb_begin_vm(struct arch_vm *vm);
/* arch_vm_flush() before tables are freed. */
void tlb_flush_tables(struct arch_vm *vm, vaddr_t start, vaddr_t end);
/* No CPU uses `vm`, and after return none knows its tables. */
void tlb_forget_vm(struct arch_vm *vm);
/* arch_kernel_flush(). */
void tlb_flush_kernel(vaddr_t start, vaddr_t end);

/*
 * And of entries: PTE_MAPPED (ours: something is mapped here, accessible or not), PTE_ADDRESS, PTE_ACCESSED, PTE_TABLE and
 * PTE_KERNEL_TABLE (lead to a table), PTE_KEPT (what changed rights leave of a leaf); and
 *
 *	u64 pte_replace(struct arch_vm *vm, pte_t *entry, vaddr_t address, u64 value)
 *
 * which writes an entry, whatever it was, and returns that; inline or tlb.c's.
 */
#include "arch/impl/page_table.h"
