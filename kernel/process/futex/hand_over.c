// SPDX-License-Identifier: MIT
/*
 * Words with priority inheritance go from one owner to the next (F1, F2): UNLOCK_PI, the owner's death, and who inherits from the
 * dead. See inherit.c for what holds.
 */
#include "process/futex/futex_internal.h"

#include "lib/errno.h"
#include "mm/usercopy.h"
#include "process/current.h"
#include "process/process.h"
#include "process/signal/signal.h"
#include <linux/futex.h>

/* ---- to hand over ---- */

/* Whose turn it is owns the word now; `claims`: it has to write that itself. Locked. To be put. */
static struct futex_inherit *grant(struct futex_bucket *bucket,
				   struct futex_inherit *inherit, struct sched_loan *loan,
				   bool claims)
{
	struct futex_inherit_waiter *waiter =
		container_of(loan, struct futex_inherit_waiter, loan);
	struct sched_entity *next = loan->lender;

	sched_debt_pass(&inherit->debt, loan);
	inherit->owner = thread_from_entity(next);
	inherit->unclaimed = claims;
	waiter->claims = claims;
	waiter->granted = true;
	sched_wake(next);
	return claims ? NULL
		      : futex_inherit_leave(bucket, inherit); // who claims uses it on
}

/* 0, FUTEX_AGAIN, FUTEX_NOT_WRITABLE, or an errno. */
static int unlock_locked(struct futex_bucket *bucket, const struct vm_futex_key *key,
			 vaddr_t address, u32 value, struct futex_inherit **unused)
{
	struct futex_inherit *inherit = futex_find_inherit(bucket, key);
	struct sched_loan *next;
	u32 number;
	int err;

	if ((value & FUTEX_TID_MASK) != futex_number_of(current_thread())) {
		return -EPERM;
	}
	if (!inherit) {
		return futex_has_plain_waiters(bucket, key)
			       ? -EINVAL
			       : futex_exchange(address, value, 0);
	}
	if (inherit->owner != current_thread()) {
		return -EINVAL;
	}
	next = sched_debt_next(&inherit->debt);
	number = futex_number_of(thread_from_entity(next->lender));
	err = futex_exchange(address, value, number | FUTEX_WAITERS);
	if (!err) {
		*unused = grant(bucket, inherit, next, false);
	}
	return err;
}

static int unlock_until_settled(const struct vm_futex_key *key, vaddr_t address)
{
	for (;;) {
		struct futex_inherit *unused = NULL;
		struct futex_bucket *bucket;
		u32 value;
		int result = futex_lock_and_load(key, address, &value, &bucket);

		if (result) {
			return result;
		}
		result = unlock_locked(bucket, key, address, value, &unused);
		futex_unlock_bucket(bucket);
		futex_inherit_put(unused);
		if (result <= 0) {
			return result;
		}
		if (result == FUTEX_NOT_WRITABLE) {
			result = futex_fault_in_writable(address);
			if (result) {
				return result;
			}
		}
		if (signal_fatal_pending()) {
			return -ERESTART_ALWAYS;
		}
	}
}

long futex_unlock_inherit(vaddr_t address, bool shared)
{
	struct vm_futex_key key;
	u32 value;
	int result = user_read(&value, address, sizeof(value));

	if (result) {
		return result;
	}
	if ((value & FUTEX_TID_MASK) != futex_number_of(current_thread())) {
		return -EPERM;
	}
	result = futex_key(address, shared, &key);
	if (result) {
		return result;
	}
	result = unlock_until_settled(&key, address);
	vm_futex_key_put(&key);
	return result;
}

/* ---- after a death ---- */

/* The owner, which is the running thread, does without. Locked. To be put. */
static struct futex_inherit *pass_on(struct futex_bucket *bucket,
				     struct futex_inherit *inherit)
{
	struct sched_loan *next = sched_debt_next(&inherit->debt);

	return next ? grant(bucket, inherit, next, true) : NULL;
}

static void keep_inherit(struct sched_debt *debt)
{
	refcount_get(&container_of(debt, struct futex_inherit, debt)->references);
}

void futex_pass_on_all(void)
{
	struct sched_debt *debt;

	while ((debt = sched_debts_first(keep_inherit)) != NULL) {
		struct futex_inherit *inherit =
			container_of(debt, struct futex_inherit, debt);
		struct futex_inherit *unused = NULL;
		struct futex_bucket *bucket = futex_lock_bucket(&inherit->key);

		if (inherit->owner == current_thread()) {
			unused = pass_on(bucket, inherit);
		}
		futex_unlock_bucket(bucket);
		futex_inherit_put(unused);
		futex_inherit_put(inherit);
	}
}

/* 0: the word is claimed; FUTEX_AGAIN, FUTEX_NOT_WRITABLE. */
static int claim_locked(struct futex_inherit *inherit, vaddr_t address, u32 value)
{
	u32 wanted = futex_number_of(current_thread()) | FUTEX_WAITERS | FUTEX_OWNER_DIED;
	int result = futex_exchange(address, value, wanted);

	if (!result) {
		inherit->unclaimed = false;
	}
	return result;
}

/* Nobody can write the word through this address: somebody else may, through his. */
static void give_up(struct futex_inherit *inherit, const struct vm_futex_key *key)
{
	struct futex_bucket *bucket = futex_lock_bucket(key);
	struct futex_inherit *passed = pass_on(bucket, inherit);
	struct futex_inherit *unused = futex_inherit_leave(bucket, inherit);

	futex_unlock_bucket(bucket);
	futex_inherit_put(passed);
	futex_inherit_put(unused);
}

int futex_claim(struct futex_inherit_waiter *waiter, const struct vm_futex_key *key,
		vaddr_t address)
{
	struct futex_inherit *inherit = waiter->inherit, *unused = NULL;
	struct futex_bucket *bucket;
	u32 value;
	int result;

	do {
		result = futex_lock_and_load(key, address, &value, &bucket);
		if (!result) {
			result = claim_locked(inherit, address, value);
			if (!result) {
				unused = futex_inherit_leave(bucket, inherit);
			}
			futex_unlock_bucket(bucket);
		}
		if (result == FUTEX_NOT_WRITABLE) {
			result = futex_fault_in_writable(address);
			result = result ? result : FUTEX_AGAIN;
		}
	} while (result > 0);
	if (result) {
		give_up(inherit, key);
	}
	futex_inherit_put(unused);
	return result;
}
