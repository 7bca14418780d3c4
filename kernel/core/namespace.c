// SPDX-License-Identifier: MIT
/*
 * Namespaces of any kind: references and numbers.
 *
 * Owns      struct namespace.
 */
#include "core/namespace.h"

#include <stdatomic.h>
#include <stddef.h>

/* 64 bits wide, so that no number comes twice. */
static _Atomic u64 next_number = NAMESPACE_NUMBER_NEXT;

void namespace_init(struct namespace *namespace,
		    const struct namespace_operations *operations,
		    struct namespace *owner)
{
	refcount_init(&namespace->references, 1);
	namespace->operations = operations;
	namespace->number = atomic_fetch_add(&next_number, 1);
	namespace->owner = owner;
	if (owner) {
		namespace_get(owner);
	}
}

void namespace_get(struct namespace *namespace)
{
	refcount_get(&namespace->references);
}

void namespace_put(struct namespace *namespace)
{
	// A loop, not a recursion: user namespaces nest, and each owns the one it made.
	while (namespace && refcount_put(&namespace->references)) {
		struct namespace *owner = namespace->owner;

		namespace->operations->destroy(namespace);
		namespace = owner;
	}
}
