// SPDX-License-Identifier: MIT
/*
 * Advisory locks: flock(2), fcntl(2) record locks of processes and of open files.
 *
 * An owner is the open file (flock, OFD) or the descriptor table (POSIX: close of any descriptor of
 * the file, and leaving the table, release them).
 */
#pragma once

#include "fs/file.h"

enum file_lock_kind { FILE_LOCK_FLOCK, FILE_LOCK_POSIX, FILE_LOCK_OFD };

struct file_lock_request {
	enum file_lock_kind kind;
	int type;       /* F_RDLCK, F_WRLCK, F_UNLCK */
	u64 start, end; /* bytes [start, end] */
	const void *owner;
	pid_nr pid; /* whose, for F_GETLK and /proc */
	bool wait;
};

/* 0, -EAGAIN, -EDEADLK, -ENOLCK, -ERESTART. */
int file_lock_set(struct file *file, const struct file_lock_request *request) must_check;
/* What would block `request`: fills it, or sets type to F_UNLCK. */
void file_lock_test(struct file *file, struct file_lock_request *request);
/* POSIX locks of `owner` on the file: at close(2). */
void file_lock_release_owner(struct file *file, const void *owner);
/* flock and OFD locks of an open file that ends. */
void file_lock_release_file(struct file *file);
void file_lock_list_destroy(struct inode *inode);

/* One lock as /proc shows it. */
struct file_lock_view {
	enum file_lock_kind kind;
	bool exclusive;
	bool waits; /* for the last one before it that does not */
	pid_nr pid; /* -1: of an open file */
	u64 device, inode_number;
	u64 start, end;
};
/*
 * All locks there are, each followed by those that wait for it; and those set through `file` by the descriptor table `table`
 * (compared only). How many there are, of which up to `capacity` were stored. Any thread context.
 */
size_t file_locks_list(struct file_lock_view *to, size_t capacity);
size_t file_locks_of(const struct file *file, const void *table,
		     struct file_lock_view *to, size_t capacity);
