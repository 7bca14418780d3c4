// SPDX-License-Identifier: MIT
/*
 * Futex operations on two words: REQUEUE, CMP_REQUEUE, WAKE_OP.
 *
 * Locks     the buckets of both words.
 */
#include "process/futex/futex_internal.h"

#include "lib/errno.h"
#include "mm/usercopy.h"
#include "process/signal/signal.h"
#include <linux/futex.h>

static long wake_locked(struct futex_bucket *bucket, const struct vm_futex_key *key,
			int count)
{
	struct futex_waiter *waiter, *next;
	long woken = 0;

	if (futex_is_inherited(bucket, key)) {
		return -EINVAL;
	}
	list_for_each_safe(waiter, next, &bucket->waiters, link) {
		if (woken >= count) {
			break;
		}
		if (!futex_key_equal(&waiter->key, key)) {
			continue;
		}
		if (waiter->moved) {
			return -EINVAL;
		}
		futex_wake_waiter(waiter);
		woken++;
	}
	return woken;
}

/* The waiter waits on key2 from now on; its reference on key1's object goes, ours keeps that from being the last one. */
static void move_waiter(struct futex_waiter *waiter, struct futex_pair *pair)
{
	if (pair->key2.shared) {
		vm_object_get(pair->key2.object);
	}
	if (waiter->key.shared) {
		bool last = refcount_put(
			&((struct vm_object *)waiter->key.object)->references);

		(void)last; // never: pair->key1 is the same object
	}
	futex_remove_waiter(waiter);
	waiter->key = pair->key2;
	futex_add_waiter(pair->bucket2, waiter);
}

static long requeue_locked(struct futex_pair *pair, const struct futex_requeue *request)
{
	bool same = futex_key_equal(&pair->key1, &pair->key2);
	struct futex_waiter *waiter, *next;
	long woken = wake_locked(pair->bucket1, &pair->key1, request->wake_count);
	int moved = 0;

	if (woken < 0) {
		return woken;
	}
	list_for_each_safe(waiter, next, &pair->bucket1->waiters, link) {
		if (moved >= request->requeue_count) {
			break;
		}
		if (!futex_key_equal(&waiter->key, &pair->key1)) {
			continue;
		}
		if (waiter->moved) {
			return -EINVAL;
		}
		if (!same) { // else it would go where it is
			move_waiter(waiter, pair);
		}
		moved++;
	}
	return woken + moved; // for REQUEUE as well, whatever its man page says
}

long futex_requeue(const struct futex_requeue *request)
{
	struct futex_pair pair;
	u32 value;
	long result;

	if (request->wake_count < 0 || request->requeue_count < 0) {
		return -EINVAL;
	}
	result = futex_pair_get(&pair, request->from, request->to, request->shared);
	if (result) {
		return result;
	}
	result = request->compare ? futex_lock_pair_and_load(&pair, request->from, &value)
				  : 0;
	if (!request->compare) {
		futex_lock_pair(&pair);
	}
	if (!result) {
		if (request->compare && value != request->expected) {
			result = -EAGAIN;
		} else {
			result = requeue_locked(&pair, request);
		}
		futex_unlock_pair(&pair);
	}
	futex_pair_put(&pair);
	return result;
}

static bool compare(u32 operation, u32 old, u32 argument)
{
	s32 a = (s32)old, b = (s32)argument;

	switch (operation) {
	case FUTEX_OP_CMP_EQ:
		return a == b;
	case FUTEX_OP_CMP_NE:
		return a != b;
	case FUTEX_OP_CMP_LT:
		return a < b;
	case FUTEX_OP_CMP_LE:
		return a <= b;
	case FUTEX_OP_CMP_GT:
		return a > b;
	default:
		return a >= b;
	}
}

static u32 sign_extend_12(u32 value)
{
	return (u32)((s32)(value << 20) >> 20);
}

/* Write the second word and wake. Returns what futex(2) does; -EFAULT with the locks gone when the page must come in first. */
static long operate_locked(struct futex_pair *pair, vaddr_t address2, int wake1,
			   int wake2, u32 encoded)
{
	u32 operation = (encoded >> 28) & 7, comparison = (encoded >> 24) & 15;
	u32 operand = sign_extend_12((encoded >> 12) & 0xfff);
	u32 argument = sign_extend_12(encoded & 0xfff);
	u32 old;
	long woken;
	int err;

	if ((encoded >> 28) & FUTEX_OP_OPARG_SHIFT) {
		operand = 1u << (operand & 31);
	}
	err = arch_user_futex_operation_nofault((u32 __user *)address2, operation,
						operand, &old);
	if (err) {
		return err;
	}
	woken = wake_locked(pair->bucket1, &pair->key1, wake1);
	if (woken >= 0 && compare(comparison, old, argument)) {
		long more = wake_locked(pair->bucket2, &pair->key2, wake2);

		woken = more < 0 ? more : woken + more;
	}
	return woken;
}

long futex_wake_operation(vaddr_t address, vaddr_t address2, bool shared, int wake1,
			  int wake2, u32 operation)
{
	struct futex_pair pair;
	long result;

	if (((operation >> 28) & 7) > FUTEX_OP_XOR ||
	    ((operation >> 24) & 15) > FUTEX_OP_CMP_GE) {
		return -ENOSYS;
	}
	result = futex_pair_get(&pair, address, address2, shared);
	if (result) {
		return result;
	}
	for (;;) {
		futex_lock_pair(&pair);
		result = operate_locked(&pair, address2, wake1, wake2, operation);
		futex_unlock_pair(&pair);
		if (result != -EFAULT) {
			break;
		}
		result = futex_fault_in_writable(address2);
		if (result) {
			break;
		}
		if (signal_fatal_pending()) {
			result = -ERESTART_ALWAYS;
			break;
		}
	}
	futex_pair_put(&pair);
	return result;
}
