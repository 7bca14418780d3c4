// SPDX-License-Identifier: MIT
/*
 * From start.S to boot_main(): what the device tree tells becomes boot_info, page tables of the kernel's own are built.
 *
 * The boot tables map 4 GiB from the image's GiB on, and the device tree's GiB, meanwhile.
 */
#include "arch/boot.h"
#include "arch/aarch64/asm_offsets.h"
#include "arch/aarch64/cpu_local.h"
#include "arch/aarch64/port.h"
#include "arch/common/device_tree.h"
#include "core/log.h"
#include "core/panic.h"
#include "lib/string.h"

#define BOOT_MAPPED   (4UL << 30)
#define TREE_SIZE_MAX (2UL << 20)

struct boot_info boot_info;
struct device_tree device_tree;
u64 kernel_image_offset;
static char command_line[4096];
static char boot_emergency_stack[EMERGENCY_STACK_SIZE] aligned_(16);

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

static init_ u64 number_property(const struct device_node *node, const char *name)
{
	u32 size;
	const u8 *value = device_node_property(node, name, &size);

	return value != NULL && (size == 4 || size == 8)
		       ? device_tree_number(value, size / 4)
		       : 0;
}

static init_ void read_chosen(const struct device_node *node)
{
	u64 start = number_property(node, "linux,initrd-start");
	u64 end = number_property(node, "linux,initrd-end");
	u32 size;
	const u8 *text = device_node_property(node, "bootargs", &size);

	if (text != NULL && size > 0 && text[size - 1] == '\0') {
		string_copy(command_line, (const char *)text, sizeof(command_line));
	}
	if (start < end) {
		boot_info.initramfs_start = start;
		boot_info.initramfs_end = end;
		reserve(start, end);
	}
}

static init_ bool is_memory(const struct device_node *node)
{
	u32 size;
	const u8 *type = device_node_property(node, "device_type", &size);

	return type != NULL && size == sizeof("memory") &&
	       memcmp(type, "memory", sizeof("memory")) == 0;
}

static init_ void read_tree(void)
{
	struct device_node node = {.tree = &device_tree};
	unsigned reserved_depth = ~0u; /* of /reserved-memory, while inside */
	u64 address, size;

	while (device_tree_next(&node)) {
		if (node.depth <= reserved_depth) {
			reserved_depth = ~0u;
		}
		if (node.depth == 1 && strcmp(node.name, "chosen") == 0) {
			read_chosen(&node);
		} else if (node.depth == 1 && strcmp(node.name, "reserved-memory") == 0) {
			reserved_depth = 1;
		} else if (node.depth == 1 && is_memory(&node)) {
			for (unsigned i = 0; device_node_reg(&node, i, &address, &size);
			     i++) {
				add_ram(address, size);
			}
		} else if (node.depth == 2 && reserved_depth == 1) {
			for (unsigned i = 0; device_node_reg(&node, i, &address, &size);
			     i++) {
				reserve(address, address + size);
			}
		}
	}
	for (unsigned i = 0; device_tree_reservation(&device_tree, i, &address, &size);
	     i++) {
		reserve(address, address + size);
	}
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
	paddr_t first = virtual_to_physical(kernel_start) & ~((1UL << 30) - 1);
	size_t size = count * PAGE_SIZE;

	for (unsigned i = 0; i < boot_info.ram_count; i++) {
		paddr_t start = MAX(boot_info.ram[i].start, first), next;
		paddr_t end = MIN(boot_info.ram[i].end, first + BOOT_MAPPED);

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
	reserve(virtual_to_physical(kernel_start), virtual_to_physical(kernel_end));
	reserve(tree, tree + device_tree.size);
	read_tree();
	boot_info.command_line = command_line;
	kernel_map_init();
	tlb_init();
	boot_main();
}
