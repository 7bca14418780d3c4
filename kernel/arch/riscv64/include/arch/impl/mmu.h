// SPDX-License-Identifier: MIT
/*
 * RISC-V: the address space, 4 KiB pages, in four levels (Sv48) or, where the CPU has no more or the command line says `no4lvl`, three (Sv39).
 *
 *	Sv48			Sv39
 *	0000 0000 0001 0000	the same		user space …
 *	0000 7fff ffff f000	0000 003f ffff f000	… ends a page before its half
 *	ffff 8000 0000 0000	ffff ffc0 0000 0000	all of RAM, where it physically is
 *	ffff c000 0000 0000	ffff ffe0 0000 0000	kernel mappings: stacks, device registers
 *	ffff ffff 8000 0000	the same		the kernel image, wherever it was loaded
 */
#pragma once

#include "core/spinlock.h"
#include "lib/compiler.h"
#include "lib/types.h"
#include <stdatomic.h>

/* What the mode of paging gives: paging.c sets it before anything else looks. */
struct paging {
	vaddr_t user_end; /* usercopy.S knows that it is the first */
	vaddr_t physical_map, physical_map_end;
	vaddr_t kernel_map, kernel_map_end;
	unsigned levels;
	u64 satp; /* the mode's bits there */
	const char *name;
};
extern struct paging paging;

#define USER_LOWEST       0x10000UL
#define USER_END          (paging.user_end)
#define PHYSICAL_MAP_BASE (paging.physical_map)
#define PHYSICAL_MAP_END  (paging.physical_map_end)
#define KERNEL_MAP_BASE   (paging.kernel_map)
#define KERNEL_MAP_END    (paging.kernel_map_end)
#define KERNEL_IMAGE_BASE 0xffffffff80000000UL
#define TABLE_LEVELS      (paging.levels)

struct arch_vm {
	struct spinlock lock; /* RANK_PAGE_TABLE: the tables' entries and their counts */
	paddr_t root;         /* immutable: the top table, for satp */
	u16 asid;             /* immutable; ASID_SHARED: there was none to be had */
	_Atomic u64 cpus;     /* CPUs that use it, a bit each */
	_Atomic u64 lazy;     /* CPUs that have it loaded, and run a kernel thread */
	_Atomic u64
		fresh; /* CPUs that know nothing of it that is no longer true (tlb.c) */
	_Atomic u64
		code_seen; /* CPUs that have fetched none of its instructions since they changed */
	_Atomic size_t table_pages; /* written under lock */
};

/* Where the image lies: its physical address less its virtual one. Set once, by start.S. */
extern u64 kernel_image_offset;

static inline void *physical_to_virtual(paddr_t physical)
{
	return (void *)(physical + PHYSICAL_MAP_BASE);
}

static inline paddr_t virtual_to_physical(const void *address)
{
	vaddr_t value = (vaddr_t)address;

	return value >= KERNEL_IMAGE_BASE ? value + kernel_image_offset
					  : value - PHYSICAL_MAP_BASE;
}
