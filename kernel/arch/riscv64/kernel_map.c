// SPDX-License-Identifier: MIT
/*
 * The kernel's half of the addresses: it is half of every address space, under one root table (satp). See arch/common/kernel_map.c.
 * A page that is mapped later another CPU may not know yet: see kernel_map_changes.
 */
#include "arch/common/kernel_map.h"
#include "arch/riscv64/port.h"

_Atomic u64 kernel_map_changes;

init_ unsigned kernel_map_largest_level(void)
{
	return 3;
}

/* tlb_init() loads the root. */
init_ void kernel_map_finish(void)
{
	if (console_page != 0) {
		kernel_map_early_page(PHYSICAL_MAP_BASE + console_page, console_page,
				      PROTECT_READ | PROTECT_WRITE | PROTECT_DEVICE);
	}
}

bool kernel_page_is_mapped(vaddr_t address)
{
	pte_t *entry = address >= KERNEL_MAP_BASE && address < KERNEL_MAP_END
			       ? kernel_map_entry(address)
			       : NULL;

	return entry != NULL && *entry & PTE_VALID;
}
