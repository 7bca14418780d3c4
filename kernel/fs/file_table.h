// SPDX-License-Identifier: MIT
/*
 * Descriptor tables. users == the number of thread slots that point here (I4); inspectors never change it.
 * The owner looks up without a reference when refcount says it is alone (load-acquire, see resources.md).
 */
#pragma once

#include "core/spinlock.h"
#include "fs/file.h"
#include "lib/bitmap.h"
#include "lib/compiler.h"
#include "lib/types.h"

struct file_table {
	_Atomic u32 users;
	struct spinlock lock;          /* RANK_FILE_TABLE */
	u32 capacity GUARDED_BY(lock); /* a multiple of 64 */
	struct file **files GUARDED_BY(lock);
	u64 *open_bits GUARDED_BY(lock), *close_on_exec GUARDED_BY(lock);
	u32 next_free GUARDED_BY(lock); /* no free descriptor below */
};

int file_table_create(struct file_table **out) must_check;
/* All descriptors, or those below `limit` (~0u: all), copied (fork, unshare, close_range(UNSHARE)). */
int file_table_copy(struct file_table *from, u32 limit,
		    struct file_table **out) must_check;
void file_table_share(struct file_table *table);
void file_table_leave(struct file_table *table); /* the last user closes all; may sleep */

/* What a system call works with: borrowed if the table is the caller's alone, else counted; give back with fd_end(). */
struct fd_reference {
	struct file *file;
	bool counted;
};
/* -EBADF. `table` is the running thread's own. O_PATH files are refused (EBADF) unless fd_begin_any(). */
int fd_begin(struct file_table *table, int fd, struct fd_reference *out) must_check;
int fd_begin_any(struct file_table *table, int fd, struct fd_reference *out) must_check;
void fd_end(struct fd_reference *reference);
/* With a reference of the caller's; NULL: not open. For others' tables too (leaf getter, R3). */
struct file *file_table_get(struct file_table *table, int fd);
/* The first open descriptor at or after *fd with a reference; NULL: none. */
struct file *file_table_next(struct file_table *table, int *fd, bool *close_on_exec);
/* How many descriptors are of `file`, which is not looked at. */
u32 file_table_count(struct file_table *table, const struct file *file);
u32 file_table_capacity(struct file_table *table); /* FDSize of /proc/PID/status */

/* Reserve the lowest free descriptor >= `from` and < `limit` (RLIMIT_NOFILE): its number, -EMFILE, -ENOMEM, -EINVAL. Then install or cancel. */
int fd_reserve(struct file_table *table, u32 from, u64 limit, bool close_on_exec);
void fd_install(struct file_table *table, int fd,
		struct file *file); /* takes over the reference */
void fd_cancel(struct file_table *table, int fd);
int fd_close(struct file_table *table, int fd); /* flush's error, -EBADF */
int fd_close_range(struct file_table *table, u32 first, u32 last,
		   bool only_mark_close_on_exec);
/* dup2, dup3: takes a reference of its own. fd, -EBADF, -EBUSY (reserved by another thread), -ENOMEM. */
int fd_replace(struct file_table *table, int fd, struct file *file, bool close_on_exec,
	       u64 limit);
int fd_set_close_on_exec(struct file_table *table, int fd, bool set);
int fd_get_close_on_exec(struct file_table *table, int fd);
int fd_get_mode(struct file_table *table, int fd); /* FILE_*; -EBADF */
void file_table_close_on_exec(
	struct file_table *table); /* execve; the table is the caller's alone */
