// SPDX-License-Identifier: MIT
/* inotify(7), below descriptors; and the limits in /proc/sys/fs/inotify. All may sleep. */
#pragma once

#include "fs/file.h"
#include "fs/inode.h"
#include "lib/compiler.h"

struct user_account;

/* An instance, charged to `account`. flags: O_NONBLOCK. -EMFILE: the user has as many as he may, -ENOMEM, -EINVAL. */
int inotify_create(u32 flags, struct user_account *account, struct file **out) must_check;
/* Is it one? Else the calls below answer -EINVAL. */
bool file_is_inotify(const struct file *file);
/*
 * inotify_add_watch(2) of an inode whose place the caller holds: its number. `mask` is the caller's, of which what is about the walk has
 * been done. -EEXIST (IN_MASK_CREATE), -ENOSPC: the user has as many as he may, -ENOMEM.
 */
int inotify_watch_inode(struct file *file, struct inode *inode, u32 mask) must_check;
/* inotify_rm_watch(2). -EINVAL: no such watch. */
int inotify_unwatch(struct file *file, int watch) must_check;

enum inotify_limit { INOTIFY_EVENTS, INOTIFY_INSTANCES, INOTIFY_WATCHES, INOTIFY_LIMITS };
u32 inotify_limit(enum inotify_limit which);
void inotify_set_limit(enum inotify_limit which, u32 value);
/* Boot, once the memory is known. */
void inotify_init(void);
