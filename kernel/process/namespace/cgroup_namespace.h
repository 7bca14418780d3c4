// SPDX-License-Identifier: MIT
/* The cgroup namespace: there is one cgroup, so every namespace's root is it. See cgroup_namespaces(7). */
#pragma once

#include "core/namespace.h"

struct cgroup_namespace {
	struct namespace base; /* first */
};

extern struct cgroup_namespace first_cgroup_namespace;
