// SPDX-License-Identifier: MIT
/*
 * fs_info: root, working directory and umask of the threads that share it (CLONE_FS).
 *
 * Owns      struct fs_info.
 * Locks     fs_info.lock (spin). References taken under it; given back outside.
 *
 * users == the number of thread slots that point here (resources.md I4).
 */
#include "fs/fs_info.h"

#include "core/panic.h"
#include "fs/fs_internal.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "lib/errno.h"
#include "mm/heap.h"

OBJECT_CACHE(fs_info_cache, fs_info);

static int create(const struct path *root, const struct path *cwd, u32 umask,
		  struct fs_info **out)
{
	struct fs_info *fs = object_allocate(&fs_info_cache);

	if (!fs) {
		return -ENOMEM;
	}
	spin_init(&fs->lock, RANK_FS_INFO, "fs_info.lock");
	atomic_store(&fs->users, 1);
	spin_lock(&fs->lock);
	fs->root = *root;
	fs->cwd = *cwd;
	fs->umask = umask;
	spin_unlock(&fs->lock);
	*out = fs;
	return 0;
}

int fs_info_create(const struct path *root, struct fs_info **out)
{
	int result = create(root, root, 022, out);

	if (result == 0) {
		path_get(root);
		path_get(root);
	}
	return result;
}

int fs_info_copy(struct fs_info *from, struct fs_info **out)
{
	struct path root, cwd;
	int result;

	spin_lock(&from->lock);
	root = from->root;
	cwd = from->cwd;
	path_get(&root);
	path_get(&cwd);
	u32 umask = from->umask;
	spin_unlock(&from->lock);
	result = create(&root, &cwd, umask, out);
	if (result < 0) {
		path_put(&root);
		path_put(&cwd);
	}
	return result;
}

int fs_info_share(struct fs_info *fs)
{
	int result = 0;

	spin_lock(&fs->lock);
	if (fs->in_exec) {
		result = -EAGAIN;
	} else {
		u32 before = atomic_fetch_add(&fs->users, 1);

		ASSERT(before > 0);
	}
	spin_unlock(&fs->lock);
	return result;
}

bool fs_info_begin_exec(struct fs_info *fs, u32 inside)
{
	bool shared;

	spin_lock(&fs->lock);
	shared = atomic_load(&fs->users) > inside;
	fs->in_exec += !shared;
	spin_unlock(&fs->lock);
	return shared;
}

void fs_info_end_exec(struct fs_info *fs)
{
	spin_lock(&fs->lock);
	fs->in_exec--;
	spin_unlock(&fs->lock);
}

void fs_info_leave(struct fs_info *fs)
{
	if (!fs || atomic_fetch_sub_explicit(&fs->users, 1, memory_order_acq_rel) != 1) {
		return;
	}
	spin_lock(&fs->lock);
	struct path root = fs->root, cwd = fs->cwd;

	spin_unlock(&fs->lock);
	path_put(&root);
	path_put(&cwd);
	object_free(&fs_info_cache, fs);
}

void fs_info_get_root(struct fs_info *fs, struct path *out)
{
	spin_lock(&fs->lock);
	*out = fs->root;
	path_get(out);
	spin_unlock(&fs->lock);
}

void fs_info_get_cwd(struct fs_info *fs, struct path *out)
{
	spin_lock(&fs->lock);
	*out = fs->cwd;
	path_get(out);
	spin_unlock(&fs->lock);
}

void fs_info_get_places(struct fs_info *fs, struct path *root, struct path *cwd)
{
	spin_lock(&fs->lock);
	*root = fs->root;
	*cwd = fs->cwd;
	path_get(root);
	path_get(cwd);
	spin_unlock(&fs->lock);
}

void fs_info_set_root(struct fs_info *fs, const struct path *path)
{
	struct path old;

	path_get(path);
	spin_lock(&fs->lock);
	old = fs->root;
	fs->root = *path;
	spin_unlock(&fs->lock);
	path_put(&old);
}

void fs_info_set_cwd(struct fs_info *fs, const struct path *path)
{
	struct path old;

	path_get(path);
	spin_lock(&fs->lock);
	old = fs->cwd;
	fs->cwd = *path;
	spin_unlock(&fs->lock);
	path_put(&old);
}

bool fs_info_is_chrooted(struct fs_info *fs)
{
	struct path root;
	const struct dentry *at;
	bool chrooted = false;

	fs_info_get_root(fs, &root);
	at = root.dentry;
	spin_lock(&fs_tree_lock);
	// What is mounted over the root is a root, too.
	for (const struct mount *mount = root.mount; mount && !chrooted;
	     mount = mount->parent) {
		chrooted = at != mount->root;
		at = mount->mountpoint;
	}
	spin_unlock(&fs_tree_lock);
	path_put(&root);
	return chrooted;
}

u32 fs_info_umask(struct fs_info *fs)
{
	u32 umask;

	spin_lock(&fs->lock);
	umask = fs->umask;
	spin_unlock(&fs->lock);
	return umask;
}

u32 fs_info_set_umask(struct fs_info *fs, u32 umask)
{
	u32 old;

	spin_lock(&fs->lock);
	old = fs->umask;
	fs->umask = umask & 0777;
	spin_unlock(&fs->lock);
	return old;
}

unsigned fs_info_replace(struct fs_info *fs, const struct path *from,
			 const struct path *to, struct path old[2])
{
	unsigned count = 0;

	spin_lock(&fs->lock);
	if (path_equal(&fs->root, from)) {
		old[count++] = fs->root;
		fs->root = *to;
		path_get(to);
	}
	if (path_equal(&fs->cwd, from)) {
		old[count++] = fs->cwd;
		fs->cwd = *to;
		path_get(to);
	}
	spin_unlock(&fs->lock);
	return count;
}
