// SPDX-License-Identifier: MIT
/*
 * setns(2): the running thread's way into other namespaces, as one transaction (R1, R6).
 *
 * A kind joins with a function in setns.c's table: it checks its rights and prepares in `change`; nothing is visible
 * before the commit, and what failed is thrown away with the change.
 */
#pragma once

#include "core/namespace.h"
#include "fs/path.h"
#include "lib/compiler.h"
#include "process/resources.h"

struct file;

struct setns_change {
	struct resource_change
		slots; /* namespaces: a copy, to be changed; credentials, fs: as a kind fills them in */
	struct namespace *wanted[NAMESPACE_KINDS]; /* references; NULL: stays */
	struct path
		shared_root; /* references; set: where the fs the thread shares is moved after the commit */
};

/* By a file of nsfs (flags 0 or its kind's) or a pidfd (flags: which of that process's). Errors are those of setns(2). */
int namespace_enter(struct file *file, u64 flags) must_check;

/* For kinds: the credentials the thread will have after the change, borrowed. */
const struct credentials *setns_credentials(const struct setns_change *change);
/* CAP_SYS_ADMIN over the namespace, and in the user namespace the thread will be in? 0 or -EPERM. */
int setns_check_admin(const struct setns_change *change,
		      const struct namespace *namespace) must_check;
