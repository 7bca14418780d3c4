// SPDX-License-Identifier: MIT
/*
 * AArch64: the address space, 48 bits in either half, 4 KiB pages.
 *
 *	0000 0000 0001 0000 … 0001 0000 0000 0000	user space (TTBR0)
 *	ffff 0000 0000 0000 …				all of RAM, where it physically is (TTBR1 from here on)
 *	ffff 8000 0000 0000 … ffff 8080 0000 0000	kernel mappings: stacks, device registers
 *	ffff ffff 0000 0000				somewhere in this GiB the first serial port's page
 *	ffff ffff 8000 0000 …				the kernel image, wherever it was loaded
 */
#pragma once

#include "core/spinlock.h"
#include "lib/compiler.h"
#include "lib/types.h"
#include <stdatomic.h>

#define USER_LOWEST       0x10000UL
#define USER_END          0x0001000000000000UL
#define PHYSICAL_MAP_BASE 0xffff000000000000UL
#define PHYSICAL_MAP_END  0xffff800000000000UL
#define KERNEL_MAP_BASE   0xffff800000000000UL
#define KERNEL_MAP_END    0xffff808000000000UL
#define CONSOLE_BASE      0xffffffff00000000UL
#define KERNEL_IMAGE_BASE 0xffffffff80000000UL
#define TABLE_LEVELS      4

struct arch_vm {
	struct spinlock lock; /* RANK_PAGE_TABLE: the tables' entries and their counts */
	paddr_t root;         /* immutable: the top table, for TTBR0 */
	u16 asid;             /* immutable; ASID_SHARED: there was none to be had */
	_Atomic u64 cpus;     /* CPUs that use it, a bit each */
	_Atomic u64 lazy;  /* those that run a kernel thread and have it loaded still */
	_Atomic u64 fresh; /* those that remember nothing of it that is not so any more */
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
