// SPDX-License-Identifier: MIT
/* dnotify: F_NOTIFY of fcntl(2), signals for what happens in a directory. */
#pragma once

#include "fs/file.h"
#include "lib/compiler.h"

/*
 * Have the file's owner signalled (F_SETOWN, F_SETSIG) of `mask` (DN_…) for descriptor `fd` of `table`, which is compared only. More is
 * added to what the table's descriptors of the file ask for already; no event at all takes it away. `claim` is called before there is
 * anything to signal of: it gives the file an owner if it has none. -ENOTDIR, -ENOMEM, -EINVAL. May sleep.
 */
int dnotify_set(struct file *file, int fd, const void *table, u32 mask,
		void (*claim)(struct file *file)) must_check;
/* A descriptor of the table is closed: what was asked for by it is forgotten. The file is still there. May sleep. */
void dnotify_forget(struct file *file, const void *table);
/* Installed by process/: signal the owner, who is told of `fd`. Thread context; an inode.lock may be held. */
void dnotify_set_signal(void (*signal)(const struct file_owner *owner, int fd));
/* /proc/sys/fs/dir-notify-enable: where it is 0, dnotify_set() says -EINVAL. */
u32 dnotify_enabled(void);
void dnotify_enable(u32 value);
void dnotify_init(void);
