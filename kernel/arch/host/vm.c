// SPDX-License-Identifier: MIT
/*
 * User address spaces: sorted sets of pages. Nothing is mapped for real; usercopy.c
 * walks them as a CPU would.
 */
#include "arch/mmu.h"
#include "host.h"
#include "host_page.h"
#include "lib/errno.h"
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

int arch_vm_map(struct arch_vm *vm, vaddr_t address, paddr_t physical, u32 protect)
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

int arch_vm_replace(struct arch_vm *vm, vaddr_t address, paddr_t expected,
		    paddr_t physical, u32 protect)
{
	struct host_page *page = host_page_find(vm, address);

	if ((page ? page->physical : 0) != expected) {
		return -EAGAIN;
	}
	return arch_vm_map(vm, address, physical, protect);
}

size_t arch_vm_map_absent(struct arch_vm *vm, const vaddr_t *addresses,
			  struct arch_mapping *pages, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		pages[i].present = false;
		if (pages[i].physical && !host_page_find(vm, addresses[i])) {
			if (arch_vm_map(vm, addresses[i], pages[i].physical,
					pages[i].protect)) {
				return i;
			}
			pages[i].present = true;
		}
	}
	return count;
}

bool arch_vm_lookup(struct arch_vm *vm, vaddr_t address, struct arch_mapping *out)
{
	struct host_page *page = host_page_find(vm, address);

	if (!page) {
		return false;
	}
	*out = describe(page);
	return true;
}

void arch_vm_protect(struct arch_vm *vm, vaddr_t start, vaddr_t end, u32 protect)
{
	struct host_page *page = first_from(vm, start);

	for (; page && page->address < end; page = next_page(page)) {
		page->protect = protect;
	}
}

void arch_vm_write_protect(struct arch_vm *vm, vaddr_t start, vaddr_t end)
{
	struct host_page *page = first_from(vm, start);

	for (; page && page->address < end; page = next_page(page)) {
		page->protect &= ~(u32)PROTECT_WRITE;
	}
}

void arch_vm_clean(struct arch_vm *vm, vaddr_t address)
{
	struct host_page *page = host_page_find(vm, address);

	if (page) {
		page->accessed = page->dirty = false;
	}
}

size_t arch_vm_walk(struct arch_vm *vm, vaddr_t *start, vaddr_t end,
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

size_t arch_vm_unmap(struct arch_vm *vm, vaddr_t *start, vaddr_t end,
		     struct arch_mapping *out, vaddr_t *addresses, size_t max)
{
	size_t count = arch_vm_walk(vm, start, end, out, addresses, max);

	for (size_t i = 0; i < count; i++) {
		drop(vm, host_page_find(vm, addresses[i]));
	}
	return count;
}

void arch_vm_trim(struct arch_vm *vm, vaddr_t start, vaddr_t end)
{
}

void arch_vm_flush(struct arch_vm *vm, vaddr_t start, vaddr_t end)
{
}

size_t arch_vm_table_pages(const struct arch_vm *vm)
{
	return vm->page_count ? 3 + vm->page_count / 512 : 1;
}
