// SPDX-License-Identifier: MIT
/*
 * What each user has in use.
 *
 * Owns      the table of accounts, by uid.
 * Locks     account_lock: a leaf; taken in thread context, and by puts with interrupts off.
 */
#include "process/user_account.h"

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

static struct user_account *find_locked(u32 uid)
{
	struct user_account *account;

	list_for_each(account, &buckets[hash_u64(uid) % ACCOUNT_BUCKETS], hash_link) {
		if (account->uid == uid && refcount_try_get(&account->references)) {
			return account;
		}
	}
	return NULL;
}

int user_account_find(u32 uid, struct user_account **out)
{
	struct user_account *fresh = object_allocate(&account_cache);
	u64 flags;

	if (!fresh) {
		return -ENOMEM;
	}
	flags = spin_lock_irq(&account_lock);
	*out = find_locked(uid);
	if (!*out) {
		refcount_init(&fresh->references, 1);
		fresh->uid = uid;
		list_push_front(&buckets[hash_u64(uid) % ACCOUNT_BUCKETS],
				&fresh->hash_link);
		*out = fresh;
		fresh = NULL;
	}
	spin_unlock_irq(&account_lock, flags);
	if (fresh) {
		object_free(&account_cache, fresh);
	}
	return 0;
}

void user_account_get(struct user_account *account)
{
	refcount_get(&account->references);
}

void user_account_put(struct user_account *account)
{
	u64 flags;

	if (!account || !refcount_put(&account->references)) {
		return;
	}
	flags = spin_lock_irq(&account_lock);
	list_remove(&account->hash_link);
	spin_unlock_irq(&account_lock, flags);
	object_free(&account_cache, account);
}
