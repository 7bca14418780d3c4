// SPDX-License-Identifier: MIT
/*
 * Shared memory segments (shmget(2), shmop(2), shmctl(2)). Context and errors: sysv.h.
 *
 * A segment is a vm object. It is attached as often as areas map it, in whatever space and however they came (shmat, fork, a
 * mapping cut in two), and goes when it is both marked and attached nowhere.
 */
#pragma once

#include "ipc/sysv/sysv.h"
#include <asm/shmbuf.h>
#include <linux/types.h>

/* <linux/shm.h> wants a C library. */
enum {
	SHM_NORESERVE = 010000, /* shmget */
	SHM_RDONLY = 010000,    /* shmat */
	SHM_RND = 020000,
	SHM_REMAP = 040000,
	SHM_EXEC = 0100000,
	SHM_DEST = 01000,   /* in shm_perm.mode: goes with its last mapping */
	SHM_LOCKED = 02000, /* likewise: SHM_LOCK */
	SHM_HUGETLB = 04000,
};

struct segment_usage {
	int used;
	u64 pages, resident;
};

/* ENOENT, EEXIST, ENOSPC, ENOMEM, EPERM (huge pages) */
int segment_get(const struct ipc_caller *caller, s32 key, u64 size, u32 flags) must_check;
/* EINVAL (the place is taken or not a page's), ENOMEM */
int segment_attach(const struct ipc_caller *caller, struct vm_space *vm, int id,
		   vaddr_t address, u32 flags, vaddr_t *out) must_check;
/* EINVAL: no segment is attached there */
int segment_detach(struct vm_space *vm, vaddr_t address) must_check;
int segment_remove(const struct ipc_caller *caller, int id) must_check;
int segment_set_owner(const struct ipc_caller *caller, int id,
		      const struct ipc64_perm *wanted) must_check;
/* SHM_LOCK, SHM_UNLOCK; lock_limit: RLIMIT_MEMLOCK */
int segment_lock(const struct ipc_caller *caller, int id, bool lock,
		 u64 lock_limit) must_check;
/* resident: pages in memory; may be NULL */
int segment_status(const struct ipc_caller *caller, enum ipc_status_by by, int id,
		   struct shmid64_ds *out, u64 *resident) must_check;
/* Both return the highest index in use. */
int segment_limits(const struct ipc_caller *caller, struct shminfo64 *out);
int segment_usage(const struct ipc_caller *caller, struct segment_usage *out);
