// SPDX-License-Identifier: MIT
/*
 * nsfs: namespaces as files. What /proc/PID/ns/NAME leads to; open, stat, bind mount, setns, ioctl. See ioctl_nsfs(2).
 *
 * A file, like a mount, keeps its namespace alive through the inode. Each walk makes an inode of its own; what tells
 * whether two are the same namespace is the inode's number, which is the namespace's.
 */
#pragma once

#include "fs/inode.h"
#include "lib/compiler.h"

struct namespace;

void nsfs_init(void); /* at boot */
/* Who knows about the running thread answers ioctl(2); installed at boot, before the first process. */
void nsfs_set_ioctl(s64 (*ioctl)(struct namespace *namespace, unsigned command,
				 u64 argument));
/* The namespace's place; references are the caller's. -ENOMEM */
int nsfs_path(struct namespace *namespace, struct path *out) must_check;
/* The namespace as an open file. -ENOMEM */
int nsfs_open(struct namespace *namespace, const struct credentials *credentials,
	      struct file **out) must_check;
/* The namespace a file is, borrowed from the file; NULL: the file is not of nsfs. */
/* The same of a place; NULL: it is none of nsfs. Borrowed from the place. */
struct namespace *nsfs_namespace_at(const struct dentry *dentry);
struct namespace *nsfs_namespace(const struct file *file);
