// SPDX-License-Identifier: MIT
/* What the socket system calls share, inside this room. */
#pragma once

#include "fs/file_table.h"
#include "net/socket.h"

/* The running thread as a caller; `walk` is the caller's storage; file NULL: blocking. */
void socket_caller_init(struct socket_caller *caller, struct walk_context *walk,
			const struct file *file);
/* A descriptor that is a socket: -EBADF, -ENOTSOCK. End with fd_end(). */
int socket_begin(int fd, struct fd_reference *reference, struct socket **out) must_check;
/* Addresses in and out: -EINVAL, -EFAULT. */
int socket_read_address(u8 *address, vaddr_t from, u64 length) must_check;
int socket_write_address(vaddr_t to, vaddr_t to_length, const u8 *address,
			 u32 length) must_check;
