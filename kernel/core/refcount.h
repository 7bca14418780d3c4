// SPDX-License-Identifier: MIT
/*
 * Reference counts. A get on 0 and an overflow panic, in every build.
 * put: release on the decrement, acquire for the one who sees 0 and tears down. Model: tests/model/count_model.c.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"
#include <stdatomic.h>

struct refcount {
	_Atomic u32 value;
};

enum { REFCOUNT_LIMIT = 0x7fffffff };

noreturn_ void refcount_broken(const void *count, u32 value);

static inline void refcount_init(struct refcount *count, u32 value)
{
	atomic_store_explicit(&count->value, value, memory_order_relaxed);
}

static inline void refcount_get(struct refcount *count)
{
	u32 old = atomic_fetch_add_explicit(&count->value, 1, memory_order_relaxed);

	if (unlikely(old - 1 >= REFCOUNT_LIMIT - 1)) {
		refcount_broken(count, old);
	}
}

/* true: that was the last one */
static inline must_check bool refcount_put(struct refcount *count)
{
	u32 old = atomic_fetch_sub_explicit(&count->value, 1, memory_order_release);

	if (unlikely(old - 1 >= REFCOUNT_LIMIT)) {
		refcount_broken(count, old);
	}
	if (old != 1) {
		return false;
	}
	/* The others' accesses precede the teardown. order.reference: pairs with refcount_put() of others, its decrement.
	 * A load with acquire, not a fence: the thread sanitizer understands it. */
	(void)atomic_load_explicit(&count->value, memory_order_acquire);
	return true;
}

/* false if it was 0 */
bool refcount_try_get(struct refcount *count) must_check;

/* relaxed; for tests and reports */
static inline u32 refcount_read(const struct refcount *count)
{
	return atomic_load_explicit(&count->value, memory_order_relaxed);
}

/* Is the caller's own count the only one? Load-acquire: what those who left did is visible. */
static inline bool refcount_alone(const struct refcount *count)
{
	return atomic_load_explicit(&count->value, memory_order_acquire) == 1;
}
