// SPDX-License-Identifier: MIT
/* Private to the host port: a page of a user address space. */
#pragma once

#include "lib/rbtree.h"

struct arch_vm;

struct host_page {
	struct rbtree_node node;
	vaddr_t address;
	paddr_t physical;
	u32 protect;
	bool accessed, dirty;
};

struct host_page *host_page_find(struct arch_vm *vm, vaddr_t address);
