// SPDX-License-Identifier: MIT
/*
 * The network namespace: which sockets an abstract name can mean, and a loopback interface of its own. See
 * network_namespaces(7). A socket stays in the one it was made in, and keeps it alive.
 */
#pragma once

#include "abi/socket.h"
#include "core/namespace.h"
#include "lib/compiler.h"

struct net_namespace {
	struct namespace base; /* first */

	/* The loopback interface: it has no addresses, for there is no family that uses it. */
	_Atomic bool loopback_up;
	_Atomic s32 loopback_mtu;
};

extern struct net_namespace first_net_namespace;

/* What the rooms above tell of the running thread. */
struct net_upcalls {
	bool (*capable)(const struct namespace *namespace, int capability);
	struct user_ucred (*identity)(
		void);                  /* number in the first pid namespace, real ids */
	pid_nr (*process_number)(void); /* in its own pid namespace */
};
void net_set_upcalls(const struct net_upcalls *upcalls); /* boot */
/* CAP_* of the running thread, over a namespace. */
bool net_capable(const struct namespace *namespace, int capability);
struct user_ucred net_identity(void);
pid_nr net_process_number(void);
/* ioctl(2) about interfaces, on a socket of `network`: netdevice(7). -ENOTTY: it is none of these. */
s64 net_interface_ioctl(struct net_namespace *network, unsigned command, u64 argument);
