// SPDX-License-Identifier: MIT
/*
 * From start.S to boot_main(): what the device tree tells becomes boot_info, page tables of the kernel's own are built.
 *
 * The boot tables map 4 GiB from the image's GiB on, and the device tree's GiB, meanwhile.
 */
#include "arch/boot.h"
#include "arch/aarch64/asm_offsets.h"
#include "arch/aarch64/port.h"
#include "arch/common/boot_memory.h"
#include "arch/common/device_tree.h"
#include "arch/impl/cpu_local.h"
#include "core/panic.h"

#define BOOT_MAPPED   (4UL << 30)
#define TREE_SIZE_MAX (2UL << 20)

u64 kernel_image_offset;
static char boot_emergency_stack[EMERGENCY_STACK_SIZE] aligned_(16);

init_ void *early_pages(size_t count)
{
	paddr_t first = virtual_to_physical(kernel_start) & ~((1UL << 30) - 1);

	return boot_pages(count, first, first + BOOT_MAPPED);
}

init_ void boot_aarch64(paddr_t tree)
{
	size_t mapped = ALIGN_UP(tree + 1, 1UL << 30) - tree;
	int error = device_tree_open(&device_tree, physical_to_virtual(tree),
				     MIN(mapped, TREE_SIZE_MAX));

	clock_start();
	cpu_locals[0].flags.emergency_top = boot_emergency_stack + EMERGENCY_STACK_SIZE;
	atomic_store(&cpu_locals[0].online, true);
	if (error != 0) {
		panic("boot: no device tree at %#llx", (unsigned long long)tree);
	}
	console_early_init();
	features_init();
	fpu_init_cpu();
	boot_reserve(virtual_to_physical(kernel_start), virtual_to_physical(kernel_end));
	boot_reserve(tree, tree + device_tree.size);
	boot_read_tree();
	boot_info.command_line = boot_command_line;
	kernel_map_init();
	tlb_init();
	boot_main();
}
