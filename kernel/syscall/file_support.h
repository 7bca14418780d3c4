// SPDX-License-Identifier: MIT
/* What the file system calls have in common: names and vectors from user space, places relative to a descriptor. */
#pragma once

#include "fs/file_table.h"
#include "fs/path.h"
#include "mm/io_buffer.h"
#include "syscall/syscall.h"

#define TRANSFER_MAX 0x7ffff000ULL /* MAX_RW_COUNT: more is cut, as Linux does */

/* A name copied in; short ones without an allocation. -EFAULT, -ENAMETOOLONG, -ENOMEM. */
struct user_name {
	char *text;
	char small[136];
};
int user_name_read(struct user_name *name, vaddr_t from) must_check;
void user_name_release(struct user_name *name);

/* Where a …at() call starts. `flags` of the walk are the caller's. */
struct at_place {
	struct walk_context context;
	struct path start;
	struct fd_reference directory;
};
/* -EBADF if `name` is relative (or empty) and the descriptor is none. */
int at_begin(struct at_place *at, int directory, const char *name) must_check;
void at_end(struct at_place *at);
/* The whole way: copy the name, walk. at_flags: AT_SYMLINK_NOFOLLOW, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH, AT_NO_AUTOMOUNT. */
int at_walk(int directory, vaddr_t name, unsigned walk_flags,
	    struct path *out) must_check;
unsigned walk_flags_of(int at_flags); /* follows unless AT_SYMLINK_NOFOLLOW */

/* The walk of the running thread, from its cwd. */
struct walk_context current_walk(void);

/* A vector of ranges copied in and checked: -EINVAL, -EFAULT, -ENOMEM. */
struct user_vector {
	struct io_range *ranges;
	struct io_range small[8];
	struct io_buffer io;
};
int user_vector_read(struct user_vector *vector, vaddr_t from, u64 count) must_check;
void user_vector_release(struct user_vector *vector);

/* A range of user memory for one transfer, cut to TRANSFER_MAX. -EFAULT. */
int user_buffer(struct io_buffer *io, vaddr_t address, u64 size) must_check;

/* The two lowest free descriptors (pipe, socketpair); both or none. fd_reserve()'s errors. */
int reserve_pair(int fds[2], bool close_on_exec) must_check;
void cancel_pair(const int fds[2]);

/* Syscalls by file descriptor that look at a place: the file's path, with a reference. */
int fd_path(int fd, struct path *out) must_check;
