// SPDX-License-Identifier: MIT
/*
 * The IPC namespace, around contents that it does not know.
 *
 * Owns      struct ipc_namespace.
 */
#include "ipc/ipc_namespace.h"

#include "core/panic.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include <linux/sched.h>

OBJECT_CACHE(ipc_cache, ipc_namespace);

static const struct ipc_contents *contents; /* set at boot */

static int ipc_copy(struct namespace *from, struct namespace *owner,
		    struct namespace **out);

static void ipc_destroy(struct namespace *namespace)
{
	struct ipc_namespace *ipc = container_of(namespace, struct ipc_namespace, base);

	if (contents) {
		contents->destroy(ipc->objects);
	}
	object_free(&ipc_cache, ipc);
}

static const struct namespace_operations ipc_operations = {
	.kind = NAMESPACE_IPC,
	.name = "ipc",
	.clone_flag = CLONE_NEWIPC,
	.copy = ipc_copy,
	.destroy = ipc_destroy,
};

struct ipc_namespace first_ipc_namespace = {
	.base = NAMESPACE_FIRST(&ipc_operations, NAMESPACE_NUMBER_IPC),
};

/* Nothing of the old one is taken along. */
static int ipc_copy(struct namespace *from, struct namespace *owner,
		    struct namespace **out)
{
	struct ipc_namespace *ipc = object_allocate(&ipc_cache);
	int err;

	if (!ipc) {
		return -ENOMEM;
	}
	err = contents ? contents->create(&ipc->objects) : 0;
	if (err) {
		object_free(&ipc_cache, ipc);
		return err;
	}
	namespace_init(&ipc->base, &ipc_operations, owner);
	*out = &ipc->base;
	return 0;
}

int ipc_namespace_install(const struct ipc_contents *new_contents)
{
	ASSERT(!contents);
	contents = new_contents;
	return contents->create(&first_ipc_namespace.objects);
}
