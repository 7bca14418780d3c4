// SPDX-License-Identifier: MIT
/*
 * What all namespaces have in common (C8): a kind, a number, an owner, references.
 *
 * A namespace of any kind embeds struct namespace as its first member. A reference is held by each namespace set
 * (process/namespace/), open file or mount of nsfs, and by whatever lives in it. The number tells namespaces apart (it
 * is the inode number in nsfs) and is never used again. The owner is the user namespace whose capabilities count here,
 * by its own struct namespace; a user namespace's owner is the one around it. See namespaces(7).
 *
 * Context   thread; namespace_put() may sleep.
 */
#pragma once

#include "core/refcount.h"
#include "lib/compiler.h"
#include "lib/types.h"

enum namespace_kind {
	NAMESPACE_MOUNT,
	NAMESPACE_UTS,
	NAMESPACE_IPC,
	NAMESPACE_PID,
	NAMESPACE_USER,
	NAMESPACE_NETWORK,
	NAMESPACE_CGROUP,
	NAMESPACE_TIME,
	NAMESPACE_KINDS,
};

/* Numbers of the first ones, as Linux has them, and where the others begin. */
enum {
	NAMESPACE_NUMBER_IPC = 0xEFFFFFFFu,
	NAMESPACE_NUMBER_UTS = 0xEFFFFFFEu,
	NAMESPACE_NUMBER_USER = 0xEFFFFFFDu,
	NAMESPACE_NUMBER_PID = 0xEFFFFFFCu,
	NAMESPACE_NUMBER_CGROUP = 0xEFFFFFFBu,
	NAMESPACE_NUMBER_TIME = 0xEFFFFFFAu,
	NAMESPACE_NUMBER_NETWORK = 0xEFFFFFF9u,
	NAMESPACE_NUMBER_MOUNT = 0xEFFFFFF8u,
	NAMESPACE_NUMBER_NEXT = 0xF0000000u,
};

struct namespace;

struct namespace_operations {
	enum namespace_kind kind;
	const char *name; /* "uts": in /proc/PID/ns and as "uts:[N]" */
	u64 clone_flag;   /* CLONE_NEW…: what ioctl(NS_GET_NSTYPE) answers */
	/* A new one for clone and unshare, with one reference. NULL for kinds that no namespace set holds (user). -ENOMEM, -ENOSPC */
	int (*copy)(struct namespace *from, struct namespace *owner,
		    struct namespace **out);
	/* The last reference went: free it. The owner's reference is the caller's business. */
	void (*destroy)(struct namespace *namespace);
	/* The namespace around it, with a reference; NULL: it is the first. No such function: the kind is not a tree. */
	struct namespace *(*parent)(struct namespace *namespace);
};

struct namespace
{
	struct refcount references;
	const struct namespace_operations *operations; /* I */
	u64 number;                                    /* I */
	struct namespace
		*owner; /* I; a reference; NULL: nobody made it (the first ones) */
};

/* A first namespace: static, with a reference that is never given back. */
#define NAMESPACE_FIRST(operations_, number_) \
	{                                     \
		.references = {1},            \
		.operations = (operations_),  \
		.number = (number_),          \
	}

/* One reference, a number of its own; takes a reference on the owner (which may be NULL). */
void namespace_init(struct namespace *namespace,
		    const struct namespace_operations *operations,
		    struct namespace *owner);
void namespace_get(struct namespace *namespace);
void namespace_put(struct namespace *namespace); /* may sleep; NULL is nothing */
