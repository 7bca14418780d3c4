// SPDX-License-Identifier: MIT
/* The UTS namespace: the names uname(2) tells. Locks: uts_namespace.lock, a leaf. */
#pragma once

#include "core/namespace.h"
#include "core/spinlock.h"
#include <linux/utsname.h>
#include <stddef.h>

struct uts_namespace {
	struct namespace base; /* first */
	struct spinlock lock;  /* RANK_FS_INFO: a leaf */
	struct new_utsname names GUARDED_BY(lock);
};

extern struct uts_namespace first_uts_namespace;

void uts_init(void); /* at boot: the first one's names */
struct uts_namespace *current_uts(void);
void uts_names(struct uts_namespace *uts, struct new_utsname *out);
/* member: offsetof(struct new_utsname, nodename or domainname). */
void uts_set_name(struct uts_namespace *uts, size_t member, const char *name,
		  size_t length);
