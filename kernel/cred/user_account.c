// SPDX-License-Identifier: MIT
/*
 * What each user has in use.
 *
 * Owns      the table of accounts, by user namespace and uid.
 * Locks     account_lock: a leaf; taken in thread context, and by puts with interrupts off.
 *
 * Who has something in use holds a reference: an account that nobody refers to counts nothing, and a new one may take its
 * place before it has left the table.
 */
#include "cred/user_account.h"

#include "core/spinlock.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "mm/heap.h"

enum { ACCOUNT_BUCKETS = 64 };

static struct spinlock account_lock = SPINLOCK_INIT(RANK_ITIMER, "account_lock");
static struct list buckets[ACCOUNT_BUCKETS];
OBJECT_CACHE(account_cache, user_account);

void user_account_init(void)
{
	for (unsigned i = 0; i < ACCOUNT_BUCKETS; i++) {
		list_init(&buckets[i]);
	}
}

static struct list *bucket_of(const struct user_namespace *namespace, u32 uid)
{
	return &buckets[hash_u64((uintptr_t)namespace ^ uid) % ACCOUNT_BUCKETS];
}

static struct user_account *find_locked(const struct user_namespace *namespace, u32 uid)
{
	struct user_account *account;

	list_for_each(account, bucket_of(namespace, uid), hash_link) {
		if (account->uid == uid && account->user_namespace == namespace &&
		    refcount_try_get(&account->references)) {
			return account;
		}
	}
	return NULL;
}

/* Takes over `outer`, a reference, also where it fails. */
static int find_in_level(struct user_namespace *namespace, u32 uid,
			 struct user_account *outer, struct user_account **out)
{
	struct user_account *fresh = object_allocate(&account_cache);
	u64 flags;

	if (!fresh) {
		user_account_put(outer);
		return -ENOMEM;
	}
	flags = spin_lock_irq(&account_lock);
	*out = find_locked(namespace, uid);
	if (!*out) {
		refcount_init(&fresh->references, 1);
		fresh->uid = uid;
		fresh->user_namespace = user_namespace_get(namespace);
		fresh->outer = outer;
		list_push_front(bucket_of(namespace, uid), &fresh->hash_link);
		*out = fresh;
		fresh = outer = NULL;
	}
	spin_unlock_irq(&account_lock, flags);
	if (fresh) {
		object_free(&account_cache, fresh);
	}
	user_account_put(outer);
	return 0;
}

int user_account_find(struct user_namespace *user_namespace, u32 uid,
		      struct user_account **out)
{
	struct user_namespace *path[USER_NAMESPACE_LEVELS + 1]; // from the first
	u32 depth = user_namespace->level;
	struct user_account *account = NULL;

	for (u32 level = depth + 1; level-- > 0;) {
		path[level] = user_namespace;
		user_namespace = user_namespace_parent(user_namespace);
	}
	for (u32 level = 0; level <= depth; level++) {
		u32 owner = level < depth ? path[level + 1]->owner_uid : uid;
		int err = find_in_level(path[level], owner, account, &account);

		if (err) {
			return err;
		}
	}
	*out = account;
	return 0;
}

void user_account_get(struct user_account *account)
{
	refcount_get(&account->references);
}

void user_account_put(struct user_account *account)
{
	while (account && refcount_put(&account->references)) {
		struct user_account *outer = account->outer;
		u64 flags = spin_lock_irq(&account_lock);

		list_remove(&account->hash_link);
		spin_unlock_irq(&account_lock, flags);
		user_namespace_put(account->user_namespace);
		object_free(&account_cache, account);
		account = outer;
	}
}

bool user_account_charge(struct user_account *account, enum user_resource what,
			 u64 amount, u64 limit)
{
	struct user_account *level, *charged = account;

	for (level = account; level; level = level->outer) {
		if (atomic_fetch_add(&level->used[what], amount) + amount > limit) {
			break;
		}
		limit = level->user_namespace->allowed[what];
	}
	if (!level) {
		return true;
	}
	for (; charged != level->outer; charged = charged->outer) {
		atomic_fetch_sub(&charged->used[what], amount);
	}
	return false;
}

void user_account_charge_anyway(struct user_account *account, enum user_resource what,
				u64 amount)
{
	for (; account; account = account->outer) {
		atomic_fetch_add(&account->used[what], amount);
	}
}

void user_account_give_back(struct user_account *account, enum user_resource what,
			    u64 amount)
{
	for (; account; account = account->outer) {
		atomic_fetch_sub(&account->used[what], amount);
	}
}

bool user_account_is_over(const struct user_account *account, enum user_resource what,
			  u64 limit)
{
	for (; account; account = account->outer) {
		if (atomic_load(&account->used[what]) > limit) {
			return true;
		}
		limit = account->user_namespace->allowed[what];
	}
	return false;
}
