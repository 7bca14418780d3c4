// SPDX-License-Identifier: MIT
/*
 * The kernel's half of the addresses: it has a root table of its own (TTBR1), which every CPU uses all the time. See
 * arch/common/kernel_map.c.
 */
#include "arch/common/kernel_map.h"
#include "arch/aarch64/instructions.h"
#include "arch/aarch64/port.h"

/* The console's GiB in the boot tables: a device, valid, accessed, never executed. */
#define BOOT_DEVICE_BLOCK                                                    \
	(PTE_VALID | PTE_MEMORY(MEMORY_DEVICE) | PTE_ACCESSED | PTE_SHARED | \
	 PTE_NO_EXECUTE | PTE_USER_NO_EXECUTE)
#define GIB (1UL << 30)

static paddr_t console_page;

init_ unsigned kernel_map_largest_level(void)
{
	return 3;
}

static init_ vaddr_t console_address(paddr_t registers)
{
	return CONSOLE_BASE + (registers & (GIB - 1));
}

init_ volatile u8 *kernel_map_early_console(paddr_t registers)
{
	console_page = registers & PAGE_MASK;
	boot_image_table[table_index(CONSOLE_BASE, 3)] =
		(registers & ~(GIB - 1)) | BOOT_DEVICE_BLOCK;
	pte_publish();
	instruction_barrier();
	return (volatile u8 *)console_address(registers);
}

init_ void kernel_map_finish(void)
{
	if (console_page != 0) {
		kernel_map_early_page(console_address(console_page), console_page,
				      PROTECT_READ | PROTECT_WRITE | PROTECT_DEVICE);
	}
	pte_publish();
	load_kernel_root(kernel_root_table);
}
