// SPDX-License-Identifier: MIT
/* The kernel's half of the addresses: it is half of every address space, under one root table (CR3). See arch/common/kernel_map.c. */
#include "arch/common/kernel_map.h"
#include "arch/x86_64/instructions.h"
#include "arch/x86_64/port.h"

init_ unsigned kernel_map_largest_level(void)
{
	return cpu_features.pages_1g ? 3 : 2;
}

init_ void kernel_map_finish(void)
{
	write_cr3(kernel_root_table);
}
