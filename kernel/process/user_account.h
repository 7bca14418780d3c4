// SPDX-License-Identifier: MIT
/*
 * What each user (real uid) has in use, for RLIMIT_NPROC and RLIMIT_SIGPENDING.
 * A count on an account stands for a thread or a queued signal charged to it.
 */
#pragma once

#include "core/refcount.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"

struct user_account {
	struct refcount references;
	struct list hash_link; /* the table's lock */
	u32 uid;
	_Atomic u32 threads;
	_Atomic u32 signals;
};

void user_account_init(void);
int user_account_find(u32 uid, struct user_account **out)
	must_check; /* with a reference; -ENOMEM */
void user_account_get(struct user_account *account);
void user_account_put(struct user_account *account);
