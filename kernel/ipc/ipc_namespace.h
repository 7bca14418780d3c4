// SPDX-License-Identifier: MIT
/*
 * The IPC namespace: where System V objects are found by key and id. See ipc_namespaces(7).
 *
 * Who keeps the objects installs what makes and ends them; `objects` is theirs alone.
 */
#pragma once

#include "core/namespace.h"
#include "lib/compiler.h"

struct ipc_namespace {
	struct namespace base; /* first */
	void *objects; /* I; of the installed contents; NULL: none are installed */
};

struct ipc_contents {
	int (*create)(void **objects);  /* empty. -ENOMEM */
	void (*destroy)(void *objects); /* nobody sees them any more; may sleep */
};

extern struct ipc_namespace first_ipc_namespace;

/* At boot, once, before the first process: also makes those of the first namespace. -ENOMEM */
int ipc_namespace_install(const struct ipc_contents *contents) must_check;
