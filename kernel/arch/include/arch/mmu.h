// SPDX-License-Identifier: MIT
/*
 * Contract: page tables and the TLB. Pages are 4 KiB; all of RAM is mapped at PHYSICAL_MAP_BASE (arch/impl/mmu.h).
 *
 * struct arch_vm is one user address space: the kernel's half is shared by all. Its own spinlock
 * (rank RANK_PAGE_TABLE) guards the tables; functions take it themselves. Table frames are accounted to `table_pages`.
 * Changes that take rights away are followed by arch_vm_flush() before the frame is reused.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

struct arch_vm;

enum {
	PROTECT_READ = 1,
	PROTECT_WRITE = 2,
	PROTECT_EXECUTE = 4,
	PROTECT_USER = 8,
	PROTECT_DEVICE = 16, /* uncached */
};

struct arch_mapping {
	paddr_t physical;
	u32 protect; /* PROTECT_* */
	bool present, accessed, dirty;
};

int arch_vm_init(struct arch_vm *vm) must_check; /* -ENOMEM */
void arch_vm_fini(
	struct arch_vm
		*vm); /* frees the tables; nothing may be mapped or active any more */
/* Load it on this CPU (NULL: the kernel's own). Interrupts off, or preemption off. */
void arch_vm_activate(struct arch_vm *vm);
/* What this CPU has loaded, for R9's check. NULL: the kernel's. */
struct arch_vm *arch_vm_active(void);

/* Map one page; replaces what was there. -ENOMEM for a table. `protect` without PROTECT_READ: nothing accessible (mapped as absent). */
int arch_vm_map(struct arch_vm *vm, vaddr_t address, paddr_t physical,
		u32 protect) must_check;
/*
 * Like arch_vm_map(), but only if the page at `address` is `expected` and may not be written (0: nothing is mapped there);
 * else -EAGAIN and nothing has changed. So two threads that resolve one fault do not undo each other's work: a page that
 * the other made writable may have been written to since it was copied.
 */
int arch_vm_replace(struct arch_vm *vm, vaddr_t address, paddr_t expected,
		    paddr_t physical, u32 protect) must_check;
/*
 * Map pages[i] (physical, protect; physical 0: skip) at addresses[i], ascending, where nothing is mapped yet.
 * pages[i].present tells afterwards whether it was mapped. Returns how many were looked at: fewer than `count` when there is no
 * memory for a table.
 */
size_t arch_vm_map_absent(struct arch_vm *vm, const vaddr_t *addresses,
			  struct arch_mapping *pages, size_t count) must_check;
struct frame;

/* Pages that two address spaces share: of objects, and others. */
struct arch_shared {
	s64 file, anonymous;
};
/*
 * For fork: what `parent` maps in [start, end) is mapped in `child` too, at the same addresses, where it has nothing yet; neither may write
 * to it any more. No flush. Each page but `uncounted` gets a reference, and is added to *pages. -ENOMEM: that much of it is done.
 * Context: no table of the parent's is taken out meanwhile, and nobody else uses the child.
 */
int arch_vm_share(struct arch_vm *parent, struct arch_vm *child, vaddr_t start,
		  vaddr_t end, const struct frame *uncounted,
		  struct arch_shared *pages) must_check;
/* The page at `address`; false: none. */
bool arch_vm_lookup(struct arch_vm *vm, vaddr_t address, struct arch_mapping *out);
/* Change rights of the present pages in [start, end); no flush. */
void arch_vm_protect(struct arch_vm *vm, vaddr_t start, vaddr_t end, u32 protect);
/* Take write rights away from the present pages in [start, end); no flush. */
void arch_vm_write_protect(struct arch_vm *vm, vaddr_t start, vaddr_t end);
/* Forget that the present pages in [start, end) were accessed; no flush, without which a CPU that knows a page may not mark it again. */
void arch_vm_forget_accessed(struct arch_vm *vm, vaddr_t start, vaddr_t end);
/*
 * Unmap up to `max` present pages from *start on, below `end`, into out[] (physical, dirty, …) and addresses[]; *start moves
 * behind what was looked at. Returns how many; the caller flushes, then frees the frames, and comes back until *start == end.
 */
size_t arch_vm_unmap(struct arch_vm *vm, vaddr_t *start, vaddr_t end,
		     struct arch_mapping *out, vaddr_t *addresses, size_t max);
/* Pages taken out of an address space, which lie from `first` to `last`; empty: count 0, first ~0. */
struct arch_taken {
	paddr_t *pages;
	size_t count, max;
	vaddr_t first, last;
};
/* Like arch_vm_unmap(), for who needs no more of the pages than where they are: *to gets more, until it is full or *start == end. */
void arch_vm_take(struct arch_vm *vm, vaddr_t *start, vaddr_t end, struct arch_taken *to);
/* The present pages from *start on, like arch_vm_unmap() but leaving them mapped (mincore). */
size_t arch_vm_walk(struct arch_vm *vm, vaddr_t *start, vaddr_t end,
		    struct arch_mapping *out, vaddr_t *addresses, size_t max);
/* Give back empty tables in [start, end): the caller has unmapped and flushed it. */
void arch_vm_trim(struct arch_vm *vm, vaddr_t start, vaddr_t end);
/* No CPU uses a stale translation of [start, end) after return. Interrupts on, preemption may be on. May be called with spinlocks held. */
void arch_vm_flush(struct arch_vm *vm, vaddr_t start, vaddr_t end);
size_t arch_vm_table_pages(const struct arch_vm *vm);

/* Kernel mappings: stacks and device registers, in KERNEL_MAP_BASE … KERNEL_MAP_END. */
int arch_kernel_map(vaddr_t address, paddr_t physical,
		    u32 protect) must_check; /* -ENOMEM */
/* Unmap one page and return what was mapped; flush with arch_kernel_flush() before reuse. */
paddr_t arch_kernel_unmap(vaddr_t address);
void arch_kernel_flush(vaddr_t start, vaddr_t end);
/* Was this mapped page written to through the mapping? Where the machine does not tell: true. */
bool arch_kernel_written(vaddr_t address);
u64 arch_kernel_table_frames(
	void); /* what arch_kernel_map() took for tables, which stay (R10) */
/* Kernel text read-only and executable, the rest not executable: called once when boot is over. Frees .init. */
void arch_kernel_seal(void);

static inline void *physical_to_virtual(paddr_t physical);
static inline paddr_t virtual_to_physical(
	const void *address); /* only of the physical map and the kernel image */

/* Make code that was written at these addresses of the kernel's visible to instruction fetch, wherever else it is mapped (no-op on x86-64). */
void arch_sync_instruction_cache(vaddr_t start, vaddr_t end);
/*
 * No CPU executes in user mode, in `vm`, what it had fetched before this call: it passes an instruction that serialises its
 * core first. Of a CPU that does not run in it now: when it comes to. Context as arch_vm_flush().
 */
void arch_vm_sync_core(struct arch_vm *vm);

/* USER_LOWEST (lowest mappable), USER_END (first address behind user space) and the map bases come from here. */
#include "arch/impl/mmu.h"
