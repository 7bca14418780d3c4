// SPDX-License-Identifier: MIT
/*
 * Open files (open file descriptions) and what can be done with them.
 */
#pragma once

#include "core/refcount.h"
#include "fs/inode.h"
#include "fs/poll.h"
#include "lib/compiler.h"
#include "lib/types.h"
#include "mm/io_buffer.h"
#include "sync/mutex.h"

struct vm_map_request;
struct vm_space;

/* All may sleep. NULL: the errno named. Bytes moved may be short; an errno only if nothing was moved. */
struct file_operations {
	int (*open)(struct inode *inode, struct file *file); /* NULL: nothing to do */
	void (*release)(struct file *file);                  /* the last reference went */
	/* A close(2) by a descriptor (each one), before release: flush. */
	int (*flush)(struct file *file);
	/* A descriptor's reference to one of these was dropped: the file may be gone. */
	void (*closed)(void);
	s64 (*read)(struct file *file, struct io_buffer *io, u64 *position); /* EINVAL */
	s64 (*write)(
		struct file *file, struct io_buffer *io,
		u64 *position); /* EINVAL. O_APPEND is the operation's business; EPIPE: the system call sends SIGPIPE */
	s64 (*seek)(struct file *file, s64 offset, int whence); /* ESPIPE */
	u32 (*poll)(struct file *file,
		    struct poll_table *table); /* always ready: EPOLLIN | EPOLLOUT */
	s64 (*ioctl)(struct file *file, unsigned command, u64 argument); /* ENOTTY */
	/* position_lock is held, inode.lock is not. context->position is 0 at first; emit()'s position_after is where the next call goes on. ENOTDIR */
	int (*iterate)(struct file *file, struct directory_context *context);
	int (*sync)(struct file *file, bool data_only); /* EINVAL */
	/* Fill request->object (with a reference the caller drops), and what the file limits. ENODEV */
	int (*map)(struct file *file, struct vm_map_request *request);
	int (*allocate)(struct file *file, int mode, u64 offset,
			u64 length); /* EOPNOTSUPP */
	int (*fdinfo)(struct file *file, char *to,
		      size_t size); /* more lines of /proc/PID/fdinfo; bytes */
	bool no_position; /* pipes, sockets: pread is ESPIPE and no position lock is taken */
	bool own_position; /* has a place of its own: no position lock is taken, pread reads there too */
};

/* Who is signalled when something happens to a file (F_SETOWN, F_SETSIG). */
struct file_owner {
	s32 number; /* of the thread, process or group, as the first pid namespace has it; 0: nobody */
	int type;      /* F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP */
	int signal;    /* 0: SIGIO, without information */
	u32 uid, euid; /* kernel ids of who said so, which decide whether he may */
};

struct file {
	struct refcount references;
	const struct file_operations *operations;
	struct path
		path; /* pipes, sockets, anonymous inodes: a dentry of their pseudo file system */
	struct inode *inode; /* path.dentry->inode at open */
	_Atomic u32 flags;   /* O_… as given to open and fcntl(F_SETFL) */
	u32 mode;            /* FILE_READ, FILE_WRITE, … */
	struct mutex position_lock;
	u64 position GUARDED_BY(position_lock);
	void *data;                      /* the operations' own */
	struct credentials *credentials; /* of the opener */
	struct file_owner owner;         /* file_set_owner() */
	struct list epoll_links;         /* epoll's; guarded by epoll's global lock */
	u64 cookie;                      /* a number of the operations' own */
	struct list dead_link;           /* in `dead` from the last put to the release */
	struct list *
		dead; /* from the last put on: where the files go that the release drops */
};

enum {
	FILE_READ = 1,
	FILE_WRITE = 2,
	FILE_PATH_ONLY = 4 /* O_PATH */,
	FILE_EXECUTABLE = 8 /* denies writers */,
	FILE_UNNOTIFIED = 16 /* nobody is told of what is done with it */
};

/* A file on `path` (references are taken), not in any table. Checks nothing; calls operations->open. */
int file_create(const struct path *path, const struct file_operations *operations,
		u32 flags, const struct credentials *credentials,
		struct file **out) must_check;
/* For pipes, sockets, eventfd, …: an inode of its own with `mode` (S_IFIFO, S_IFSOCK or no type), called NAME:[ino], or anon_inode:NAME without a type. */
int file_create_anonymous(const char *name, u32 mode,
			  const struct file_operations *operations, u32 flags, void *data,
			  struct file **out) must_check;
void file_get(struct file *file);
bool file_try_get(struct file *file) must_check;
void file_put(struct file *file); /* may sleep: the last one releases */
/*
 * For releases that drop files, which may drop files in their turn, as deep as users like: a last reference puts the file
 * on `dead`, and who began the list releases it, in a loop, before its file_put() returns. Neither sleeps nor releases.
 */
void file_put_later(struct file *file, struct list *dead);
/* Release those on `dead`, and those that their releases add, until none is left. May sleep. */
void file_release_dead(struct list *dead);

/* Reads and writes with the checks every caller wants (mode, position, O_APPEND lock, limits). position NULL: the file's own. */
s64 file_read(struct file *file, struct io_buffer *io, u64 *position);
s64 file_write(struct file *file, struct io_buffer *io, u64 *position);
s64 file_read_kernel(struct file *file, void *to, size_t size, u64 position);
/* A directory's entries from the file's position on. */
int file_iterate(struct file *file, struct directory_context *context) must_check;
u32 file_poll(struct file *file, struct poll_table *table);
bool file_nonblocking(const struct file *file);
/* Does not sleep; a spinlock of up to RANK_NOTIFY_QUEUE may be held. */
void file_get_owner(const struct file *file, struct file_owner *out);
void file_set_owner(struct file *file, const struct file_owner *owner);

/* Character and block devices: open of a device node finds its operations here; -ENXIO if none. */
int device_register(u32 mode /* S_IFCHR or S_IFBLK */, unsigned major,
		    unsigned first_minor, unsigned count, const char *name,
		    const struct file_operations *operations);
/* The name also appears in devfs as /dev/NAME (may contain '/'); `mode` with permissions. */
int devfs_add(const char *name, u32 mode, unsigned major, unsigned minor);
void devfs_remove(const char *name);
/* FIFOs: installed by ipc/. */
void fifo_set_operations(const struct file_operations *operations);
/* Called when a file that an epoll watches (epoll_links not empty) loses its last reference, before release. Installed by ipc/. */
void file_set_epoll_hook(void (*released)(struct file *file));
/* Bound sockets: open(2) of one is ENXIO. */
