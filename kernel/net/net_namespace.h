// SPDX-License-Identifier: MIT
/* The network namespace: which sockets an abstract name can mean. See network_namespaces(7). */
#pragma once

#include "core/namespace.h"

struct net_namespace {
	struct namespace base; /* first */
};

extern struct net_namespace first_net_namespace;
