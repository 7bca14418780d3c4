// SPDX-License-Identifier: MIT
/* RAM and what of it is taken, until there are frames. */
#include "arch/common/boot_memory.h"
#include "arch/mmu.h"
#include "core/log.h"
#include "core/panic.h"
#include "lib/string.h"

struct boot_info boot_info;
char boot_command_line[4096];

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

init_ void boot_add_ram(u64 address, u64 size)
{
	paddr_t limit = PHYSICAL_MAP_END - PHYSICAL_MAP_BASE;

	if (address >= limit) {
		return;
	}
	size = MIN(size, limit - address);
	add_region(boot_info.ram, &boot_info.ram_count, ALIGN_UP(address, PAGE_SIZE),
		   ALIGN_DOWN(address + size, PAGE_SIZE));
}

init_ void boot_reserve(paddr_t start, paddr_t end)
{
	add_region(boot_info.reserved, &boot_info.reserved_count,
		   ALIGN_DOWN(start, PAGE_SIZE), ALIGN_UP(end, PAGE_SIZE));
}

init_ void boot_set_initramfs(paddr_t start, u64 size)
{
	if (size != 0) {
		boot_info.initramfs_start = start;
		boot_info.initramfs_end = start + size;
		boot_reserve(start, start + size);
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

init_ void *boot_pages(size_t count, paddr_t lowest, paddr_t limit)
{
	size_t size = count * PAGE_SIZE;

	for (unsigned i = 0; i < boot_info.ram_count; i++) {
		paddr_t start = MAX(boot_info.ram[i].start, lowest), next;
		paddr_t end = MIN(boot_info.ram[i].end, limit);

		while ((next = reserved_until(start, start + size)) != 0) {
			start = next;
		}
		if (start < end && end - start >= size) {
			void *pages = physical_to_virtual(start);

			boot_reserve(start, start + size);
			memset(pages, 0, size);
			return pages;
		}
	}
	panic("boot: no room for %zu pages of tables", count);
}

init_ void boot_tell_memory(void)
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
