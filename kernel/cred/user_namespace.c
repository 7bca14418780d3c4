// SPDX-License-Identifier: MIT
/*
 * User namespaces: the tree of them, and what an id of one is in another. Reading and writing the maps is id_map.c's.
 *
 * Owns      struct user_namespace.
 * Locks     map_lock (id_map.c) for what can change in one: maps, once each, and setgroups_denied. Read without.
 */
#include "cred/user_namespace.h"

#include "cred/credentials.h"
#include "cred/id_map.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include <linux/sched.h>

OBJECT_CACHE(user_namespace_cache, user_namespace);

struct user_namespace first_user_namespace = {
	.base = NAMESPACE_FIRST(&user_namespace_operations, NAMESPACE_NUMBER_USER),
	.allowed = {~0ULL, ~0ULL, ~0ULL},
};

static struct user_namespace *from_base(struct namespace *base)
{
	return container_of(base, struct user_namespace, base);
}

static void destroy(struct namespace *base)
{
	struct user_namespace *namespace = from_base(base);

	for (int kind = 0; kind < ID_KINDS; kind++) {
		heap_free(atomic_load_explicit(&namespace->maps[kind],
					       memory_order_relaxed));
	}
	object_free(&user_namespace_cache, namespace);
}

static struct namespace *parent_of(struct namespace *base)
{
	if (base->owner) {
		namespace_get(base->owner);
	}
	return base->owner;
}

const struct namespace_operations user_namespace_operations = {
	.kind = NAMESPACE_USER,
	.name = "user",
	.clone_flag = CLONE_NEWUSER,
	.destroy = destroy,
	.parent = parent_of,
};

int user_namespace_create(const struct credentials *creator, struct user_namespace **out)
{
	struct user_namespace *parent = creator->user_namespace, *namespace;

	if (parent->level >= USER_NAMESPACE_LEVELS) {
		return -ENOSPC;
	}
	if (id_from_kernel(parent, ID_USER, creator->euid) == ID_INVALID ||
	    id_from_kernel(parent, ID_GROUP, creator->egid) == ID_INVALID) {
		return -EPERM;
	}
	namespace = object_allocate(&user_namespace_cache);
	if (!namespace) {
		return -ENOMEM;
	}
	namespace_init(&namespace->base, &user_namespace_operations, &parent->base);
	namespace->level = parent->level + 1;
	namespace->owner_uid = creator->euid;
	namespace->owner_gid = creator->egid;
	namespace->creator_could_setfcap =
		creator->capability_effective >> CAP_SETFCAP & 1;
	for (unsigned i = 0; i < USER_RESOURCES; i++) {
		namespace->allowed[i] = ~0ULL;
	}
	namespace->setgroups_denied = atomic_load(&parent->setgroups_denied);
	*out = namespace;
	return 0;
}

struct user_namespace *user_namespace_get(const struct user_namespace *namespace)
{
	struct user_namespace *shared = (struct user_namespace *)namespace;

	namespace_get(&shared->base);
	return shared;
}

void user_namespace_put(struct user_namespace *namespace)
{
	if (namespace) {
		namespace_put(&namespace->base);
	}
}

struct user_namespace *user_namespace_parent(const struct user_namespace *namespace)
{
	return namespace->base.owner ? from_base(namespace->base.owner) : NULL;
}

struct user_namespace *user_namespace_of(struct namespace *owner)
{
	return owner ? from_base(owner) : &first_user_namespace;
}

bool user_namespace_within(const struct user_namespace *inner,
			   const struct user_namespace *outer)
{
	while (inner->level > outer->level) {
		inner = user_namespace_parent(inner);
	}
	return inner == outer;
}

bool user_namespace_is_root(const struct user_namespace *namespace, u32 uid)
{
	for (; namespace; namespace = user_namespace_parent(namespace)) {
		if (id_from_kernel(namespace, ID_USER, uid) == 0) {
			return true;
		}
	}
	return false;
}

static const struct id_map *map_of(const struct user_namespace *namespace,
				   enum id_kind kind)
{
	// order.id_map: pairs with publish()
	return atomic_load_explicit(&namespace->maps[kind], memory_order_acquire);
}

u32 id_to_kernel(const struct user_namespace *namespace, enum id_kind kind, u32 id)
{
	return namespace == &first_user_namespace
		       ? id
		       : id_map_to_kernel(map_of(namespace, kind), id, 1);
}

u32 id_from_kernel(const struct user_namespace *namespace, enum id_kind kind, u32 id)
{
	return namespace == &first_user_namespace
		       ? id
		       : id_map_from_kernel(map_of(namespace, kind), id);
}

u32 id_from_kernel_or_overflow(const struct user_namespace *namespace, enum id_kind kind,
			       u32 id)
{
	u32 inside = id_from_kernel(namespace, kind, id);

	return inside == ID_INVALID ? ID_OVERFLOW : inside;
}
