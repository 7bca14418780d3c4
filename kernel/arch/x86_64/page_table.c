// SPDX-License-Identifier: MIT
/*
 * User page tables: four levels, the lower half of the top table; the upper half is the kernel's and shared.
 *
 * Locks     arch_vm.lock around every change and walk. Frames for tables are allocated outside it.
 *
 * Invariants
 *   P1  frame.index of a table's frame is the number of its used entries (of the root: of the user half).
 *   P2  An entry of a leaf table is used iff it is not 0; PTE_MAPPED is then set, PTE_PRESENT unless the page is PROT_NONE.
 *   P3  A table is freed only after a flush: the CPU caches upper entries too.
 */
#include "arch/x86_64/page_table.h"
#include "arch/x86_64/port.h"
#include "core/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"

#define TABLE_BITS        (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED)
#define ROOT_USER_ENTRIES 256

static struct frame *table_frame(const pte_t *table)
{
	return frame_from_physical(virtual_to_physical((const void *)table));
}

static pte_t *root_of(const struct arch_vm *vm)
{
	return physical_to_virtual(vm->root);
}

int arch_vm_init(struct arch_vm *vm)
{
	const pte_t *kernel = physical_to_virtual(kernel_root_table);
	struct frame *frame;
	pte_t *root;
	int error = frame_allocate(FRAME_ZERO, &frame);

	if (error != 0) {
		return error;
	}
	root = frame_address(frame);
	frame->index = 0;
	for (unsigned i = 0; i < kernel_root_count; i++) {
		root[kernel_root_used[i]] = kernel[kernel_root_used[i]];
	}
	spin_init(&vm->lock, RANK_PAGE_TABLE, "arch_vm.lock");
	vm->root = frame_physical(frame);
	vm->cpus = 0;
	vm->table_pages = 1;
	return 0;
}

/* Free the tables below `table`; stops when all used entries were seen. Returns how many. */
static size_t free_tables(pte_t *table, unsigned level, size_t entries)
{
	u64 used = table_frame(table)->index;
	size_t freed = 0;

	for (size_t i = 0; i < entries && used > 0; i++) {
		u64 entry = table[i];

		if (entry == 0) {
			continue;
		}
		used--;
		if (level > 2) {
			freed +=
				free_tables(entry_table(entry), level - 1, TABLE_ENTRIES);
		}
		DEBUG_ASSERT(level > 2 || table_frame(entry_table(entry))->index == 0);
		frame_put(table_frame(entry_table(entry)));
		freed++;
	}
	return freed;
}

void arch_vm_fini(struct arch_vm *vm)
{
	size_t freed;

	ASSERT(atomic_load(&vm->cpus) == 0);
	freed = free_tables(root_of(vm), TABLE_LEVELS, ROOT_USER_ENTRIES);
	ASSERT(freed + 1 == vm->table_pages);
	frame_put(frame_from_physical(vm->root));
	vm->root = 0;
}

size_t arch_vm_table_pages(const struct arch_vm *vm)
{
	return atomic_load_explicit(&vm->table_pages, memory_order_relaxed);
}

/* The leaf table of *address; NULL: there is none, and *address moves to where the next may be. */
static pte_t *leaf_table(struct arch_vm *vm, vaddr_t *address) MUST_HOLD(&vm->lock)
{
	pte_t *table = root_of(vm);

	for (unsigned level = TABLE_LEVELS; level > 1; level--) {
		u64 entry = table[table_index(*address, level)];

		if (entry == 0) {
			u64 span = 1UL << level_shift(level);

			*address = (*address & ~(span - 1)) + span;
			return NULL;
		}
		table = entry_table(entry);
	}
	return table;
}

static pte_t *leaf_entry(struct arch_vm *vm, vaddr_t address) MUST_HOLD(&vm->lock)
{
	size_t index = table_index(address, 1);
	pte_t *table = leaf_table(vm, &address);

	return table == NULL ? NULL : &table[index];
}

/* Like leaf_table(), but builds what is missing from *spare; NULL: it needs (another) one. */
static pte_t *build_leaf_table(struct arch_vm *vm, vaddr_t address, struct frame **spare)
	MUST_HOLD(&vm->lock)
{
	pte_t *table = root_of(vm);

	for (unsigned level = TABLE_LEVELS; level > 1; level--) {
		pte_t *entry = &table[table_index(address, level)];

		if (*entry == 0) {
			if (*spare == NULL) {
				return NULL;
			}
			(*spare)->index = 0;
			atomic_store(entry, frame_physical(*spare) | TABLE_BITS);
			*spare = NULL;
			table_frame(table)->index++;
			vm->table_pages++;
		}
		table = entry_table(*entry);
	}
	return table;
}

/* Take the lock and return the leaf table of `address`, built if need be. NULL: no memory, the lock is not held. */
static pte_t *lock_leaf_table(struct arch_vm *vm, vaddr_t address) NO_THREAD_SAFETY
{
	struct frame *spare = NULL;
	pte_t *table;

	for (;;) {
		spin_lock(&vm->lock);
		table = build_leaf_table(vm, address, &spare);
		if (table != NULL) {
			break;
		}
		spin_unlock(&vm->lock);
		if (frame_allocate(FRAME_ZERO, &spare) != 0) {
			return NULL;
		}
	}
	if (spare != NULL) {
		frame_put(spare);
	}
	return table;
}

static void set_leaf(pte_t *table, vaddr_t address, paddr_t physical, u32 protect)
{
	u64 value = physical | pte_rights(protect) | PTE_ACCESSED;

	if (atomic_exchange(&table[table_index(address, 1)], value) == 0) {
		table_frame(table)->index++;
	}
}

int arch_vm_map(struct arch_vm *vm, vaddr_t address, paddr_t physical,
		u32 protect) NO_THREAD_SAFETY
{
	pte_t *table;

	ASSERT(address < USER_END && IS_ALIGNED(address | physical, PAGE_SIZE));
	table = lock_leaf_table(vm, address);
	if (table == NULL) {
		return -ENOMEM;
	}
	set_leaf(table, address, physical, protect);
	spin_unlock(&vm->lock);
	return 0;
}

int arch_vm_replace(struct arch_vm *vm, vaddr_t address, paddr_t expected,
		    paddr_t physical, u32 protect) NO_THREAD_SAFETY
{
	int error = -EAGAIN;
	pte_t *table;
	u64 value;

	ASSERT(address < USER_END && IS_ALIGNED(address | physical, PAGE_SIZE));
	table = lock_leaf_table(vm, address);
	if (table == NULL) {
		return -ENOMEM;
	}
	value = table[table_index(address, 1)];
	if (expected == 0 ? value == 0
			  : value != 0 && (value & PTE_ADDRESS) == expected) {
		set_leaf(table, address, physical, protect);
		error = 0;
	}
	spin_unlock(&vm->lock);
	return error;
}

size_t arch_vm_map_absent(struct arch_vm *vm, const vaddr_t *addresses,
			  struct arch_mapping *pages, size_t count) NO_THREAD_SAFETY
{
	size_t i = 0;

	while (i < count) {
		vaddr_t region = addresses[i] >> level_shift(2);
		pte_t *table = lock_leaf_table(vm, addresses[i]);

		if (table == NULL) {
			break;
		}
		/* All that the same table holds. */
		for (; i < count && addresses[i] >> level_shift(2) == region; i++) {
			pages[i].present = pages[i].physical != 0 &&
					   table[table_index(addresses[i], 1)] == 0;
			if (pages[i].present) {
				set_leaf(table, addresses[i], pages[i].physical,
					 pages[i].protect);
			}
		}
		spin_unlock(&vm->lock);
	}
	return i;
}

static struct arch_mapping mapping_of(u64 entry)
{
	return (struct arch_mapping){
		.physical = entry & PTE_ADDRESS,
		.protect = pte_protect(entry),
		.present = true,
		.accessed = (entry & PTE_ACCESSED) != 0,
		.dirty = (entry & PTE_DIRTY) != 0,
	};
}

bool arch_vm_lookup(struct arch_vm *vm, vaddr_t address, struct arch_mapping *out)
{
	pte_t *entry;
	u64 value;

	if (address >= USER_END) {
		return false;
	}
	spin_lock(&vm->lock);
	entry = leaf_entry(vm, address);
	value = entry == NULL ? 0 : *entry;
	spin_unlock(&vm->lock);
	if (value == 0) {
		return false;
	}
	*out = mapping_of(value);
	return true;
}

/* entry = (entry & keep) | set for each used entry in [start, end); the CPU may be setting bits meanwhile. */
static void change_entries(struct arch_vm *vm, vaddr_t start, vaddr_t end, u64 keep,
			   u64 set)
{
	ASSERT(end <= USER_END);
	spin_lock(&vm->lock);
	while (start < end) {
		pte_t *table = leaf_table(vm, &start);

		if (table == NULL) {
			continue;
		}
		do {
			pte_t *entry = &table[table_index(start, 1)];
			u64 value = *entry;

			while (value != 0 && ((value & keep) | set) != value &&
			       !atomic_compare_exchange_weak(entry, &value,
							     (value & keep) | set)) {
			}
			start += PAGE_SIZE;
		} while (start < end && table_index(start, 1) != 0);
	}
	spin_unlock(&vm->lock);
}

void arch_vm_protect(struct arch_vm *vm, vaddr_t start, vaddr_t end, u32 protect)
{
	change_entries(vm, start, end, PTE_ADDRESS | PTE_ACCESSED | PTE_DIRTY,
		       pte_rights(protect));
}

void arch_vm_write_protect(struct arch_vm *vm, vaddr_t start, vaddr_t end)
{
	change_entries(vm, start, end, ~PTE_WRITE, 0);
}

void arch_vm_clean(struct arch_vm *vm, vaddr_t address)
{
	address = ALIGN_DOWN(address, PAGE_SIZE);
	change_entries(vm, address, address + PAGE_SIZE, ~(PTE_ACCESSED | PTE_DIRTY), 0);
}

struct collection {
	struct arch_mapping *out;
	vaddr_t *addresses;
	size_t count, max;
	bool take;
};

/* The used entries of one leaf table from `address` on; returns where it stopped. */
static vaddr_t collect_table(pte_t *table, vaddr_t address, vaddr_t end,
			     struct collection *to)
{
	struct frame *frame = table_frame(table);

	do {
		pte_t *entry = &table[table_index(address, 1)];
		u64 value = *entry;

		if (value != 0) {
			if (to->take) {
				value = atomic_exchange(entry, 0);
				frame->index--;
			}
			to->out[to->count] = mapping_of(value);
			to->addresses[to->count] = address;
			to->count++;
		}
		address += PAGE_SIZE;
		if (frame->index == 0) {
			address = ALIGN_UP(address, 1UL << level_shift(2));
			break;
		}
	} while (address < end && to->count < to->max && table_index(address, 1) != 0);
	return address;
}

static void collect(struct arch_vm *vm, vaddr_t *start, vaddr_t end,
		    struct collection *to)
{
	vaddr_t address = *start;

	ASSERT(end <= USER_END);
	spin_lock(&vm->lock);
	while (address < end && to->count < to->max) {
		pte_t *table = leaf_table(vm, &address);

		if (table != NULL) {
			address = collect_table(table, address, end, to);
		}
	}
	spin_unlock(&vm->lock);
	*start = MIN(address, end);
}

size_t arch_vm_unmap(struct arch_vm *vm, vaddr_t *start, vaddr_t end,
		     struct arch_mapping *out, vaddr_t *addresses, size_t max)
{
	struct collection to = {out, addresses, 0, max, true};

	collect(vm, start, end, &to);
	return to.count;
}

size_t arch_vm_walk(struct arch_vm *vm, vaddr_t *start, vaddr_t end,
		    struct arch_mapping *out, vaddr_t *addresses, size_t max)
{
	struct collection to = {out, addresses, 0, max, false};

	collect(vm, start, end, &to);
	return to.count;
}

/* Take empty tables below `table` out, into `freed`. */
static void trim_table(pte_t *table, unsigned level, vaddr_t start, vaddr_t end,
		       struct list *freed)
{
	u64 span = 1UL << level_shift(level);

	while (start < end && table_frame(table)->index > 0) {
		pte_t *entry = &table[table_index(start, level)];
		vaddr_t next = MIN((start & ~(span - 1)) + span, end);

		if (*entry != 0) {
			pte_t *below = entry_table(*entry);

			if (level > 2) {
				trim_table(below, level - 1, start, next, freed);
			}
			if (table_frame(below)->index == 0) {
				atomic_store(entry, 0);
				table_frame(table)->index--;
				list_push_back(freed, &table_frame(below)->link);
			}
		}
		start = next;
	}
}

void arch_vm_trim(struct arch_vm *vm, vaddr_t start, vaddr_t end)
{
	struct list freed = LIST_INIT(freed);
	struct frame *frame, *following;
	size_t count = 0;

	ASSERT(end <= USER_END);
	spin_lock(&vm->lock);
	trim_table(root_of(vm), TABLE_LEVELS, start, end, &freed);
	list_for_each(frame, &freed, link) {
		count++;
	}
	vm->table_pages -= count;
	spin_unlock(&vm->lock);
	if (count == 0) {
		return;
	}
	arch_vm_flush(vm, start, end);
	list_for_each_safe(frame, following, &freed, link) {
		list_remove(&frame->link);
		frame_put(frame);
	}
}
