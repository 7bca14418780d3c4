// SPDX-License-Identifier: MIT
/*
 * System calls: every body is `long sys_NAME(const struct syscall_arguments *arguments)`, defined in one of this room's files.
 *
 * The table and the prototypes are generated from <asm/unistd.h> (tools/make/syscalls.awk): a call nobody defines answers ENOSYS and is
 * recorded (core/missing.h). Arguments are the raw registers: each body casts first (`int fd = (int)a->arg[0]`) and checks before it computes.
 */
#pragma once

#include "arch/trap.h"
#include "lib/errno.h"
#include "lib/types.h"
#include "process/current.h"

struct syscall_arguments {
	u64 arg[6];
	struct trap_frame *frame;
};

typedef long (*syscall_body)(const struct syscall_arguments *arguments);

struct syscall_entry {
	syscall_body body; /* NULL: not there */
	const char *name;  /* NULL: no such number */
};
extern const struct syscall_entry syscall_table[];
extern const unsigned syscall_table_size;
/* The entry of a number, Linux's or one of Heddle's own (heddle/port.h); NULL: there is no such number. */
const struct syscall_entry *syscall_find(s64 number);

/* table.c alone makes them weak references: a call nobody defines is NULL there, and two bodies of one call do not link. */
#ifndef SYSCALL_REFERENCE
#	define SYSCALL_REFERENCE
#endif
#include "syscall_prototypes.h" /* generated */

long sys_port_create(const struct syscall_arguments *arguments);
long sys_port_call(const struct syscall_arguments *arguments);
long sys_port_receive(const struct syscall_arguments *arguments);
long sys_port_reply_receive(const struct syscall_arguments *arguments);
