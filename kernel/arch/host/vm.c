// SPDX-License-Identifier: MIT
/*
 * User address spaces: sorted sets of pages. Nothing is mapped for real; usercopy.c
 * walks them as a CPU would.
 */
#include "arch/mmu.h"
#include "host.h"
#include "host_page.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include <stdlib.h>
#include <string.h>

/* The first page at or after `address`, or NULL. */
static struct host_page *first_from(struct arch_vm *vm, vaddr_t address)
{
	struct rbtree_node *node = vm->pages.root;
	struct host_page *best = NULL;

	while (node) {
		struct host_page *page = rbtree_entry(node, struct host_page, node);

		if (page->address >= address) {
			best = page;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return best;
}

struct host_page *host_page_find(struct arch_vm *vm, vaddr_t address)
{
	struct host_page *page = first_from(vm, address & PAGE_MASK);

	return page && page->address == (address & PAGE_MASK) ? page : NULL;
}

static struct host_page *next_page(struct host_page *page)
{
	struct rbtree_node *node = rbtree_next(&page->node);

	return node ? rbtree_entry(node, struct host_page, node) : NULL;
}

static bool by_address(const struct rbtree_node *a, const struct rbtree_node *b)
{
	return rbtree_entry(a, const struct host_page, node)->address <
	       rbtree_entry(b, const struct host_page, node)->address;
}

static void drop(struct arch_vm *vm, struct host_page *page)
{
	rbtree_remove(&vm->pages, &page->node);
	vm->page_count--;
	free(page);
}

static struct arch_mapping describe(const struct host_page *page)
{
	return (struct arch_mapping){
		.physical = page->physical,
		.protect = page->protect,
		.present = true,
		.accessed = page->accessed,
		.dirty = page->dirty,
	};
}

int arch_vm_init(struct arch_vm *vm)
{
	memset(vm, 0, sizeof(*vm));
	spin_init(&vm->lock, RANK_PAGE_TABLE, "arch_vm.lock");
	return 0;
}

void arch_vm_fini(struct arch_vm *vm)
{
	struct host_page *page;

	for (unsigned i = 0; i < HOST_CPUS_MAX; i++) {
		if (host_cpus[i].active_vm == vm) {
			abort(); /* still loaded on a CPU */
		}
	}
	while ((page = first_from(vm, 0))) {
		drop(vm, page);
	}
}

void arch_vm_activate(struct arch_vm *vm)
{
	host_cpu_now->active_vm = vm;
}

struct arch_vm *arch_vm_active(void)
{
	return host_cpu_now->active_vm;
}

static int map_locked(struct arch_vm *vm, vaddr_t address, paddr_t physical, u32 protect)
{
	struct host_page *page = host_page_find(vm, address);

	if (!page) {
		page = calloc(1, sizeof(*page));
		if (!page) {
			return -ENOMEM;
		}
		page->address = address & PAGE_MASK;
		rbtree_node_init(&page->node);
		rbtree_add(&vm->pages, &page->node, by_address);
		vm->page_count++;
	}
	page->physical = physical;
	page->protect = protect;
	page->accessed = page->dirty = false;
	return 0;
}

int arch_vm_map(struct arch_vm *vm, vaddr_t address, paddr_t physical, u32 protect)
{
	int error;

	spin_lock(&vm->lock);
	error = map_locked(vm, address, physical, protect);
	spin_unlock(&vm->lock);
	return error;
}

int arch_vm_replace(struct arch_vm *vm, vaddr_t address, paddr_t expected,
		    paddr_t physical, u32 protect)
{
	struct host_page *page;
	int error = -EAGAIN;

	spin_lock(&vm->lock);
	page = host_page_find(vm, address);
	if (page ? page->physical == expected && !(page->protect & PROTECT_WRITE)
		 : expected == 0) {
		error = map_locked(vm, address, physical, protect);
	}
	spin_unlock(&vm->lock);
	return error;
}

size_t arch_vm_map_absent(struct arch_vm *vm, const vaddr_t *addresses,
			  struct arch_mapping *pages, size_t count)
{
	size_t i;

	spin_lock(&vm->lock);
	for (i = 0; i < count; i++) {
		pages[i].present = false;
		if (pages[i].physical && !host_page_find(vm, addresses[i])) {
			if (map_locked(vm, addresses[i], pages[i].physical,
				       pages[i].protect)) {
				break;
			}
			pages[i].present = true;
		}
	}
	spin_unlock(&vm->lock);
	return i;
}

int arch_vm_share(struct arch_vm *parent, struct arch_vm *child, vaddr_t start,
		  vaddr_t end, const struct frame *uncounted, struct arch_shared *pages)
{
	struct host_page *page = first_from(parent, start);
	int error = 0;

	for (; page && page->address < end && !error; page = next_page(page)) {
		struct frame *frame = frame_from_physical(page->physical);

		page->protect &= ~(u32)PROTECT_WRITE;
		error = arch_vm_map(child, page->address, page->physical, page->protect);
		if (!error && frame && frame != uncounted) {
			frame_get(frame);
			*(frame->object ? &pages->file : &pages->anonymous) += 1;
		}
	}
	return error;
}

bool arch_vm_lookup(struct arch_vm *vm, vaddr_t address, struct arch_mapping *out)
{
	struct host_page *page;

	spin_lock(&vm->lock);
	page = host_page_find(vm, address);
	if (page) {
		*out = describe(page);
	}
	spin_unlock(&vm->lock);
	return page;
}

/* protect = (protect & keep) | set for the pages of [start, end). */
static void change(struct arch_vm *vm, vaddr_t start, vaddr_t end, u32 keep, u32 set)
{
	struct host_page *page;

	spin_lock(&vm->lock);
	page = first_from(vm, start);
	for (; page && page->address < end; page = next_page(page)) {
		page->protect = (page->protect & keep) | set;
	}
	spin_unlock(&vm->lock);
}

void arch_vm_protect(struct arch_vm *vm, vaddr_t start, vaddr_t end, u32 protect)
{
	change(vm, start, end, 0, protect);
}

void arch_vm_write_protect(struct arch_vm *vm, vaddr_t start, vaddr_t end)
{
	change(vm, start, end, ~(u32)PROTECT_WRITE, 0);
}

void arch_vm_forget_accessed(struct arch_vm *vm, vaddr_t start, vaddr_t end)
{
	spin_lock(&vm->lock);
	for (vaddr_t address = start; address < end; address += PAGE_SIZE) {
		struct host_page *page = host_page_find(vm, address);

		if (page) {
			page->accessed = false;
		}
	}
	spin_unlock(&vm->lock);
}

static size_t walk_locked(struct arch_vm *vm, vaddr_t *start, vaddr_t end,
			  struct arch_mapping *out, vaddr_t *addresses, size_t max)
{
	struct host_page *page = first_from(vm, *start);
	size_t count = 0;

	while (page && page->address < end && count < max) {
		out[count] = describe(page);
		addresses[count++] = page->address;
		*start = page->address + PAGE_SIZE;
		page = next_page(page);
	}
	if (!page || page->address >= end) {
		*start = end;
	}
	return count;
}

size_t arch_vm_walk(struct arch_vm *vm, vaddr_t *start, vaddr_t end,
		    struct arch_mapping *out, vaddr_t *addresses, size_t max)
{
	size_t count;

	spin_lock(&vm->lock);
	count = walk_locked(vm, start, end, out, addresses, max);
	spin_unlock(&vm->lock);
	return count;
}

size_t arch_vm_unmap(struct arch_vm *vm, vaddr_t *start, vaddr_t end,
		     struct arch_mapping *out, vaddr_t *addresses, size_t max)
{
	size_t count;

	spin_lock(&vm->lock);
	count = walk_locked(vm, start, end, out, addresses, max);
	for (size_t i = 0; i < count; i++) {
		drop(vm, host_page_find(vm, addresses[i]));
	}
	spin_unlock(&vm->lock);
	return count;
}

void arch_vm_take(struct arch_vm *vm, vaddr_t *start, vaddr_t end, struct arch_taken *to)
{
	struct arch_mapping page;
	vaddr_t address;

	while (to->count < to->max && arch_vm_unmap(vm, start, end, &page, &address, 1)) {
		to->pages[to->count++] = page.physical;
		to->first = address < to->first ? address : to->first;
		to->last = address;
	}
	if (to->count < to->max) {
		*start = end;
	}
}

void arch_vm_trim(struct arch_vm *vm, vaddr_t start, vaddr_t end)
{
}

void arch_vm_flush(struct arch_vm *vm, vaddr_t start, vaddr_t end)
{
}

void arch_vm_sync_core(struct arch_vm *vm)
{
}

size_t arch_vm_table_pages(const struct arch_vm *vm)
{
	return vm->page_count ? 3 + vm->page_count / 512 : 1;
}
