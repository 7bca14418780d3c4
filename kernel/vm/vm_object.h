// SPDX-License-Identifier: MIT
/*
 * What memory is mapped from: the pages of a file, of shared anonymous memory, of a device. Also the page cache of every inode.
 *
 * An object is found through its owner (an inode) or through the areas that map it. It holds one frame reference for each page it has.
 * Reading a page may do I/O: done with object.lock dropped and the frame marked busy; others wait for it.
 */
#pragma once

#include "core/refcount.h"
#include "core/spinlock.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/radix.h"
#include "lib/types.h"
#include "mm/frame.h"
#include "mm/io_buffer.h"
#include "sync/mutex.h"

struct vm_object;

struct vm_object_operations {
	/* Fill `frame` (zeroed already) with page `index`. NULL: absent pages are zeros. May sleep; no locks held. */
	int (*read_page)(struct vm_object *object, u64 index, struct frame *frame);
	/* Optional: fill up to `count` consecutive pages (read-ahead); returns how many, or a negative errno.
	 * The frames are not zeroed: what lies behind the file's end is zeroed by this function. */
	int (*read_pages)(struct vm_object *object, u64 index, struct frame **frames,
			  unsigned count);
	/* Store a dirty page; NULL: pages are the only copy and stay (tmpfs). `length`: bytes of it below the file's end. */
	int (*write_page)(struct vm_object *object, u64 index, struct frame *frame,
			  size_t length);
	/* The file's size in bytes: faults behind it are SIGBUS (shared anonymous: its size). */
	u64 (*size)(struct vm_object *object);
	/* A page that a shared mapping had not been written through is written now. object.lock is held; must not sleep. NULL: nobody cares. */
	void (*written)(struct vm_object *object);
	/* An area that maps it came into an address space (by mmap, fork, a cut), or left one. vm.lock is held; may sleep for
	 * locks below it. Areas of such an object are never joined: they count. NULL: nobody counts. */
	void (*mapped)(struct vm_object *object);
	void (*unmapped)(struct vm_object *object);
	/* Called when the last reference goes, after the pages went. */
	void (*destroy)(struct vm_object *object);
	bool kernel_pages; /* its pages are the kernel's, shown to users: they count as nobody's */
};

struct vm_object {
	struct refcount references;
	const struct vm_object_operations *operations;
	void *owner; /* the inode; opaque here */

	struct mutex lock;
	struct radix pages GUARDED_BY(lock);
	u64 page_count GUARDED_BY(lock);
	struct wait_queue page_ready;

	struct spinlock mappings_lock;
	struct list mappings GUARDED_BY(mappings_lock); /* vm_area.object_link */
	_Atomic u32
		writable_mappings; /* shared and writable: counts for seals, ETXTBSY */
	u64 read_ahead_next GUARDED_BY(lock); /* where a sequential reader comes next, */
	u32 read_ahead_size GUARDED_BY(lock); /* and how many pages it gets then */
	struct list reclaim_link; /* objects whose clean pages can be read again */
	_Atomic bool reclaiming;  /* reclaim looks at it: its end waits */
};

int vm_object_create(const struct vm_object_operations *operations, void *owner,
		     struct vm_object **out) must_check;
/* Zero-filled memory of `size` bytes, for MAP_SHARED | MAP_ANONYMOUS. */
int vm_object_create_anonymous(u64 size, struct vm_object **out) must_check;
void vm_object_get(struct vm_object *object);
void vm_object_put(struct vm_object *object); /* may sleep */

/* Page `index` with a reference; made (zeroed) or read if absent. -ENOMEM, -EIO, … May sleep. */
int vm_object_page(struct vm_object *object, u64 index, struct frame **out) must_check;
/* Make `frame` page `index` (a reference is taken): kernel pages shown to users, as the vDSO's. -EEXIST, -ENOMEM. */
int vm_object_insert(struct vm_object *object, u64 index, struct frame *frame) must_check;
/* The page if present (with a reference), else NULL. May sleep for the lock only. */
struct frame *vm_object_find(struct vm_object *object, u64 index);
/* Page cache reads and writes. Bytes moved, or an errno if none; reads end at operations->size(). A write makes absent pages, zeroed or (partial) read. */
s64 vm_object_read(struct vm_object *object, u64 offset, struct io_buffer *io);
s64 vm_object_write(struct vm_object *object, u64 offset, struct io_buffer *io);
/* The file shrank to `size`: pages behind it are unmapped everywhere and dropped, the rest of the last one is zeroed. */
void vm_object_truncate(struct vm_object *object, u64 size);
/* Drop the pages in [start, end) bytes, whole pages only (hole punching): they read as zeros. */
void vm_object_punch(struct vm_object *object, u64 start, u64 end);
int vm_object_sync(struct vm_object *object, u64 start,
		   u64 end); /* write dirty pages back */
u64 vm_object_page_count(struct vm_object *object);
/* The next present page / hole at or after `index`; for SEEK_DATA and SEEK_HOLE; false: none below `end`. */
bool vm_object_next_page(struct vm_object *object, u64 *index, u64 end);
/* Pages in all objects that can be read again: the page cache, for /proc/meminfo. */
u64 vm_object_cached_pages(void);
/* Likewise those that are all there is of what is in them: files in memory, shared memory. */
u64 vm_object_shared_pages(void);
