// SPDX-License-Identifier: MIT
/*
 * The network namespace.
 *
 * Owns      struct net_namespace.
 */
#include "net/net_namespace.h"

#include "lib/errno.h"
#include "mm/heap.h"
#include <linux/sched.h>

enum { LOOPBACK_MTU = 65536 };

OBJECT_CACHE(net_cache, net_namespace);

static const struct net_upcalls *above;

void net_set_upcalls(const struct net_upcalls *upcalls)
{
	above = upcalls;
}

bool net_capable(const struct namespace *namespace, int capability)
{
	return above->capable(namespace, capability);
}

struct user_ucred net_identity(void)
{
	return above->identity();
}

pid_nr net_process_number(void)
{
	return above->process_number();
}

static int net_copy(struct namespace *from, struct namespace *owner,
		    struct namespace **out);

static void net_destroy(struct namespace *namespace)
{
	object_free(&net_cache, container_of(namespace, struct net_namespace, base));
}

static const struct namespace_operations net_operations = {
	.kind = NAMESPACE_NETWORK,
	.name = "net",
	.clone_flag = CLONE_NEWNET,
	.copy = net_copy,
	.destroy = net_destroy,
};

struct net_namespace first_net_namespace = {
	.base = NAMESPACE_FIRST(&net_operations, NAMESPACE_NUMBER_NETWORK),
	.loopback_up = true,
	.loopback_mtu = LOOPBACK_MTU,
};

/* Nothing of the old one is taken along. */
static int net_copy(struct namespace *from, struct namespace *owner,
		    struct namespace **out)
{
	struct net_namespace *net = object_allocate(&net_cache);

	if (!net) {
		return -ENOMEM;
	}
	namespace_init(&net->base, &net_operations, owner);
	net->loopback_mtu = LOOPBACK_MTU; // and down, until somebody sets it up
	*out = &net->base;
	return 0;
}
