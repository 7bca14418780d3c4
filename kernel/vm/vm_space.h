// SPDX-License-Identifier: MIT
/*
 * Address spaces of user programs.
 *
 * Two counts and a state (resources.md): `users` is the number of processes whose slot points here; `references` keeps the struct valid
 * (all users together hold one). The last user takes the lock exclusively, sets `dead` and unmaps, in its own context.
 * Every operation on somebody else's space starts with vm_lock_shared(), which fails with -ESRCH once it is dead.
 *
 * vm.lock is never held across I/O: a fault that must read drops it, keeps the vm_object, and comes back.
 */
#pragma once

#include "arch/mmu.h"
#include "core/refcount.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "lib/types.h"
#include "sched/concurrency.h"
#include "sync/rwlock.h"
#include "vm/thread_blocks.h"
#include "vm/vm_object.h"

struct futex_table;
struct file; /* fs/: what an area was mapped from; opaque here, counted through vm_set_file_operations() */

struct vm_area {
	struct rbtree_node node; /* vm_space.areas, by start */
	struct vm_space *vm;
	vaddr_t start, end;
	u32 protect;              /* PROTECT_READ | WRITE | EXECUTE */
	u32 maximum_protect;      /* what mprotect may give */
	u32 flags;                /* AREA_* */
	struct vm_object *object; /* NULL: private anonymous */
	u64 offset; /* of `start` in the object, bytes; of thread blocks: of the page in their map */
	struct file *file;       /* may be NULL */
	struct list object_link; /* vm_object.mappings */
	_Atomic bool
		touched; /* private: has (had) pages of its own, which fork must copy */
	const char
		*name; /* "[heap]", "[stack]", "[vdso]", …; NULL: the file's, or none */
};

enum {
	AREA_SHARED = 1,
	AREA_STACK = 2, /* grows down */
	AREA_LOCKED = 4,
	AREA_SEALED =
		8, /* the kernel's own: munmap, mprotect, mremap, MAP_FIXED answer EPERM */
	AREA_NO_FORK = 16, /* MADV_DONTFORK */
	AREA_WIPE_ON_FORK = 32,
	AREA_NO_RESERVE = 64,
	AREA_NO_DUMP = 128,
	AREA_HEAP = 256,
	AREA_LOCK_ON_FAULT = 512,  /* with AREA_LOCKED: nothing is brought in ahead */
	AREA_THREAD_BLOCKS = 1024, /* a page of thread_blocks.h */
	AREA_FIXED_SIZE = 2048,    /* mremap does not make it larger: EFAULT */
};
/* core(5): private and shared anonymous memory, ELF headers, private huge pages. */
enum { DUMP_FILTER_DEFAULT = 0x33 };
#define AREA_LOCK_FLAGS ((u32)(AREA_LOCKED | AREA_LOCK_ON_FAULT))

struct vm_space {
	_Atomic u32 users;
	struct refcount references;
	struct arch_vm arch;

	struct rwlock lock;
	bool dead GUARDED_BY(lock);
	struct rbtree areas GUARDED_BY(lock);
	u32 area_count GUARDED_BY(lock);
	struct list graves GUARDED_BY(lock); /* areas to be freed once it is unlocked */

	_Atomic(struct vm_area *)
		last_area;      /* set under lock shared, cleared under lock exclusive */
	vaddr_t search_from;    /* placement: gaps from here up to mmap_top are at most */
	u64 skipped_gap;        /* this big (0 and mmap_top: nothing is known) */
	u32 default_area_flags; /* mlockall(MCL_FUTURE) */

	struct thread_blocks blocks; /* has its own lock */

	/* Who may look in from outside: its owner if it is dumpable, and whoever may trace in this user namespace. */
	_Atomic bool dumpable;                 /* a */
	_Atomic u32 dump_filter;               /* a: /proc/PID/coredump_filter */
	_Atomic bool huge_pages_off;           /* a: PR_SET_THP_DISABLE, kept only */
	struct user_namespace *user_namespace; /* I; a reference; NULL: the first */

	struct futex_table
		*_Atomic futexes;           /* a: process/futex's, freed with the space */
	struct list aio_contexts;           /* ipc/aio's, under a lock of its own */
	struct concurrency_set concurrency; /* a: of the threads that use rseq(2) */
	_Atomic u32
		barriers; /* a: what is registered by membarrier(2); a fork has it too */

	/* lock: layout, for brk and /proc */
	vaddr_t mmap_top; /* maps go below it */
	vaddr_t break_start, break_now;
	vaddr_t code_start, code_end, data_start, data_end, stack_start;
	vaddr_t arguments_start, arguments_end, environment_start, environment_end;
	vaddr_t vdso;
	u64 auxv[64]; /* as given to the program, for /proc/PID/auxv */
	unsigned auxv_count;

	_Atomic u64 total_pages, locked_pages, data_pages, stack_pages; /* of areas */
	_Atomic s64 resident_anonymous, resident_file; /* frames mapped */
	u64 peak_pages;
	_Atomic u64 peak_resident; /* of before frames went; see vm_peak_resident() */
	_Atomic u64 minor_faults, major_faults;

	/* Limits in bytes, copied from the process's rlimits. */
	_Atomic u64 limit_address_space, limit_data, limit_stack, limit_locked;
	bool over_limit; /* lock: vm_map() was refused for one of the first two. exec asks */
};

int vm_create(struct vm_space **out) must_check;
/* Copy-on-write copy for fork, with users = 1. Of thread blocks it gets a copy of the caller's, free to be taken; NULL: of none. */
int vm_fork(struct vm_space *parent, const struct thread_block *block,
	    struct vm_space **out) must_check;
void vm_share(struct vm_space *vm); /* one more user */
void vm_leave(
	struct vm_space *
		vm); /* one user less; the last one unmaps all: may sleep; `vm` must not be loaded on this CPU's behalf any more */
void vm_get(struct vm_space *vm);
void vm_put(struct vm_space *vm);

/* The largest number of frames that were mapped at one time. */
u64 vm_peak_resident(const struct vm_space *vm);
void vm_reset_peak_resident(struct vm_space *vm); /* it is what is mapped now */

int vm_lock_shared(struct vm_space *vm) must_check; /* 0 or -ESRCH */
void vm_unlock_shared(struct vm_space *vm);

struct vm_map_request {
	vaddr_t address; /* a hint, or with MAP_FIXED the place */
	u64 size;
	u32 protect;              /* PROTECT_* */
	u32 maximum_protect;      /* 0: all */
	u32 map_flags;            /* MAP_* of mmap(2) */
	u32 area_flags;           /* more AREA_* */
	struct vm_object *object; /* NULL: anonymous private; a reference is taken */
	struct file *file;        /* a reference is taken */
	u64 offset;
	const char *name;
};
/* mmap(2)'s errors: EINVAL, ENOMEM, EEXIST, EPERM, EOVERFLOW. */
int vm_map(struct vm_space *vm, const struct vm_map_request *request,
	   vaddr_t *out) must_check;
/* Could as much private memory be mapped at once? 0, or what vm_map() would say of the limits. */
int vm_check_size(struct vm_space *vm, u64 size, u32 protect) must_check;
int vm_unmap(struct vm_space *vm, vaddr_t address, u64 size);
/* Unmap what is left of the mapping that was made at `address`, from its start, of an object with these operations (shmdt).
 * -EINVAL: there is none. */
int vm_unmap_object(struct vm_space *vm, vaddr_t address,
		    const struct vm_object_operations *operations);
int vm_protect(struct vm_space *vm, vaddr_t address, u64 size, u32 protect);
int vm_remap(struct vm_space *vm, vaddr_t address, u64 old_size, u64 new_size, u32 flags,
	     vaddr_t new_address, vaddr_t *out);
/*
 * remap_file_pages(2), as Linux has done it since 4.0: what is left of [address, address + size) in whole pages is mapped anew, from
 * page `page` of what is mapped there. All of it must be one shared mapping, or several alike that show the same. Takes vm->lock, may sleep.
 * -EINVAL: it is not, or nothing is left, or the end wraps; -EOVERFLOW: no such page; mmap's errors; map_flags: MAP_NONBLOCK.
 */
int vm_remap_pages(struct vm_space *vm, vaddr_t address, u64 size, u64 page,
		   u32 map_flags);
/* MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT; 0: munlockall. */
int vm_lock_all(struct vm_space *vm, int flags);
int vm_advise(struct vm_space *vm, vaddr_t address, u64 size, int advice);
int vm_sync(struct vm_space *vm, vaddr_t address, u64 size, int flags);
/* out: one byte a page. All pages of a file that the caller may not know about are said to be there; asked without locks. */
int vm_mincore(struct vm_space *vm, vaddr_t address, u64 size, u8 *out,
	       bool (*may_know)(struct file *file));
/* mlock2(2) and munlock(2) of all pages that [address, address + size) touches; takes vm->lock, may sleep. In a range with a hole what
 * lies before it is changed, and -ENOMEM; nothing is brought in then. Others: EINVAL around the end, EPERM, ENOMEM and EAGAIN as there. */
int vm_lock_memory(struct vm_space *vm, vaddr_t address, u64 size, bool lock,
		   bool on_fault);
vaddr_t vm_set_break(struct vm_space *vm,
		     vaddr_t wanted); /* the break as it is afterwards */

/* Resolve a fault of the running program: 0; -EFAULT (no area, or no right: SIGSEGV, si_code in *code), -EIO (behind the object's end: SIGBUS), -ENOMEM.
 * access: FAULT_* of arch/entry.h. vm is loaded on this CPU, or a kernel thread works on it. May sleep. */
int vm_fault(struct vm_space *vm, vaddr_t address, unsigned access, int *code) must_check;

/* Another's memory (ptrace, /proc/PID/mem, process_vm_readv, a program being set up by execve). Bytes moved, or an errno if none. `force`: also where the area forbids it. */
s64 vm_read(struct vm_space *vm, vaddr_t address, void *to, size_t size, bool force);
s64 vm_write(struct vm_space *vm, vaddr_t address, const void *from, size_t size,
	     bool force);

/* What a futex word is, wherever it is mapped: (object, offset) for shared, (vm, address) for private. */
struct vm_futex_key {
	void *object; /* struct vm_object or struct vm_space; a reference is held when `shared` */
	u64 offset;
	bool shared;
};
int vm_futex_key_get(struct vm_space *vm, vaddr_t address, bool shared,
		     struct vm_futex_key *out) must_check;
void vm_futex_key_put(struct vm_futex_key *key);
/* Installed by process/futex: frees vm_space.futexes, NULL too. */
void vm_set_futex_hook(void (*destroy)(struct futex_table *futexes));

/* Installed by ipc/aio: called by the last user, before it unmaps, if there are contexts. May sleep. */
void vm_set_aio_hook(void (*leave)(struct vm_space *vm));

/* For /proc: the first area at or after `address`; the lock is held shared by the caller. */
struct vm_area *vm_next_area(struct vm_space *vm, vaddr_t address);
/* What of an area is in memory, in pages; `proportional_bytes`: each page divided by how often it is mapped. */
struct vm_area_statistics {
	u64 resident, referenced, anonymous;
	u64 shared_clean, shared_dirty, private_clean, private_dirty;
	u64 proportional_bytes;
};
/* Adds to *out (smaps). Lock held shared. */
void vm_area_statistics(struct vm_area *area, struct vm_area_statistics *out);
/* Forget that pages were used (vm_area_statistics.referenced): of all areas, of those with memory of their own, of those that map
 * something. May sleep, takes vm.lock. A space that is dead has none. */
enum vm_pages { VM_PAGES_ALL, VM_PAGES_ANONYMOUS, VM_PAGES_MAPPED };
void vm_forget_referenced(struct vm_space *vm, enum vm_pages which);
/* For /proc/PID/pagemap: is a page mapped at `address`, and is it a file's (or shared)? Lock held shared. */
bool vm_page_present(struct vm_space *vm, vaddr_t address, bool *of_object);

/* Installed by fs/: reference counting of vm_area.file. */
void vm_set_file_operations(void (*get)(struct file *), void (*put)(struct file *));
/* Installed by syscall/: may the running thread lock more than limit_locked? Asked with vm.lock held. */
void vm_set_lock_privilege(bool (*privileged)(void));
/* vm.max_map_count (proc_sys_vm(5)): nobody begins another area who has so many. Any context. */
u32 vm_areas_maximum(void);
void vm_set_areas_maximum(u32 areas);
/* Boot. */
void vm_init(void);
