// SPDX-License-Identifier: MIT
/* Credentials: immutable once published, reference counted; changing means copying (C7). */
#pragma once

#include "core/refcount.h"
#include "lib/compiler.h"
#include "lib/types.h"
#include <linux/capability.h>

struct credentials {
	struct refcount references;
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
bool credentials_capable(const struct credentials *credentials, int capability);
bool credentials_in_group(const struct credentials *credentials,
			  u32 gid); /* fsgid or supplementary */

enum { ACCESS_READ = 4, ACCESS_WRITE = 2, ACCESS_EXECUTE = 1 };
/* Permission bits and the capabilities that override them (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH). 0 or -EACCES. */
int credentials_may_access(const struct credentials *credentials, u32 mode, u32 uid,
			   u32 gid, int wanted) must_check;
/* Owner of the file, or CAP_FOWNER. */
bool credentials_owns(const struct credentials *credentials, u32 uid);
