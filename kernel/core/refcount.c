// SPDX-License-Identifier: MIT
/* The rare parts of reference counts. */
#include "core/refcount.h"
#include "core/panic.h"

noreturn_ void refcount_broken(const void *count, u32 value)
{
	panic("reference count %p broken: it was %u", count, value);
}

bool refcount_try_get(struct refcount *count)
{
	u32 old = atomic_load_explicit(&count->value, memory_order_relaxed);

	while (old != 0) {
		if (unlikely(old >= REFCOUNT_LIMIT)) {
			refcount_broken(count, old);
		}
		/* Acquire: the finder sees the object as it was published. */
		if (atomic_compare_exchange_weak_explicit(&count->value, &old, old + 1,
							  memory_order_acquire,
							  memory_order_relaxed)) {
			return true;
		}
	}
	return false;
}
