// SPDX-License-Identifier: MIT
/*
 * The kernel's half of the addresses, the same on every port: all of RAM, the image, and the range for stacks and device registers.
 *
 * Built once, before there are frames. The top table's entries for all three are made then and never change: where one root table serves
 * both halves, every address space shares them by copying the entries in use.
 *
 * Locks: none. Tables in KERNEL_MAP are installed by compare-and-exchange and never taken away; one page's
 * mapping is changed by whoever owns that address.
 */
#include "arch/common/kernel_map.h"
#include "arch/boot.h"
#include "arch/common/boot_memory.h"
#include "arch/common/page_table.h"
#include "arch/common/port.h"
#include "core/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"

u64 kernel_root_table;

/* The root's entries in use, all in the upper half. */
static u16 root_used[TABLE_ENTRIES / 2];
static unsigned root_count;

static char *next_table, *last_table;

static init_ u64 early_table(void)
{
	u64 entry;

	ASSERT(next_table < last_table);
	entry = pte_of(virtual_to_physical(next_table)) | PTE_KERNEL_TABLE;
	next_table += PAGE_SIZE;
	return entry;
}

/* Of the largest page that fits. */
static init_ unsigned largest_level(vaddr_t virtual, paddr_t physical, u64 size)
{
	unsigned level = kernel_map_largest_level();

	while (level > 1) {
		u64 page = 1UL << level_shift(level);

		if (size >= page && ((virtual | physical) & (page - 1)) == 0) {
			break;
		}
		level--;
	}
	return level;
}

static init_ void map_page(vaddr_t virtual, paddr_t physical, u32 protect, unsigned level)
{
	pte_t *table = physical_to_virtual(kernel_root_table);

	for (unsigned at = TABLE_LEVELS; at > level; at--) {
		pte_t *entry = &table[table_index(virtual, at)];

		if (*entry == 0) {
			*entry = early_table();
		}
		table = entry_table(*entry);
	}
	table[table_index(virtual, level)] = pte_kernel_leaf(physical, protect, level);
}

static init_ void map_range(vaddr_t virtual, paddr_t start, paddr_t end, u32 protect)
{
	while (start < end) {
		unsigned level = largest_level(virtual, start, end - start);

		map_page(virtual, start, protect, level);
		virtual += 1UL << level_shift(level);
		start += 1UL << level_shift(level);
	}
}

/* RAM at its place in the physical map; the kernel's text and constants can not be written through it either. */
static init_ void map_ram(paddr_t start, paddr_t end)
{
	paddr_t constant = virtual_to_physical(kernel_start);
	paddr_t constant_end = virtual_to_physical(kernel_rodata_end);
	paddr_t cuts[4] = {start, MIN(MAX(constant, start), end),
			   MIN(MAX(constant_end, start), end), end};

	for (unsigned i = 0; i < 3; i++) {
		map_range(PHYSICAL_MAP_BASE + cuts[i], cuts[i], cuts[i + 1],
			  i == 1 ? PROTECT_READ : PROTECT_READ | PROTECT_WRITE);
	}
}

static init_ void map_image(const char *start, const char *end, u32 protect)
{
	map_range((vaddr_t)start, virtual_to_physical(start), virtual_to_physical(end),
		  protect);
}

/* Tables a range may need: its edges', and one for each GiB whose ends are not even, or that is mapped by pages of 2 MiB. */
static init_ size_t tables_needed(void)
{
	size_t tables =
		48 + ((KERNEL_MAP_END - KERNEL_MAP_BASE) >> level_shift(TABLE_LEVELS));

	for (unsigned i = 0; i < boot_info.ram_count; i++) {
		u64 size = boot_info.ram[i].end - boot_info.ram[i].start;

		tables += 8 + (size >> 39);
		tables += kernel_map_largest_level() == 3 ? 0 : size >> 30;
	}
	return tables;
}

init_ void kernel_map_early_page(vaddr_t virtual, paddr_t physical, u32 protect)
{
	map_page(virtual, physical, protect, 1);
}

static init_ void map_kernel(void)
{
	pte_t *root = physical_to_virtual(kernel_root_table);

	map_image(kernel_start, kernel_text_end, PROTECT_READ | PROTECT_EXECUTE);
	map_image(kernel_text_end, kernel_rodata_end, PROTECT_READ);
	map_image(kernel_init_start, kernel_init_end,
		  PROTECT_READ | PROTECT_WRITE | PROTECT_EXECUTE);
	/* The boot stack's lowest page stays away. */
	map_image(kernel_init_end, boot_stack, PROTECT_READ | PROTECT_WRITE);
	map_image(boot_stack + PAGE_SIZE, kernel_end, PROTECT_READ | PROTECT_WRITE);
	for (vaddr_t at = KERNEL_MAP_BASE; at < KERNEL_MAP_END;
	     at += 1UL << level_shift(TABLE_LEVELS)) {
		root[table_index(at, TABLE_LEVELS)] = early_table();
	}
}

/* From here on only the tables below it change. */
static init_ void remember_root(void)
{
	const pte_t *root = physical_to_virtual(kernel_root_table);

	for (u16 i = TABLE_ENTRIES / 2; i < TABLE_ENTRIES; i++) {
		if (root[i] != 0) {
			root_used[root_count++] = i;
		}
	}
}

init_ void kernel_map_init(void)
{
	size_t count = tables_needed();

	next_table = early_pages(count);
	last_table = next_table + count * PAGE_SIZE;
	kernel_root_table = pte_physical(early_table());
	for (unsigned i = 0; i < boot_info.ram_count; i++) {
		map_ram(boot_info.ram[i].start, boot_info.ram[i].end);
	}
	map_kernel();
	kernel_map_finish();
	remember_root();
}

void kernel_map_share(paddr_t root)
{
	const pte_t *from = physical_to_virtual(kernel_root_table);
	pte_t *to = physical_to_virtual(root);

	for (unsigned i = 0; i < root_count; i++) {
		to[root_used[i]] = from[root_used[i]];
	}
}

static _Atomic u64 table_frames; /* since boot */

static int add_table(pte_t *entry)
{
	struct frame *frame;
	u64 expected = 0;
	int error = frame_allocate(FRAME_ZERO | FRAME_ATOMIC, &frame);

	if (error != 0) {
		return error;
	}
	if (!atomic_compare_exchange_strong(
		    entry, &expected, pte_of(frame_physical(frame)) | PTE_KERNEL_TABLE)) {
		frame_put(frame); /* another CPU was first */
	} else {
		atomic_fetch_add_explicit(&table_frames, 1, memory_order_relaxed);
	}
	return 0;
}

u64 arch_kernel_table_frames(void)
{
	return atomic_load_explicit(&table_frames, memory_order_relaxed);
}

pte_t *kernel_map_entry(vaddr_t address)
{
	pte_t *table = physical_to_virtual(kernel_root_table);

	for (unsigned level = TABLE_LEVELS; level > 1; level--) {
		u64 entry = table[table_index(address, level)];

		if (!pte_is_table(entry)) {
			return NULL;
		}
		table = entry_table(entry);
	}
	return &table[table_index(address, 1)];
}

int arch_kernel_map(vaddr_t address, paddr_t physical, u32 protect)
{
	pte_t *table = physical_to_virtual(kernel_root_table);

	ASSERT(address >= KERNEL_MAP_BASE && address < KERNEL_MAP_END);
	for (unsigned level = TABLE_LEVELS; level > 1; level--) {
		pte_t *entry = &table[table_index(address, level)];

		if (*entry == 0) {
			int error = add_table(entry);

			if (error != 0) {
				return error;
			}
		}
		table = entry_table(*entry);
	}
	table[table_index(address, 1)] = pte_kernel_leaf(physical, protect, 1);
	pte_publish_kernel();
	return 0;
}

bool arch_kernel_written(vaddr_t address)
{
	const pte_t *entry = kernel_map_entry(address);

	return !entry || pte_is_dirty(atomic_load_explicit(entry, memory_order_relaxed));
}

paddr_t arch_kernel_unmap(vaddr_t address)
{
	pte_t *entry = kernel_map_entry(address);

	ASSERT(entry != NULL && address >= KERNEL_MAP_BASE && address < KERNEL_MAP_END);
	return pte_physical(atomic_exchange(entry, 0));
}

void arch_kernel_flush(vaddr_t start, vaddr_t end)
{
	tlb_flush_kernel(start, end);
}

void arch_kernel_seal(void)
{
	for (char *page = kernel_init_start; page < kernel_init_end; page += PAGE_SIZE) {
		pte_t *entry = kernel_map_entry((vaddr_t)page);

		ASSERT(entry != NULL);
		atomic_store(entry, 0);
	}
	tlb_flush_kernel((vaddr_t)kernel_init_start, (vaddr_t)kernel_init_end);
	frame_add_range(virtual_to_physical(kernel_init_start),
			virtual_to_physical(kernel_init_end));
}
