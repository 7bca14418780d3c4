// SPDX-License-Identifier: MIT
/*
 * From start.S to boot_main(): what the device tree tells becomes boot_info, page tables of the kernel's own are built.
 *
 * The boot tables map the first 512 GiB meanwhile.
 */
#include "arch/boot.h"
#include "arch/common/boot_memory.h"
#include "arch/common/device_tree.h"
#include "arch/impl/cpu_local.h"
#include "arch/riscv64/asm_offsets.h"
#include "arch/riscv64/port.h"
#include "core/panic.h"
#include "lib/errno.h"

#define BOOT_MAPPED   (4UL << 30)
#define TREE_SIZE_MAX (2UL << 20)

u64 kernel_image_offset;
static char boot_emergency_stack[EMERGENCY_STACK_SIZE] aligned_(16);

init_ void *early_pages(size_t count)
{
	return boot_pages(count, 0, BOOT_MAPPED);
}

static init_ void open_tree(paddr_t tree)
{
	int error = tree < BOOT_MAPPED
			    ? device_tree_open(&device_tree, physical_to_virtual(tree),
					       TREE_SIZE_MAX)
			    : -EINVAL;

	if (error != 0) {
		panic("boot: no device tree at %#llx", (unsigned long long)tree);
	}
}

init_ void boot_riscv64(u64 hart, paddr_t tree)
{
	paging_found();
	cpu_locals[0].hardware_id = hart;
	cpu_locals[0].flags.emergency_top = boot_emergency_stack + EMERGENCY_STACK_SIZE;
	atomic_store(&cpu_locals[0].online, true);
	cpu_init();
	console_early_init();
	open_tree(tree);
	if (boot_tree_has_word("no4lvl")) {
		paging_use_three_levels();
		open_tree(tree);
	}
	console_find();
	clock_start();
	features_init();
	boot_reserve(virtual_to_physical(kernel_start), virtual_to_physical(kernel_end));
	boot_reserve(tree, tree + device_tree.size);
	boot_read_tree();
	boot_info.command_line = boot_command_line;
	kernel_map_init();
	tlb_init();
	boot_main();
}
