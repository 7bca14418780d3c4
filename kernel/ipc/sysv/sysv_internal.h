// SPDX-License-Identifier: MIT
/* System V IPC: what its files share. */
#pragma once

#include "ipc/sysv/callers.h"
#include "ipc/sysv/sysv.h"
#include "lib/errno.h"

/* The access a call asks for, in the mode's places for everybody. */
enum {
	IPC_READ = 0444,
	IPC_WRITE = 0222,
	IPC_EXECUTE = 0111,
	IPC_PERMISSIONS = 0777,
	IPC_INDEX_BITS = 15,
	IPC_INDEX_LIMIT = 1 << IPC_INDEX_BITS,
};

/* The head of a set, queue or segment; all of it is the table's lock's. */
struct ipc_object {
	struct list key_link; /* unlinked: nobody finds it by key */
	s32 key, id;
	u32 index;
	u32 uid, gid, creator_uid, creator_gid;
	u16 mode, sequence;
};

void ipc_table_init(struct ipc_table *table, struct mutex *shared);
void ipc_table_destroy(struct ipc_table *table); /* it is empty */

/* The functions below want the table's lock held. */

/* A new object is entered. ENOSPC (`limit` are there), ENOMEM. */
int ipc_table_add(const struct ipc_caller *caller, struct ipc_table *table,
		  struct ipc_object *object, s32 key, u32 flags, s32 limit) must_check;
void ipc_table_remove(struct ipc_table *table, struct ipc_object *object);
/* From now on its key leads nowhere. */
void ipc_table_hide(struct ipc_object *object);
/* The first object at or after *index, or NULL. */
struct ipc_object *ipc_table_next(const struct ipc_table *table, u64 *index);
int ipc_table_last_index(const struct ipc_table *table); /* 0: none */

/*
 * What a …get call finds: 0 and *out if `key` has an object the caller may have with `flags`; 1: make one; ENOENT, EEXIST.
 * ipc_check() is the caller's, after its own checks.
 */
int ipc_table_find(struct ipc_table *table, s32 key, u32 flags,
		   struct ipc_object **out) must_check;
int ipc_table_lookup(const struct ipc_table *table, int id,
		     struct ipc_object **out) must_check;
/* The same, and the caller has `access`. */
int ipc_table_access(const struct ipc_caller *caller, const struct ipc_table *table,
		     int id, u32 access, struct ipc_object **out) must_check;
/* The same, and the caller is owner or creator: EPERM. */
int ipc_table_owned(const struct ipc_caller *caller, const struct ipc_table *table,
		    int id, struct ipc_object **out) must_check;
/* For _status calls. */
int ipc_table_status(const struct ipc_caller *caller, const struct ipc_table *table,
		     enum ipc_status_by by, int id, struct ipc_object **out) must_check;
int ipc_check(const struct ipc_caller *caller, const struct ipc_object *object,
	      u32 flags) must_check;
int ipc_set_permissions(struct ipc_object *object,
			const struct ipc64_perm *wanted) must_check;
void ipc_get_permissions(const struct ipc_object *object, struct ipc64_perm *out);

static inline s64 ipc_now(void)
{
	return (s64)(clock_realtime() / NSEC_PER_SEC);
}

/* Everything in one namespace goes. */
void semaphores_destroy(struct sysv_ipc *ipc);
void messages_destroy(struct sysv_ipc *ipc);
void segments_destroy(struct sysv_ipc *ipc);
extern struct mutex segments_lock;
