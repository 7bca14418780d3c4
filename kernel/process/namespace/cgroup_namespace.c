// SPDX-License-Identifier: MIT
/*
 * The cgroup namespace.
 *
 * Owns      struct cgroup_namespace.
 */
#include "process/namespace/cgroup_namespace.h"

#include "lib/errno.h"
#include "mm/heap.h"
#include <linux/sched.h>

OBJECT_CACHE(cgroup_cache, cgroup_namespace);

static int cgroup_copy(struct namespace *from, struct namespace *owner,
		       struct namespace **out);

static void cgroup_destroy(struct namespace *namespace)
{
	object_free(&cgroup_cache,
		    container_of(namespace, struct cgroup_namespace, base));
}

static const struct namespace_operations cgroup_operations = {
	.kind = NAMESPACE_CGROUP,
	.name = "cgroup",
	.clone_flag = CLONE_NEWCGROUP,
	.copy = cgroup_copy,
	.destroy = cgroup_destroy,
};

struct cgroup_namespace first_cgroup_namespace = {
	.base = NAMESPACE_FIRST(&cgroup_operations, NAMESPACE_NUMBER_CGROUP),
};

/* The same root: there is no other. */
static int cgroup_copy(struct namespace *from, struct namespace *owner,
		       struct namespace **out)
{
	struct cgroup_namespace *cgroup = object_allocate(&cgroup_cache);

	if (!cgroup) {
		return -ENOMEM;
	}
	namespace_init(&cgroup->base, &cgroup_operations, owner);
	*out = &cgroup->base;
	return 0;
}
