// SPDX-License-Identifier: MIT
/* Credentials: immutable once published, reference counted; changing means copying (C7). */
#pragma once

#include "core/refcount.h"
#include "lib/compiler.h"
#include "lib/types.h"
#include <linux/capability.h>

struct user_namespace;

/* All ids are kernel ids (user_namespace.h). */
struct credentials {
	struct refcount references;
	struct user_namespace
		*user_namespace; /* a reference; where the capabilities count */
	u32 uid, euid, suid, fsuid;
	u32 gid, egid, sgid, fsgid;
	u64 capability_effective, capability_permitted, capability_inheritable,
		capability_bounding, capability_ambient;
	u32 securebits;
	bool no_new_privileges;
	u32 group_count;
	u32 *groups; /* sorted; own copy */
};

int credentials_create_root(struct credentials **out) must_check;
int credentials_copy(const struct credentials *from, struct credentials **out) must_check;
int credentials_set_groups(struct credentials *credentials, const u32 *groups,
			   u32 count) must_check; /* unpublished only */
struct credentials *credentials_get(const struct credentials *credentials);
void credentials_put(struct credentials *credentials);
/* Over the machine: in the first user namespace. */
bool credentials_capable(const struct credentials *credentials, int capability);
/* Over what the user namespace `target` owns: it or one around it is theirs and they have the capability there, or their
 * effective uid made the one just below theirs (user_namespaces(7), "Capabilities"). */
bool credentials_capable_in(const struct credentials *credentials,
			    const struct user_namespace *target, int capability);
/* Over a file of this owner and group: in their own user namespace, if it has names for both. */
bool credentials_capable_over(const struct credentials *credentials, u32 uid, u32 gid,
			      int capability);
/* Unpublished ones enter `target`, of which they take a reference: every capability, no securebits. */
void credentials_enter(struct credentials *fresh, struct user_namespace *target);
/* A copy that lives in a new namespace of its maker's. -ENOSPC, -EPERM, -ENOMEM */
int credentials_copy_into_new(const struct credentials *from,
			      struct credentials **out) must_check;
/* May `mine` choose when a process of `theirs` runs, as far as power goes? Nobody slows down who has more without CAP_SYS_NICE over it. */
bool credentials_may_schedule(const struct credentials *mine,
			      const struct credentials *theirs);
/* Is `fresh` no more powerful than `old`: so who might look into the one may into the other. */
bool credentials_within(const struct credentials *fresh, const struct credentials *old);
bool credentials_in_group(const struct credentials *credentials,
			  u32 gid); /* fsgid or supplementary */

enum { ACCESS_READ = 4, ACCESS_WRITE = 2, ACCESS_EXECUTE = 1 };
/* Permission bits and the capabilities that override them (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH). 0 or -EACCES. */
int credentials_may_access(const struct credentials *credentials, u32 mode, u32 uid,
			   u32 gid, int wanted) must_check;
/* Owner of the file, or CAP_FOWNER. */
bool credentials_owns(const struct credentials *credentials, u32 uid);

/*
 * capabilities(7), on a `fresh` copy of `old` that is not published yet (capabilities.c).
 */
/* The user ids changed: root's capabilities come and go with them. */
void credentials_follow_user(struct credentials *fresh, const struct credentials *old);
/* The same for fsuid and the capabilities over files. */
void credentials_follow_file_user(struct credentials *fresh,
				  const struct credentials *old);

/* What execve found out about the file and the process. The set-id bits are in `fresh` already. */
struct exec_facts {
	bool shared; /* somebody outside the process shares its fs, or traces it */
	bool has_capabilities; /* the file has: the next three */
	bool effective;
	u64 permitted, inheritable;
};
/* *secure: AT_SECURE. -EPERM: the file demands capabilities that the bounding set denies. */
int credentials_follow_exec(struct credentials *fresh, const struct credentials *old,
			    const struct exec_facts *facts, bool *secure) must_check;
