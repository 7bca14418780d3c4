// SPDX-License-Identifier: MIT
/*
 * Host: physical memory is one shared mapping; an address space is a sorted set of
 * pages that only the port's user copies look at; kernel mappings are real mappings
 * of the same memory at addresses of their own.
 */
#pragma once

#include "core/spinlock.h"
#include "lib/rbtree.h"
#include "lib/types.h"

#define USER_LOWEST     0x10000UL
#define USER_END        0x00007ffffffff000UL
#define KERNEL_MAP_BASE 0x0000200000000000UL
#define KERNEL_MAP_END  0x0000200040000000UL

struct arch_vm {
	struct spinlock
		lock; /* RANK_PAGE_TABLE: a walk of the tree may be left for another CPU */
	struct rbtree pages; /* struct host_page, by address */
	size_t page_count;
};

extern u8 *host_physical_base; /* where physical address 0 would be */

static inline void *physical_to_virtual(paddr_t physical)
{
	return host_physical_base + physical;
}

static inline paddr_t virtual_to_physical(const void *address)
{
	return (paddr_t)((const u8 *)address - host_physical_base);
}
