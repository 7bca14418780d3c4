// SPDX-License-Identifier: MIT
/*
 * Walking paths, and everything that names a file. All may sleep; errors are those of path_resolution(7) and the named system calls.
 */
#pragma once

#include "cred/file_capability.h"
#include "fs/file.h"
#include "fs/fs_info.h"
#include "fs/inode.h"
#include "lib/compiler.h"

enum {
	WALK_FOLLOW = 1,    /* follow a symbolic link in the last component */
	WALK_DIRECTORY = 2, /* ENOTDIR unless a directory */
	WALK_NO_MAGIC_LINKS = 4,
	WALK_NO_SYMLINKS = 8,
	WALK_BENEATH = 16,
	WALK_IN_ROOT = 32,
	WALK_NO_CROSS_DEVICE = 64,
	WALK_EMPTY = 256, /* AT_EMPTY_PATH: "" is the start itself */
	WALK_NO_MOUNT_LAST =
		128, /* do not step into a mount on the last component (umount UMOUNT_NOFOLLOW…) */
};

/* Who walks, from where. Plain data on the caller's stack. */
struct walk_context {
	struct fs_info *fs;
	const struct credentials *credentials;
	const struct path *start; /* for relative names; NULL: the cwd */
	struct mount_namespace
		*mounts; /* whose mounts may be changed; NULL: all (the kernel's own) */
};

void path_get(const struct path *path);
void path_put(struct path *path); /* may be empty; empties it */
bool path_equal(const struct path *a, const struct path *b);

int path_walk(const struct walk_context *context, const char *name, unsigned walk_flags,
	      struct path *out) must_check;
/* The parent directory and the last component (copied into last[256]), which need not exist. */
int path_walk_parent(const struct walk_context *context, const char *name,
		     struct path *parent, char *last) must_check;
enum name_form {
	NAME_FOR_GETCWD, /* -ENOENT when it is removed, "(unreachable)" in front when it is not below `root` */
	NAME_FOR_READER /* " (deleted)" behind; from the top that was reached, always with a '/' in front (/proc) */
};
/* The path's name as seen from `root`, written at the end of buffer[size]; *start is where. Length or -ENAMETOOLONG, -ENOENT. */
int path_to_name(const struct path *path, const struct path *root, char *buffer,
		 size_t size, enum name_form form, char **start);

/* The name of the place where a mount is attached, likewise; "(unreachable)" in front when it is not below `root`. */
int path_to_mount_name(struct mount *mount, const struct path *root, char *buffer,
		       size_t size, char **start);
/* The name inside its file system ("//deleted" behind a removed one), likewise. */
int dentry_to_name(const struct dentry *dentry, char *buffer, size_t size, char **start);

int fs_permission(struct inode *inode, const struct credentials *credentials,
		  int wanted) must_check; /* ACCESS_* */
/* open(2) without descriptors. mode: permission bits, umask already applied by this function. */
int fs_open(const struct walk_context *context, const char *name, u32 flags, u32 mode,
	    unsigned walk_flags, struct file **out) must_check;
/* A file on a place that is known (exec, O_PATH reopen). */
int fs_open_path(const struct path *path, u32 flags,
		 const struct credentials *credentials, struct file **out) must_check;
/* For execve: a regular file one may execute, not from a noexec mount; writers are denied (ETXTBSY) until the file is put. */
int fs_open_executable(const struct walk_context *context, const char *name,
		       unsigned walk_flags, struct file **out) must_check;
/* The same of a place that is known (execveat of a descriptor). */
int fs_open_executable_path(const struct path *path,
			    const struct credentials *credentials,
			    struct file **out) must_check;
int fs_make_directory(const struct walk_context *context, const char *name, u32 mode);
int fs_make_node(const struct walk_context *context, const char *name, u32 mode,
		 u64 device);
/* The same, giving the new place (unix sockets' bind). */
int fs_make_node_at(const struct walk_context *context, const char *name, u32 mode,
		    u64 device, struct path *out) must_check;
int fs_symbolic_link(const struct walk_context *context, const char *target,
		     const char *name);
int fs_link(const struct path *from, const struct walk_context *to, const char *name);
int fs_unlink(const struct walk_context *context, const char *name);
int fs_remove_directory(const struct walk_context *context, const char *name);
int fs_rename(const struct walk_context *from, const char *old_name,
	      const struct walk_context *to, const char *new_name, unsigned flags);
int fs_get_attributes(const struct path *path, struct inode_attributes *out);
int fs_set_attributes(const struct path *path, struct inode_attributes *attributes,
		      unsigned which, const struct credentials *credentials);
int fs_truncate(const struct path *path, u64 size, const struct credentials *credentials);
s64 fs_read_link(const struct path *path, char *to, size_t size);
/* Extended attributes; fs/ has checked nothing about the name but its length. */
/* The capabilities of a file as they are stored (cred/file_capability.h); fs_get_xattr() shows the reader's view of them. */
s64 fs_get_file_capability(const struct path *path, u8 value[FILE_CAPABILITY_SIZE_MAX]);
s64 fs_get_xattr(const struct path *path, const char *name, void *value, size_t size,
		 const struct credentials *credentials);
s64 fs_list_xattr(const struct path *path, char *list, size_t size);
/* value NULL: remove. */
int fs_set_xattr(const struct path *path, const char *name, const void *value,
		 size_t size, int flags, const struct credentials *credentials);
int fs_statfs(const struct path *path, struct statfs *out);

/* Mounts. */
/* Bind, remount, move and new mounts: mount(2) less the capability check. */
int fs_mount(const struct walk_context *context, const char *source, const char *target,
	     const char *type, unsigned long flags, const char *data);
enum { UNMOUNT_FLAGS = 15 /* what umount2(2) knows: MNT_FORCE to UMOUNT_NOFOLLOW */ };
int fs_unmount(const struct walk_context *context, const char *target, int flags);
/* May the caller change mounts? 0 or -EPERM: before anything else is looked at. */
int fs_pivot_check_right(const struct walk_context *context) must_check;
/* *old_root comes with references: the caller moves every fs_info from it to `root`. */
int fs_pivot_root(const struct walk_context *context, const struct path *root,
		  struct path *put_old, struct path *old_root) must_check;
void fs_sync_all(void); /* sync(2) */
/* Boot: a tmpfs with /dev/console in it. */
int fs_mount_root(struct path *root) must_check;
/* Boot: fill it from the initramfs, whose memory is free then. `told`: see cpio_tell_files(). Thread context. */
void fs_unpack_initramfs(const struct path *root, void (*told)(const char *name));
int initramfs_unpack(const struct path *root, const void *archive, size_t size);
void fs_init(void);
/* Installed by syscall/: may *count bytes be written at `position`? Shortens *count to RLIMIT_FSIZE; -EFBIG (and SIGXFSZ) if nothing fits. */
void fs_set_size_limit(int (*check)(u64 position, u64 *count));
/* Likewise: who writes to a file (borrowed); NULL: the kernel itself. Called with inode.lock held; must not sleep. */
void fs_set_writer(const struct credentials *(*get)(void));
