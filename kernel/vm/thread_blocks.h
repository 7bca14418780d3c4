// SPDX-License-Identifier: MIT
/*
 * Thread blocks (B1, B2, B4, B5): 0x200 bytes of each thread in its address space, which the kernel writes and the program
 * may write. The layout is include/heddle/thread_block.h.
 *
 * A page of blocks is an area of its own, sealed. It gets its frame when somebody first touches it; what belongs into the
 * blocks of its threads is written before it is mapped. From then on the kernel writes through its own mapping of the frame,
 * which stays as long as the page does: no user address is followed, and nothing here faults.
 *
 * Locks   vm_space.lock exclusively (pages come and go) > thread_blocks.lock (spin: who has which slot, what is in them).
 */
#pragma once

#include "core/spinlock.h"
#include "lib/compiler.h"
#include "lib/types.h"
#include "vm/block_map.h"

struct frame;
struct heddle_thread_block;
struct vm_area;
struct vm_space;

/* One thread's, part of its control block. Zero: it has none. */
struct thread_block {
	vaddr_t address; /* o: in the address space its process uses */
	struct heddle_thread_block *
		memory; /* o: the kernel's view; NULL: not asked for yet (thread_block_memory) */
	u32 number; /* o: slot */
	u32 tid;    /* this and what follows: thread_blocks.lock */
	u32 cpu;
	u64 generation;
};

struct thread_blocks {
	struct spinlock lock;
	struct block_map map;
	struct block_page first; /* most programs need no other */
	u64 generation;          /* the last that was given */
};

void thread_blocks_init(struct vm_space *vm);
/* With the space: no slot may be taken any more. */
void thread_blocks_fini(struct vm_space *vm);
/* The area with the first page, for a program's only thread: thread_block_take() will not fail then. -ENOMEM. */
int thread_blocks_start(struct vm_space *vm) must_check;
/* In vm_fork(): the child gets the page of `block`, with a copy of that one slot, not taken yet. -ENOMEM. */
int thread_blocks_fork(struct vm_space *parent, struct vm_space *child,
		       const struct thread_block *block) must_check;

/* A slot for a thread of this space; fills *block but for its tid, which is the caller's. May sleep. -ENOMEM. */
int thread_block_take(struct vm_space *vm, struct thread_block *block) must_check;
/* The slot that the forking thread has in the parent: in the child's space it is free. */
void thread_block_inherit(struct vm_space *vm, struct thread_block *block,
			  const struct thread_block *parent);
/* Give it back: from here on the kernel does not write to it. Thread context, may sleep; no block: nothing. */
void thread_block_give(struct vm_space *vm, struct thread_block *block);
/* The thread runs on another CPU. Thread context. */
void thread_block_set_cpu(struct vm_space *vm, struct thread_block *block, u32 cpu);

/*
 * The running thread's own block in the kernel's view, with memory behind it: it can be read and written without a fault, under
 * spinlocks too, until the thread gives the block back. May sleep. -ENOMEM; -ERESTART: a signal comes first; -EFAULT: it has none.
 */
int thread_block_memory(struct vm_space *vm, struct thread_block *block,
			struct heddle_thread_block **out) must_check;

/* A fault in `area`, which has AREA_THREAD_BLOCKS; vm.lock held shared. The frame, with a reference. -ENOMEM; -EFAULT: the page is
 * being given back. */
int thread_blocks_frame(struct vm_space *vm, const struct vm_area *area,
			struct frame **out) must_check;
