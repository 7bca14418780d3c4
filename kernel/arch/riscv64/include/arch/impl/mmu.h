// SPDX-License-Identifier: MIT
/*
 * RISC-V: the address space, Sv48, 4 KiB pages.
 *
 *	0000 0000 0001 0000 … 0000 7fff ffff f000	user space: a page less than there is, as on x86-64
 *	ffff 8000 0000 0000 …				all of RAM, where it physically is
 *	ffff c000 0000 0000 … ffff c080 0000 0000	kernel mappings: stacks, device registers
 *	ffff ffff 8000 0000 …				the kernel image, wherever it was loaded
 */
#pragma once

#include "core/spinlock.h"
#include "lib/compiler.h"
#include "lib/types.h"
#include <stdatomic.h>

#define USER_LOWEST       0x10000UL
#define USER_END          0x00007ffffffff000UL
#define PHYSICAL_MAP_BASE 0xffff800000000000UL
#define PHYSICAL_MAP_END  0xffffc00000000000UL
#define KERNEL_MAP_BASE   0xffffc00000000000UL
#define KERNEL_MAP_END    0xffffc08000000000UL
#define KERNEL_IMAGE_BASE 0xffffffff80000000UL

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
