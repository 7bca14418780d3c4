// SPDX-License-Identifier: MIT
/*
 * Namespace sets: which namespaces a thread sees. Immutable once published; changing means copying.
 * users == the number of thread slots that point here. There is one kind today: UTS.
 */
#pragma once

#include "core/refcount.h"
#include "core/spinlock.h"
#include "lib/compiler.h"
#include "lib/types.h"
#include <linux/utsname.h>

struct uts_namespace {
	struct refcount references;
	struct spinlock lock; /* RANK_FS_INFO: a leaf */
	struct new_utsname names;
};

struct namespace_set {
	_Atomic u32 users;
	struct uts_namespace *uts;
};

/* Flags of clone(2) and unshare(2) that name namespaces, and those of them that are there. */
#define NAMESPACE_FLAGS                                                                \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	 CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)
#define NAMESPACE_FLAGS_PRESENT CLONE_NEWUTS

int namespace_set_create(struct namespace_set **out) must_check;
/* A copy with new namespaces where `flags` names them, copied from the old ones. */
int namespace_set_copy(struct namespace_set *from, u64 flags,
		       struct namespace_set **out) must_check;
void namespace_set_share(struct namespace_set *set);
void namespace_set_leave(struct namespace_set *set);
void uts_names(struct uts_namespace *uts, struct new_utsname *out);
/* member: offsetof(struct new_utsname, nodename or domainname). */
void uts_set_name(struct uts_namespace *uts, size_t member, const char *name,
		  size_t length);
