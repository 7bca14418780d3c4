// SPDX-License-Identifier: MIT
/* What writing to a regular file and reading it brings along: limits, set-uid bits, access times. */
#pragma once

#include "fs/inode.h"

/* RLIMIT_FSIZE through the hook of fs_set_size_limit(): may shorten *count; -EFBIG. */
int fs_check_size_limit(u64 position, u64 *count) must_check;
/* The same for a file that is to have `size` bytes: 0 if it does not grow, -EFBIG. */
int fs_check_new_size(struct inode *inode, u64 size) must_check;
u32 mode_without_privilege(u32 mode);
/* The mode an inode has after `credentials` have changed the contents (NULL: the kernel itself, which takes nothing away). */
u32 inode_mode_after_write(const struct inode *inode,
			   const struct credentials *credentials);
/* Before the running thread writes to it: set-id bits and capabilities go as far as they must. inode.lock is held exclusively. */
void inode_drop_privilege(struct inode *inode);
/* Its capabilities go with any change of the contents or the owner. inode.lock is held exclusively. */
void inode_drop_capability(struct inode *inode);
/* Sets the access time if the mount's rules (relatime, noatime) want it. */
void path_accessed(const struct path *path);
/* inode.lock held exclusively. */
int inode_set_attributes_locked(struct inode *inode,
				const struct inode_attributes *attributes,
				unsigned which) must_check;
