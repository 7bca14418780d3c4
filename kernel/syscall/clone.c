// SPDX-License-Identifier: MIT
/*
 * Making processes and threads: clone, clone3, fork, vfork.
 */
#include "syscall/syscall.h"

#include "arch/thread.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "process/clone.h"
#include "process/process.h"
#include <asm/unistd.h>
#include <linux/sched.h>

long sys_clone(const struct syscall_arguments *a)
{
	u32 flags = (u32)a->arg[0];
	struct clone_request request = {
		.flags = flags & ~(u32)CSIGNAL,
		.exit_signal = (int)(flags & CSIGNAL),
		.stack = a->arg[1],
		.parent_tid = a->arg[2],
		.pidfd = a->arg[2],
		.child_tid = a->arg[ARCH_CLONE_CHILD_TID],
		.tls = a->arg[ARCH_CLONE_TLS],
	};

	return clone_thread(&request, a->frame);
}

#ifdef __NR_fork
long sys_fork(const struct syscall_arguments *a)
{
	struct clone_request request = {.exit_signal = SIGCHLD};

	return clone_thread(&request, a->frame);
}
#endif

#ifdef __NR_vfork
long sys_vfork(const struct syscall_arguments *a)
{
	struct clone_request request = {.flags = CLONE_VM | CLONE_VFORK,
					.exit_signal = SIGCHLD};

	return clone_thread(&request, a->frame);
}
#endif

/* A struct of a size its caller names: -EINVAL below `least`, -E2BIG for more than a page or for unknown non-zero fields. */
static int read_sized_struct(void *to, size_t known, vaddr_t from, u64 size, u64 least)
{
	u8 tail[64];

	if (size < least) {
		return -EINVAL;
	}
	if (size > PAGE_SIZE) {
		return -E2BIG;
	}
	memset(to, 0, known);
	for (u64 at = known; at < size; at += sizeof(tail)) {
		u64 part = MIN(size - at, sizeof(tail));
		int err = user_read(tail, from + at, part);

		if (err) {
			return err;
		}
		for (u64 i = 0; i < part; i++) {
			if (tail[i]) {
				return -E2BIG;
			}
		}
	}
	return user_read(to, from, MIN(size, known));
}

/* What is judged before the list of numbers is read. */
static int check_fields(const struct clone_args *args, u64 size)
{
	if (args->set_tid_size > PID_LEVELS_MAX ||
	    !args->set_tid != !args->set_tid_size) {
		return -EINVAL;
	}
	if (args->exit_signal > SIGNAL_COUNT) {
		return -EINVAL;
	}
	if ((args->flags & CLONE_INTO_CGROUP) &&
	    (args->cgroup > INT32_MAX || size < CLONE_ARGS_SIZE_VER2)) {
		return -EINVAL;
	}
	return 0;
}

static int check_flags(const struct clone_args *args)
{
	const u64 known = 0xffffffffULL | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP;

	if ((args->flags & ~known) ||
	    (args->flags & (CLONE_DETACHED | (CSIGNAL & ~(u64)CLONE_NEWTIME)))) {
		return -EINVAL;
	}
	if ((args->flags & (CLONE_THREAD | CLONE_PARENT)) && args->exit_signal) {
		return -EINVAL;
	}
	if (!args->stack != !args->stack_size) {
		return -EINVAL;
	}
	if (args->stack && !user_range_ok(args->stack, args->stack_size)) {
		return -EINVAL;
	}
	return 0;
}

static int read_clone_args(struct clone_args *args, struct clone_request *request,
			   vaddr_t from, u64 size)
{
	int err =
		read_sized_struct(args, sizeof(*args), from, size, CLONE_ARGS_SIZE_VER0);

	if (!err) {
		err = check_fields(args, size);
	}
	if (!err && args->set_tid_size) {
		request->wanted.count = (u32)args->set_tid_size;
		err = user_read(request->wanted.number, args->set_tid,
				args->set_tid_size * sizeof(pid_nr));
	}
	return err ? err : check_flags(args);
}

long sys_clone3(const struct syscall_arguments *a)
{
	struct clone_request request = {0};
	struct clone_args args;
	int err = read_clone_args(&args, &request, a->arg[0], a->arg[1]);

	if (err) {
		return err;
	}
	request.flags = args.flags;
	request.exit_signal = (int)args.exit_signal;
	request.stack = args.stack + args.stack_size;
	request.tls = args.tls;
	request.pidfd = args.pidfd;
	request.child_tid = args.child_tid;
	request.parent_tid = args.parent_tid;
	return clone_thread(&request, a->frame);
}
