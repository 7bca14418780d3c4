// SPDX-License-Identifier: MIT
/*
 * User namespaces (user_namespaces(7), C8): which ids and capabilities mean what.
 *
 * The kernel keeps every uid, gid and project id as the first namespace sees it ("kernel id"). Ids are translated where
 * they cross to user mode: id_to_kernel() on the way in, id_from_kernel_or_overflow() on the way out. An id without a
 * mapping is ID_INVALID, which is nobody's: it equals no id of any credentials, file or process.
 *
 * A reference is held by credentials that live in it, by namespaces it owns (its children too), and by open nsfs files.
 * Giving the last one back does not sleep.
 */
#pragma once

#include "core/namespace.h"
#include "core/spinlock.h"
#include "lib/compiler.h"
#include "lib/types.h"

struct credentials;

enum id_kind { ID_USER, ID_GROUP, ID_PROJECT, ID_KINDS };
#define ID_INVALID ((u32) - 1)
enum {
	ID_OVERFLOW = 65534,       /* what an id without a mapping looks like */
	ID_MAP_EXTENTS_MAX = 340,  /* lines of a map */
	USER_NAMESPACE_LEVELS = 33 /* the deepest there may be; the first is level 0 */
};

/* What user_account.h counts. */
enum user_resource {
	USER_THREADS,           /* RLIMIT_NPROC */
	USER_SIGNALS,           /* RLIMIT_SIGPENDING */
	USER_QUEUE_BYTES,       /* RLIMIT_MSGQUEUE */
	USER_FILES_IN_FLIGHT,   /* RLIMIT_NOFILE: sent by unix(7), not received yet */
	USER_INOTIFY_INSTANCES, /* /proc/sys/fs/inotify */
	USER_INOTIFY_WATCHES,
	USER_FANOTIFY_GROUPS, /* /proc/sys/fs/fanotify */
	USER_FANOTIFY_MARKS,
	USER_RESOURCES
};

struct id_map;

struct user_namespace {
	struct namespace base; /* base.owner: the user namespace around it; NULL: the first */
	u32 level;             /* I */
	u32 owner_uid, owner_gid;   /* I: kernel ids: the creator's effective ones */
	bool creator_could_setfcap; /* I: had CAP_SETFCAP over the parent */
	u64 allowed
		[USER_RESOURCES]; /* I: to all in it together; as it is made: no limit */
	_Atomic bool
		setgroups_denied; /* map_lock for writing; never becomes false again */
	struct id_map *_Atomic maps
		[ID_KINDS]; /* NULL: none yet; written once, under map_lock */
};

extern struct user_namespace first_user_namespace;
extern const struct namespace_operations user_namespace_operations;

/* A child of the creator's, with one reference. -ENOSPC: too deep. -EPERM: the creator's ids have no mapping. -ENOMEM */
int user_namespace_create(const struct credentials *creator,
			  struct user_namespace **out) must_check;
struct user_namespace *user_namespace_get(const struct user_namespace *namespace);
void user_namespace_put(struct user_namespace *namespace); /* NULL is nothing */
/* NULL for the first. */
struct user_namespace *user_namespace_parent(const struct user_namespace *namespace);
/* Is `inner` the namespace `outer` or one below it? */
bool user_namespace_within(const struct user_namespace *inner,
			   const struct user_namespace *outer);
/* Is this kernel uid the root of the namespace or of one around it? */
bool user_namespace_is_root(const struct user_namespace *namespace, u32 uid);
/* The user namespace behind a namespace's owner pointer; NULL is the first. */
struct user_namespace *user_namespace_of(struct namespace *owner);

/* An id as `namespace` writes it, as a kernel id; ID_INVALID: it has none. */
u32 id_to_kernel(const struct user_namespace *namespace, enum id_kind kind, u32 id);
/* The other way: ID_INVALID, or ID_OVERFLOW, where there is no mapping. */
u32 id_from_kernel(const struct user_namespace *namespace, enum id_kind kind, u32 id);
u32 id_from_kernel_or_overflow(const struct user_namespace *namespace, enum id_kind kind,
			       u32 id);

/*
 * Write a map: lines of "ID-inside ID-in-parent COUNT". `opener` opened the file, `writer` writes. Once only.
 * -EPERM: there is a map; not allowed; a range the parent does not map whole. -EINVAL: malformed. -ENOMEM
 */
int id_map_write(struct user_namespace *namespace, enum id_kind kind, const char *text,
		 const struct credentials *opener,
		 const struct credentials *writer) must_check;
/* Line `index` of a map as `reader` sees it; false: there are no more. */
struct id_map_line {
	u32 first, lower, count;
};
bool id_map_line(const struct user_namespace *namespace, enum id_kind kind, u32 index,
		 const struct user_namespace *reader, struct id_map_line *out);

/* May anybody in it call setgroups(2)? Not before there is a gid_map, nor when denied. */
bool user_namespace_setgroups_allowed(const struct user_namespace *namespace);
/* "allow" (-EPERM when it was denied) or "deny" (-EPERM once there is a gid_map). -EINVAL: neither. */
int user_namespace_write_setgroups(struct user_namespace *namespace,
				   const char *text) must_check;
