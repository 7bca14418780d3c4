// SPDX-License-Identifier: MIT
/*
 * The kernel's half of the addresses: what kernel_map.c of every port and the common one are for each other. Built on CPU 0,
 * before there are frames.
 */
#pragma once

#include "arch/common/page_table.h"

extern u64 kernel_root_table; /* physical */

/* Builds the tables; the console's page too. The CPU uses them on return, or after the port's tlb_init(). */
void kernel_map_init(void);
/* Where both halves have one root table: the kernel's half of the one at `root`. */
void kernel_map_share(paddr_t root);
/* One more page, while kernel_map_init() runs. `protect`: PROTECT_*. */
void kernel_map_early_page(vaddr_t virtual, paddr_t physical, u32 protect);
/* The leaf entry of a kernel address, or NULL where a table is missing or the page is large. */
pte_t *kernel_map_entry(vaddr_t address);

/* The port's: zeroed pages that the boot tables map, taken out of RAM for good (boot.c). */
void *early_pages(size_t count);
/* The port's: the highest level at which the CPU takes a large page, 2 or 3. */
unsigned kernel_map_largest_level(void);
/* The port's: pages only it has; then, where that can be done here, the CPU uses the new tables. */
void kernel_map_finish(void);
