// SPDX-License-Identifier: MIT
/*
 * The copy of an address space for fork.
 *
 * Private pages are shared until somebody writes: both sides lose the right to, and a write fault makes a copy. Pages of objects are
 * not entered into the child's tables (it faults them in), unless the area has pages of its own among them. Thread blocks are not
 * shared: the child has a page of its own, with the one block that goes on in it.
 *
 * Locks     the parent's vm.lock exclusively: no fault there may give write rights back meanwhile. The child is not published.
 */
#include "cred/user_namespace.h"
#include "vm/vm_internal.h"

static bool has_own_pages(const struct vm_area *area)
{
	return !(area->flags & (AREA_SHARED | AREA_WIPE_ON_FORK)) && area->touched;
}

static int share_pages(struct vm_space *parent, struct vm_space *child,
		       const struct vm_area *area)
{
	struct arch_shared pages = {0};
	int error = arch_vm_share(&parent->arch, &child->arch, area->start, area->end,
				  zero_frame, &pages);

	atomic_fetch_add_explicit(&child->resident_file, pages.file,
				  memory_order_relaxed);
	atomic_fetch_add_explicit(&child->resident_anonymous, pages.anonymous,
				  memory_order_relaxed);
	return error;
}

static void copy_layout(struct vm_space *child, const struct vm_space *parent)
{
	atomic_store(&child->dumpable, atomic_load(&parent->dumpable));
	atomic_store(&child->dump_filter, atomic_load(&parent->dump_filter));
	atomic_store(&child->huge_pages_off, atomic_load(&parent->huge_pages_off));
	child->user_namespace = parent->user_namespace
					? user_namespace_get(parent->user_namespace)
					: NULL;
	atomic_store(&child->barriers, atomic_load(&parent->barriers));
	child->mmap_top = parent->mmap_top;
	child->break_start = parent->break_start;
	child->break_now = parent->break_now;
	child->code_start = parent->code_start;
	child->code_end = parent->code_end;
	child->data_start = parent->data_start;
	child->data_end = parent->data_end;
	child->stack_start = parent->stack_start;
	child->arguments_start = parent->arguments_start;
	child->arguments_end = parent->arguments_end;
	child->environment_start = parent->environment_start;
	child->environment_end = parent->environment_end;
	child->vdso = parent->vdso;
	child->auxv_count = parent->auxv_count;
	for (unsigned i = 0; i < ARRAY_SIZE(child->auxv); i++) {
		child->auxv[i] = parent->auxv[i];
	}
	child->limit_address_space = parent->limit_address_space;
	child->limit_data = parent->limit_data;
	child->limit_stack = parent->limit_stack;
	child->limit_locked = parent->limit_locked;
}

static int copy_area(struct vm_space *parent, struct vm_space *child,
		     const struct vm_area *area, bool *protected) NO_THREAD_SAFETY
{
	struct vm_area *copy;

	if (area->flags & (AREA_NO_FORK | AREA_THREAD_BLOCKS)) {
		return 0;
	}
	copy = area_copy(child, area);
	if (!copy) {
		return -ENOMEM;
	}
	copy->flags &= ~AREA_LOCK_FLAGS;
	if (area->flags & AREA_WIPE_ON_FORK) {
		copy->touched = false;
	}
	area_insert(child, copy);
	if (!has_own_pages(area)) {
		return 0;
	}
	*protected = true;
	return share_pages(parent, child, area);
}

int vm_fork(struct vm_space *parent, const struct thread_block *block,
	    struct vm_space **out)
{
	struct rbtree_node *node;
	struct vm_space *child;
	bool protected = false;
	int error = vm_create(&child);

	if (error) {
		return error;
	}
	rwlock_lock(&parent->lock);
	copy_layout(child, parent);
	rbtree_for_each(node, &parent->areas) {
		error = copy_area(parent, child, rbtree_entry(node, struct vm_area, node),
				  &protected);
		if (error) {
			break;
		}
	}
	if (protected) {
		arch_vm_flush(&parent->arch, 0, USER_END);
	}
	vm_unlock_exclusive(parent);
	if (!error) {
		error = thread_blocks_fork(parent, child, block);
	}
	if (error) {
		vm_leave(child);
		return error;
	}
	*out = child;
	return 0;
}
