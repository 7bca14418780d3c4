// SPDX-License-Identifier: MIT
/*
 * From start.S to boot_main(): what the virtual machine monitor tells becomes boot_info, page tables of the kernel's own are built,
 * and this CPU gets its descriptor tables.
 *
 * Two kinds of information: PVH's hvm_start_info, and Linux's boot_params (64-bit entry). The boot tables map the first 4 GiB meanwhile.
 */
#include "arch/boot.h"
#include "arch/x86_64/cpu_local.h"
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

struct boot_info boot_info;
static char command_line[4096];

static init_ void add_region(struct boot_region *regions, unsigned *count, paddr_t start,
			     paddr_t end)
{
	if (start >= end) {
		return;
	}
	if (*count == BOOT_REGIONS_MAX) {
		log_warning("boot: too many memory regions; %#llx-%#llx is not used",
			    (unsigned long long)start, (unsigned long long)end);
		return;
	}
	regions[*count] = (struct boot_region){start, end};
	++*count;
}

static init_ void add_ram(u64 address, u64 size)
{
	paddr_t limit = PHYSICAL_MAP_END - PHYSICAL_MAP_BASE;

	if (address >= limit) {
		return;
	}
	size = MIN(size, limit - address);
	add_region(boot_info.ram, &boot_info.ram_count, ALIGN_UP(address, PAGE_SIZE),
		   ALIGN_DOWN(address + size, PAGE_SIZE));
}

static init_ void reserve(paddr_t start, paddr_t end)
{
	add_region(boot_info.reserved, &boot_info.reserved_count,
		   ALIGN_DOWN(start, PAGE_SIZE), ALIGN_UP(end, PAGE_SIZE));
}

static init_ void set_initramfs(paddr_t start, u64 size)
{
	if (size != 0) {
		boot_info.initramfs_start = start;
		boot_info.initramfs_end = start + size;
		reserve(start, start + size);
	}
}

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
			add_ram(memory[i].address, memory[i].size);
		}
	}
	if (info->module_count > 0) {
		set_initramfs(module->address, module->size);
	}
	if (info->command_line != 0) {
		string_copy(command_line, physical_to_virtual(info->command_line),
			    sizeof(command_line));
	}
	return info->rsdp;
}

static init_ paddr_t read_linux(const struct boot_params *params)
{
	for (unsigned i = 0; i < params->e820_entries && i < E820_MAX_ENTRIES_ZEROPAGE;
	     i++) {
		if (params->e820_table[i].type == MEMORY_RAM) {
			add_ram(params->e820_table[i].addr, params->e820_table[i].size);
		}
	}
	set_initramfs((u64)params->ext_ramdisk_image << 32 | params->hdr.ramdisk_image,
		      (u64)params->ext_ramdisk_size << 32 | params->hdr.ramdisk_size);
	if (params->hdr.cmd_line_ptr != 0) {
		string_copy(command_line, physical_to_virtual(params->hdr.cmd_line_ptr),
			    sizeof(command_line));
	}
	return params->acpi_rsdp_addr;
}

/* If [start, end) touches something reserved: where that ends. Else 0. */
static init_ paddr_t reserved_until(paddr_t start, paddr_t end)
{
	for (unsigned i = 0; i < boot_info.reserved_count; i++) {
		const struct boot_region *taken = &boot_info.reserved[i];

		if (start < taken->end && taken->start < end) {
			return taken->end;
		}
	}
	return 0;
}

init_ void *early_pages(size_t count)
{
	size_t size = count * PAGE_SIZE;

	for (unsigned i = 0; i < boot_info.ram_count; i++) {
		paddr_t start = boot_info.ram[i].start, next;
		paddr_t end = MIN(boot_info.ram[i].end, BOOT_MAPPED);

		while ((next = reserved_until(start, start + size)) != 0) {
			start = next;
		}
		if (start < end && end - start >= size) {
			void *pages = physical_to_virtual(start);

			reserve(start, start + size);
			memset(pages, 0, size);
			return pages;
		}
	}
	panic("boot: no room for %zu pages of tables", count);
}

init_ void boot_tell(void)
{
	u64 bytes = 0;

	for (unsigned i = 0; i < boot_info.ram_count; i++) {
		bytes += boot_info.ram[i].end - boot_info.ram[i].start;
	}
	log_info("boot: %llu MiB of memory in %u regions, initramfs of %llu KiB",
		 (unsigned long long)(bytes >> 20), boot_info.ram_count,
		 (unsigned long long)(boot_info.initramfs_end -
				      boot_info.initramfs_start) >>
			 10);
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

	reserve(0, LOW_MEMORY);
	reserve(virtual_to_physical(kernel_start), virtual_to_physical(kernel_end));
	if (kind == KIND_PVH) {
		rsdp = read_pvh(physical_to_virtual(information));
	} else {
		rsdp = read_linux(physical_to_virtual(information));
	}
	boot_info.command_line = command_line;
	acpi_init(rsdp);
	smap_patch();
	kernel_map_init();
	boot_main();
}
