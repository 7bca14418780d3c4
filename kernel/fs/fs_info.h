// SPDX-License-Identifier: MIT
/* Root, working directory and umask (R11): shared by CLONE_FS. users as in file_table. */
#pragma once

#include "core/spinlock.h"
#include "fs/inode.h"

struct fs_info {
	_Atomic u32 users;
	struct spinlock lock; /* RANK_FS_INFO */
	struct path root GUARDED_BY(lock), cwd GUARDED_BY(lock);
	u32 umask GUARDED_BY(lock);
	u32 in_exec GUARDED_BY(lock); /* execves that found no other user */
};

int fs_info_create(const struct path *root, struct fs_info **out) must_check;
int fs_info_copy(struct fs_info *from, struct fs_info **out) must_check;
/* -EAGAIN: one who shares it is in execve, and decided by how many do. */
int fs_info_share(struct fs_info *fs) must_check;
/* execve of a process, `inside` of whose threads use it. true: others do too; false: none will before the end. */
bool fs_info_begin_exec(struct fs_info *fs, u32 inside);
void fs_info_end_exec(struct fs_info *fs);
void fs_info_leave(struct fs_info *fs);                      /* may sleep */
void fs_info_get_root(struct fs_info *fs, struct path *out); /* with references */
void fs_info_get_cwd(struct fs_info *fs, struct path *out);
/* Both at once, as a walk needs them. */
void fs_info_get_places(struct fs_info *fs, struct path *root, struct path *cwd);
void fs_info_set_root(struct fs_info *fs,
		      const struct path *path); /* takes references of its own */
void fs_info_set_cwd(struct fs_info *fs, const struct path *path);
/* Is the root something else than the root of the tree of mounts? */
bool fs_info_is_chrooted(struct fs_info *fs);
u32 fs_info_umask(struct fs_info *fs);
u32 fs_info_set_umask(struct fs_info *fs, u32 umask); /* the old one */
/* pivot_root: where root or cwd is `from`, it becomes `to`. Any lock outside fs_info.lock may be held: the displaced
 * places go to old[], the caller puts them. How many. */
unsigned fs_info_replace(struct fs_info *fs, const struct path *from,
			 const struct path *to, struct path old[2]);
