// SPDX-License-Identifier: MIT
/*
 * What each user has in use: an account for each user (real uid) of each user namespace, for RLIMIT_NPROC,
 * RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE and, for files in flight, RLIMIT_NOFILE; and for the limits of inotify(7) and fanotify(7).
 *
 * What is in use counts on the user's account and on each one outside it: that of who made the namespace, in the namespace
 * around it, and so on. A namespace allows all its users together, as its maker's, what the maker was allowed when it made it.
 *
 * Context: any; atomics only, but for find and put.
 */
#pragma once

#include "core/refcount.h"
#include "cred/user_namespace.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"

struct user_account {
	struct refcount references;
	struct list hash_link;                 /* the table's lock */
	struct user_namespace *user_namespace; /* I: a reference */
	u32 uid;                               /* I: kernel id */
	struct user_account *outer; /* I: a reference; NULL: of the first namespace */
	_Atomic u64 used[USER_RESOURCES];
};

void user_account_init(void); /* boot */
/* With a reference. Thread context. -ENOMEM */
int user_account_find(struct user_namespace *user_namespace, u32 uid,
		      struct user_account **out) must_check;
void user_account_get(struct user_account *account);
/* NULL is nothing. Does not sleep. */
void user_account_put(struct user_account *account);

/* Use more, within `limit` and what the namespaces allow. false: nothing is charged. */
bool user_account_charge(struct user_account *account, enum user_resource what,
			 u64 amount, u64 limit) must_check;
/* The same whatever is allowed. */
void user_account_charge_anyway(struct user_account *account, enum user_resource what,
				u64 amount);
void user_account_give_back(struct user_account *account, enum user_resource what,
			    u64 amount);
/* Is more in use than `limit`, or than a namespace allows? */
bool user_account_is_over(const struct user_account *account, enum user_resource what,
			  u64 limit);
