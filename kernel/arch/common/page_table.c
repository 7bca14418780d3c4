// SPDX-License-Identifier: MIT
/*
 * User page tables: four levels of 512 entries, the same on every port but for the bits of an entry (arch/impl/page_table.h).
 *
 * Locks     arch_vm.lock around every change and walk. Frames for tables are allocated outside it.
 *
 * Invariants
 *   P1  frame.index of a table's frame tells how many of its entries are used (of the root: by user space), and bounds
 *       within which they lie (struct usage). The bounds only widen until the table is empty.
 *   P2  An entry of a leaf table is used iff it is not 0; PTE_MAPPED is then set, and the page present unless it is PROT_NONE.
 *   P3  A table is freed only after a flush: the CPU caches upper entries too.
 */
#include "arch/common/page_table_internal.h"
#include "core/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"

static bool table_empty(const struct frame *frame)
{
	return frame->index == 0;
}

/* The first used entry at or after `index`, or TABLE_ENTRIES. */
static size_t next_used(pte_t *table, size_t index)
{
	struct usage usage = usage_of(table_frame(table));

	if (usage.count == 0) {
		return TABLE_ENTRIES;
	}
	for (index = MAX(index, (size_t)usage.first); index <= usage.last; index++) {
		if (table[index] != 0) {
			return index;
		}
	}
	return TABLE_ENTRIES;
}

static pte_t *root_of(const struct arch_vm *vm)
{
	return physical_to_virtual(vm->root);
}

int arch_vm_init(struct arch_vm *vm)
{
	struct frame *frame;
	int error = frame_allocate(FRAME_ZERO, &frame);

	if (error != 0) {
		return error;
	}
	frame->index = 0;
	spin_init(&vm->lock, RANK_PAGE_TABLE, "arch_vm.lock");
	vm->root = frame_physical(frame);
	vm->table_pages = 1;
	tlb_begin_vm(vm);
	return 0;
}

/* Free the tables below `table`, emptied as the next one wants them. Returns how many. */
static size_t free_tables(pte_t *table, unsigned level)
{
	size_t freed = 0;

	for (size_t i = next_used(table, 0); i < TABLE_ENTRIES;
	     i = next_used(table, i + 1)) {
		pte_t *below = entry_table(table[i]);
		struct frame *frame = table_frame(below);

		if (level > 2) {
			freed += free_tables(below, level - 1);
		}
		DEBUG_ASSERT(level > 2 || table_empty(frame));
		atomic_store_explicit(&table[i], 0, memory_order_relaxed);
		frame->index = 0;
		frame_put_clean(frame);
		freed++;
	}
	return freed;
}

void arch_vm_fini(struct arch_vm *vm)
{
	struct frame *root = frame_from_physical(vm->root);
	size_t freed;

	tlb_forget_vm(vm);
	freed = free_tables(root_of(vm), TABLE_LEVELS);
	ASSERT(freed + 1 == vm->table_pages);
	root->index = 0;
	frame_put(root);
	vm->root = 0;
}

size_t arch_vm_table_pages(const struct arch_vm *vm)
{
	return atomic_load_explicit(&vm->table_pages, memory_order_relaxed);
}

/* The leaf table of `address`, or NULL. */
static pte_t *leaf_table(struct arch_vm *vm, vaddr_t address) MUST_HOLD(&vm->lock)
{
	pte_t *table = root_of(vm);

	for (unsigned level = TABLE_LEVELS; level > 1; level--) {
		u64 entry = table[table_index(address, level)];

		if (entry == 0) {
			return NULL;
		}
		table = entry_table(entry);
	}
	return table;
}

/* Going down, a hole leads to the next used entry of the same table, or, behind the last, to the range behind that table, from the root. */
pte_t *next_leaf_table(struct arch_vm *vm, vaddr_t *address, vaddr_t end)
	MUST_HOLD(&vm->lock)
{
	pte_t *table = root_of(vm);
	unsigned level = TABLE_LEVELS;
	vaddr_t at = *address;

	while (at < end) {
		u64 span = 1UL << level_shift(level), all = span << 9;
		size_t index = next_used(table, table_index(at, level));

		if (index == TABLE_ENTRIES) {
			at = (at & ~(all - 1)) + all;
			table = root_of(vm);
			if (level == TABLE_LEVELS) {
				break;
			}
			level = TABLE_LEVELS;
			continue;
		}
		at = MAX(at, (at & ~(all - 1)) + index * span);
		table = entry_table(table[index]);
		if (--level == 1) {
			*address = MIN(at, end);
			return at < end ? table : NULL;
		}
	}
	*address = end;
	return NULL;
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
			atomic_store(entry, pte_of(frame_physical(*spare)) | PTE_TABLE);
			*spare = NULL;
			entry_used(table_frame(table), table_index(address, level));
			vm->table_pages++;
		}
		table = entry_table(*entry);
	}
	return table;
}

pte_t *lock_leaf_table(struct arch_vm *vm, vaddr_t address) NO_THREAD_SAFETY
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

static void set_leaf(struct arch_vm *vm, pte_t *table, vaddr_t address, paddr_t physical,
		     u32 protect)
{
	u64 value = pte_of(physical) | pte_rights(protect) | PTE_ACCESSED;

	pte_prepare(vm, physical, protect);
	if (pte_replace(vm, &table[table_index(address, 1)], address, value) == 0) {
		entry_used(table_frame(table), table_index(address, 1));
	}
}

/*
 * An entry that is 0: only who holds the lock changes it, so a store will do; but another CPU may walk to it at once, and must not find the
 * page as it was before. order.page: pairs with the walk, whose address comes from here
 */
static always_inline_ void fill_leaf(struct arch_vm *vm, pte_t *table,
				     struct frame *frame, size_t index, paddr_t physical,
				     u32 protect)
{
	pte_prepare(vm, physical, protect);
	atomic_store_explicit(&table[index],
			      pte_of(physical) | pte_rights(protect) | PTE_ACCESSED,
			      memory_order_release);
	entry_used(frame, index);
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
	set_leaf(vm, table, address, physical, protect);
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
			  : value != 0 && !pte_is_writable(value) &&
				    pte_physical(value) == expected) {
		set_leaf(vm, table, address, physical, protect);
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
		struct frame *frame = table_frame(table);

		/* All that the same table holds. */
		for (; i < count && addresses[i] >> level_shift(2) == region; i++) {
			size_t index = table_index(addresses[i], 1);

			pages[i].present = pages[i].physical != 0 && table[index] == 0;
			if (pages[i].present) {
				fill_leaf(vm, table, frame, index, pages[i].physical,
					  pages[i].protect);
			}
		}
		pte_publish();
		spin_unlock(&vm->lock);
	}
	return i;
}

static always_inline_ struct arch_mapping mapping_of(u64 entry)
{
	return (struct arch_mapping){
		.physical = pte_physical(entry),
		.protect = pte_protect(entry),
		.present = true,
		.accessed = (entry & PTE_ACCESSED) != 0,
		.dirty = pte_is_dirty(entry),
	};
}

bool arch_vm_lookup(struct arch_vm *vm, vaddr_t address, struct arch_mapping *out)
{
	pte_t *table;
	u64 value;

	if (address >= USER_END) {
		return false;
	}
	spin_lock(&vm->lock);
	table = leaf_table(vm, address);
	value = table == NULL ? 0 : table[table_index(address, 1)];
	spin_unlock(&vm->lock);
	if (value == 0) {
		return false;
	}
	*out = mapping_of(value);
	return true;
}

/* What becomes of a used entry. */
typedef u64 (*entry_change)(u64 entry, u64 rights);

/* Change each used entry in [start, end); the CPU may be setting bits meanwhile. */
static always_inline_ void change_entries(struct arch_vm *vm, vaddr_t start, vaddr_t end,
					  entry_change change, u64 rights)
{
	pte_t *table;

	ASSERT(end <= USER_END);
	spin_lock(&vm->lock);
	while ((table = next_leaf_table(vm, &start, end)) != NULL) {
		struct span span = used_span(table_frame(table), start, end);

		for (size_t i = span.index; i < span.stop; i++) {
			u64 value = table[i];

			while (value != 0 && change(value, rights) != value &&
			       !atomic_compare_exchange_weak(&table[i], &value,
							     change(value, rights))) {
			}
		}
		start = span.base + (1UL << level_shift(2));
	}
	pte_publish();
	spin_unlock(&vm->lock);
}

static always_inline_ u64 with_rights(u64 entry, u64 rights)
{
	return (entry & PTE_KEPT) | rights;
}

static always_inline_ u64 without_write(u64 entry, u64 unused)
{
	return pte_without_write(entry);
}

static always_inline_ u64 without_accessed(u64 entry, u64 unused)
{
	return entry & ~PTE_ACCESSED;
}

void arch_vm_protect(struct arch_vm *vm, vaddr_t start, vaddr_t end, u32 protect)
{
	change_entries(vm, start, end, with_rights, pte_rights(protect));
}

void arch_vm_write_protect(struct arch_vm *vm, vaddr_t start, vaddr_t end)
{
	change_entries(vm, start, end, without_write, 0);
}

void arch_vm_forget_accessed(struct arch_vm *vm, vaddr_t start, vaddr_t end)
{
	change_entries(vm, start, end, without_accessed, 0);
}

struct collection {
	struct arch_mapping *out;
	vaddr_t *addresses;
	size_t count, max;
};

/* The used entries of one leaf table from `address` on, taken out or not; returns where it stopped. */
static always_inline_ vaddr_t collect_table(pte_t *table, vaddr_t address, vaddr_t end,
					    struct collection *to, bool take)
{
	struct frame *frame = table_frame(table);
	struct span span = used_span(frame, address, end);
	size_t count = to->count, i;

	for (i = span.index; i < span.stop; i++) {
		u64 value = atomic_load_explicit(&table[i], memory_order_relaxed);

		if (value == 0) {
			continue;
		}
		if (count == to->max) {
			break;
		}
		if (take) {
			value = atomic_exchange(&table[i], 0);
		}
		to->out[count] = mapping_of(value);
		to->addresses[count] = span.base + i * PAGE_SIZE;
		count++;
	}
	if (take && count > to->count) {
		entries_freed(frame, count - to->count);
	}
	to->count = count;
	return span.base + (i < span.stop ? i * PAGE_SIZE : 1UL << level_shift(2));
}

static always_inline_ size_t collect(struct arch_vm *vm, vaddr_t *start, vaddr_t end,
				     struct collection to, bool take)
{
	vaddr_t address = *start;
	pte_t *table;

	ASSERT(end <= USER_END);
	spin_lock(&vm->lock);
	while (to.count < to.max &&
	       (table = next_leaf_table(vm, &address, end)) != NULL) {
		address = collect_table(table, address, end, &to, take);
	}
	spin_unlock(&vm->lock);
	*start = MIN(address, end);
	return to.count;
}

size_t arch_vm_unmap(struct arch_vm *vm, vaddr_t *start, vaddr_t end,
		     struct arch_mapping *out, vaddr_t *addresses, size_t max)
{
	return collect(vm, start, end, (struct collection){out, addresses, 0, max}, true);
}

size_t arch_vm_walk(struct arch_vm *vm, vaddr_t *start, vaddr_t end,
		    struct arch_mapping *out, vaddr_t *addresses, size_t max)
{
	return collect(vm, start, end, (struct collection){out, addresses, 0, max},
		       false);
}

/* Used entries of one leaf table from `address` on: as many entries are looked at as there is room. Returns where it stopped. */
static vaddr_t take_table(pte_t *table, vaddr_t address, vaddr_t end,
			  struct arch_taken *to)
{
	struct frame *frame = table_frame(table);
	struct span span = used_span(frame, address, end);
	paddr_t *const begin = to->pages + to->count;
	paddr_t *page = begin;
	size_t index = span.index, first, last = 0, stop;

	while (index < span.stop &&
	       atomic_load_explicit(&table[index], memory_order_relaxed) == 0) {
		index++;
	}
	stop = MIN(span.stop, index + (to->max - to->count));
	for (first = index; index < stop; index++) {
		if (atomic_load_explicit(&table[index], memory_order_relaxed) != 0) {
			*page++ = pte_physical(atomic_exchange(&table[index], 0));
			last = index;
		}
	}
	if (page > begin) {
		to->count = (size_t)(page - to->pages);
		to->first = MIN(to->first, span.base + first * PAGE_SIZE);
		to->last = span.base + last * PAGE_SIZE;
		entries_freed(frame, (size_t)(page - begin));
	}
	return span.base +
	       (index < span.stop ? index * PAGE_SIZE : 1UL << level_shift(2));
}

void arch_vm_take(struct arch_vm *vm, vaddr_t *start, vaddr_t end, struct arch_taken *to)
{
	vaddr_t address = *start;
	pte_t *table;

	ASSERT(end <= USER_END);
	spin_lock(&vm->lock);
	while (to->count < to->max &&
	       (table = next_leaf_table(vm, &address, end)) != NULL) {
		address = take_table(table, address, end, to);
	}
	spin_unlock(&vm->lock);
	*start = MIN(address, end);
}

/* Take empty tables below `table`, whose range begins at `base`, out into `freed`. */
static void trim_table(pte_t *table, unsigned level, vaddr_t base, vaddr_t start,
		       vaddr_t end, struct list *freed)
{
	u64 span = 1UL << level_shift(level);
	size_t i = next_used(table, start > base ? (start - base) / span : 0);

	for (; i < TABLE_ENTRIES && base + i * span < end; i = next_used(table, i + 1)) {
		pte_t *below = entry_table(table[i]);
		struct frame *frame = table_frame(below);

		if (level > 2) {
			trim_table(below, level - 1, base + i * span, start, end, freed);
		}
		if (table_empty(frame)) {
			atomic_store(&table[i], 0);
			entries_freed(table_frame(table), 1);
			list_push_back(freed, &frame->link);
		}
	}
}

void arch_vm_trim(struct arch_vm *vm, vaddr_t start, vaddr_t end)
{
	struct list freed = LIST_INIT(freed);
	struct frame *frame, *following;
	size_t count = 0;

	ASSERT(end <= USER_END);
	spin_lock(&vm->lock);
	trim_table(root_of(vm), TABLE_LEVELS, 0, start, end, &freed);
	list_for_each(frame, &freed, link) {
		count++;
	}
	vm->table_pages -= count;
	spin_unlock(&vm->lock);
	if (count == 0) {
		return;
	}
	tlb_flush_tables(vm, start, end);
	list_for_each_safe(frame, following, &freed, link) {
		list_remove(&frame->link);
		frame_put_clean(frame);
	}
}
