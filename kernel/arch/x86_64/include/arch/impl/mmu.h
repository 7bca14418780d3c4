// SPDX-License-Identifier: MIT
/*
 * x86-64: the address space.
 *
 *	0000 0000 0001 0000 … 0000 7fff ffff f000	user space
 *	ffff 8000 0000 0000 …				all of RAM (64 TiB at most)
 *	ffff c000 0000 0000 … ffff c080 0000 0000	kernel mappings: stacks, device registers
 *	ffff ffff 8000 0000 …				the kernel image
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
#define TABLE_LEVELS      4

struct arch_vm {
	struct spinlock lock; /* RANK_PAGE_TABLE: the tables' entries and their counts */
	paddr_t root;         /* immutable: the top table, for CR3 */
	_Atomic u64 cpus;     /* CPUs that use it, a bit each */
	_Atomic u64 lazy;     /* CPUs that have it loaded and use no user memory */
	_Atomic u64 flushes_begun, flushes_done;
	_Atomic size_t table_pages; /* written under lock */
};

static inline void *physical_to_virtual(paddr_t physical)
{
	return (void *)(physical + PHYSICAL_MAP_BASE);
}

static inline paddr_t virtual_to_physical(const void *address)
{
	vaddr_t value = (vaddr_t)address;

	return value >= KERNEL_IMAGE_BASE ? value - KERNEL_IMAGE_BASE
					  : value - PHYSICAL_MAP_BASE;
}
