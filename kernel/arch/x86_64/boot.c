// SPDX-License-Identifier: MIT
/*
 * From start.S to boot_main(): what the virtual machine monitor tells becomes boot_info, page tables of the kernel's own are built,
 * and this CPU gets its descriptor tables.
 *
 * Two kinds of information: PVH's hvm_start_info, and Linux's boot_params (64-bit entry). The boot tables map the first 4 GiB meanwhile.
 */
#include "arch/boot.h"
#include "arch/common/boot_memory.h"
#include "arch/impl/cpu_local.h"
#include "arch/x86_64/instructions.h"
#include "arch/x86_64/port.h"
#include "core/log.h"
#include "core/panic.h"
#include "lib/string.h"
#include <asm/bootparam.h>

enum { KIND_PVH = 0, KIND_LINUX = 1 };

#define PVH_MAGIC   0x336ec578u
#define LOW_MEMORY  0x100000UL /* firmware data, the trampoline */
#define BOOT_MAPPED (4UL << 30)

enum { MEMORY_RAM = 1 };

struct pvh_start_info {
	u32 magic, version, flags, module_count;
	u64 modules, command_line, rsdp;
	u64 memory_map; /* version 1 and later */
	u32 memory_map_count, reserved;
};

struct pvh_module {
	u64 address, size, command_line, reserved;
};

struct pvh_memory {
	u64 address, size;
	u32 type, reserved;
};

static init_ paddr_t read_pvh(const struct pvh_start_info *info)
{
	const struct pvh_memory *memory = physical_to_virtual(info->memory_map);
	const struct pvh_module *module = physical_to_virtual(info->modules);

	if (info->magic != PVH_MAGIC || info->version < 1) {
		panic("boot: not a PVH start information with a memory map");
	}
	/* microvm's map ends in an empty entry that the count includes. */
	for (u32 i = 0; i < info->memory_map_count; i++) {
		if (memory[i].type == MEMORY_RAM) {
			boot_add_ram(memory[i].address, memory[i].size);
		}
	}
	if (info->module_count > 0) {
		boot_set_initramfs(module->address, module->size);
	}
	if (info->command_line != 0) {
		string_copy(boot_command_line, physical_to_virtual(info->command_line),
			    sizeof(boot_command_line));
	}
	return info->rsdp;
}

static init_ paddr_t read_linux(const struct boot_params *params)
{
	for (unsigned i = 0; i < params->e820_entries && i < E820_MAX_ENTRIES_ZEROPAGE;
	     i++) {
		if (params->e820_table[i].type == MEMORY_RAM) {
			boot_add_ram(params->e820_table[i].addr,
				     params->e820_table[i].size);
		}
	}
	boot_set_initramfs(
		(u64)params->ext_ramdisk_image << 32 | params->hdr.ramdisk_image,
		(u64)params->ext_ramdisk_size << 32 | params->hdr.ramdisk_size);
	if (params->hdr.cmd_line_ptr != 0) {
		string_copy(boot_command_line,
			    physical_to_virtual(params->hdr.cmd_line_ptr),
			    sizeof(boot_command_line));
	}
	return params->acpi_rsdp_addr;
}

init_ void *early_pages(size_t count)
{
	return boot_pages(count, 0, BOOT_MAPPED);
}

init_ void boot_tell(void)
{
	boot_tell_memory();
	if (acpi.present) {
		log_info("acpi: %u CPUs, %u I/O APICs", acpi.cpu_count,
			 acpi.io_apic_count);
	} else {
		log_info("acpi: no tables");
	}
}

init_ void boot_x86(paddr_t information, u32 kind)
{
	struct cpu_local *cpu = &cpu_locals[0];
	paddr_t rsdp;

	cpu->self = cpu;
	atomic_store(&cpu->online, true);
	clock_start();
	console_early_init();
	features_init();
	trap_init();
	cpu_init(cpu, boot_ist_stacks);

	boot_reserve(0, LOW_MEMORY);
	boot_reserve(virtual_to_physical(kernel_start), virtual_to_physical(kernel_end));
	if (kind == KIND_PVH) {
		rsdp = read_pvh(physical_to_virtual(information));
	} else {
		rsdp = read_linux(physical_to_virtual(information));
	}
	boot_info.command_line = boot_command_line;
	acpi_init(rsdp);
	smap_patch();
	kernel_map_init();
	boot_main();
}
