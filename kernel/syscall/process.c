// SPDX-License-Identifier: MIT
/*
 * Making, ending and waiting for processes and threads: clone, fork, execve, exit, wait.
 */
#include "syscall/syscall.h"

#include "arch/thread.h"
#include "fs/file_table.h"
#include "fs/path.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/usercopy.h"
#include "process/clone.h"
#include "process/exec/exec.h"
#include "process/exit.h"
#include "process/job_control.h"
#include "process/pid.h"
#include "process/pidfd.h"
#include "process/process.h"
#include "syscall/usage.h"
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/sched.h>
#include <linux/wait.h>

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

	if ((flags & (CLONE_PIDFD | CLONE_PARENT_SETTID)) ==
	    (CLONE_PIDFD | CLONE_PARENT_SETTID)) {
		return -EINVAL; // both would be written to the same place
	}
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

static int check_clone3(const struct clone_args *args)
{
	const u64 known = 0xffffffffULL | CLONE_CLEAR_SIGHAND;

	if ((args->flags & ~known) ||
	    (args->flags & (CLONE_DETACHED | (CSIGNAL & ~(u64)CLONE_NEWTIME)))) {
		return -EINVAL;
	}
	if ((args->flags & (CLONE_THREAD | CLONE_PARENT)) && args->exit_signal) {
		return -EINVAL;
	}
	if (args->exit_signal > SIGNAL_COUNT) {
		return -EINVAL;
	}
	if (!args->stack != !args->stack_size) {
		return -EINVAL;
	}
	if (args->stack && !user_range_ok(args->stack, args->stack_size)) {
		return -EINVAL;
	}
	if (args->set_tid_size > 32 || !args->set_tid != !args->set_tid_size) {
		return -EINVAL;
	}
	return 0;
}

/* clone3's set_tid: one number for each pid namespace, innermost first; there is one namespace. */
static int read_wanted_number(const struct clone_args *args, pid_nr *wanted)
{
	int err;

	if (!args->set_tid) {
		return 0;
	}
	if (args->set_tid_size > PID_LEVELS) {
		return -EINVAL;
	}
	err = user_read(wanted, args->set_tid, sizeof(*wanted));
	if (!err && *wanted <= 0) {
		err = -EINVAL;
	}
	if (!err && !current_capable(CAP_CHECKPOINT_RESTORE) &&
	    !current_capable(CAP_SYS_ADMIN)) {
		err = -EPERM;
	}
	return err;
}

long sys_clone3(const struct syscall_arguments *a)
{
	struct clone_request request = {0};
	struct clone_args args;
	int err = read_sized_struct(&args, sizeof(args), a->arg[0], a->arg[1],
				    CLONE_ARGS_SIZE_VER0);

	if (!err) {
		err = check_clone3(&args);
	}
	if (!err) {
		err = read_wanted_number(&args, &request.wanted_number);
	}
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

/* --- execve --- */

static int read_strings(struct exec_image *image, vaddr_t arguments, vaddr_t environment)
{
	u64 limit = MIN(current_limit(RLIMIT_STACK) / 4, 6UL << 20);
	int err;

	limit = MAX(limit, (u64)ARG_MAX);
	err = exec_strings_from_user(&image->arguments, arguments, &limit);
	if (!err) {
		err = exec_strings_from_user(&image->environment, environment, &limit);
	}
	if (!err && image->arguments.count == 0) {
		err = exec_strings_add(&image->arguments, ""); // argv[0] is always there
	}
	return err;
}

/* Takes over `file`. */
static long run_file(const struct walk_context *context, struct file *file,
		     const char *name, const struct syscall_arguments *a,
		     vaddr_t arguments, vaddr_t environment)
{
	struct exec_image *image;
	int err = exec_image_create(context, file, name, &image);

	if (err) {
		return err;
	}
	err = read_strings(image, arguments, environment);
	if (err) {
		exec_image_destroy(image);
		return err;
	}
	return exec_program(image, a->frame);
}

long sys_execve(const struct syscall_arguments *a)
{
	struct walk_context context = {.fs = current_fs(),
				       .credentials = current_credentials()};
	char *name = heap_allocate(PATH_MAX);
	struct file *file;
	long result;

	if (!name) {
		return -ENOMEM;
	}
	result = user_read_string(name, a->arg[0], PATH_MAX);
	if (result >= 0) {
		result = fs_open_executable(&context, name, WALK_FOLLOW, &file);
	}
	if (!result) {
		result = run_file(&context, file, name, a, a->arg[1], a->arg[2]);
	}
	heap_free(name);
	return result;
}

/* Where execveat starts: the descriptor's place. The reference keeps it while the program loads. */
static int begin_at(int fd, const char *name, struct walk_context *context,
		    struct fd_reference *reference)
{
	int err;

	if (fd == AT_FDCWD || name[0] == '/') {
		return 0;
	}
	err = fd_begin_any(current_files(), fd, reference);
	if (!err) {
		context->start = &reference->file->path;
	}
	return err;
}

static long execute_at(int fd, char *name, u32 flags, const struct syscall_arguments *a)
{
	struct walk_context context = {.fs = current_fs(),
				       .credentials = current_credentials()};
	struct fd_reference reference = {0};
	unsigned walk = (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) |
			(flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);
	struct path start = {0};
	struct file *file;
	char *shown = NULL;
	long result;

	if (!name[0] && !(flags & AT_EMPTY_PATH)) {
		return -ENOENT;
	}
	result = begin_at(fd, name, &context, &reference);
	if (result) {
		return result;
	}
	if (reference.file) {
		// The table may be replaced while we run: hold the place, not the descriptor.
		start = reference.file->path;
		path_get(&start);
		fd_end(&reference);
		context.start = &start;
		shown = heap_allocate(PATH_MAX + 32);
		if (!shown) {
			path_put(&start);
			return -ENOMEM;
		}
		exec_describe_descriptor(shown, PATH_MAX + 32, fd, name);
	}
	result = exec_open_at(&context, name, walk, &file);
	context.start = NULL;
	if (!result) {
		result = run_file(&context, file, shown ? shown : name, a, a->arg[2],
				  a->arg[3]);
	}
	heap_free(shown);
	path_put(&start);
	return result;
}

long sys_execveat(const struct syscall_arguments *a)
{
	u32 flags = (u32)a->arg[4];
	char *name;
	long result;

	if (flags & ~(u32)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) {
		return -EINVAL;
	}
	name = heap_allocate(PATH_MAX);
	if (!name) {
		return -ENOMEM;
	}
	result = user_read_string(name, a->arg[1], PATH_MAX);
	if (result >= 0) {
		result = execute_at((int)a->arg[0], name, flags, a);
	}
	heap_free(name);
	return result;
}

long sys_exit(const struct syscall_arguments *a)
{
	thread_exit(STATUS_EXIT((int)a->arg[0]));
}

long sys_exit_group(const struct syscall_arguments *a)
{
	process_exit(STATUS_EXIT((int)a->arg[0]));
}

/* --- wait --- */

static long write_wait4(const struct wait_request *request, vaddr_t status, vaddr_t usage)
{
	int err = 0;

	if (request->number == 0) {
		return 0;
	}
	if (status) {
		err = user_write(status, &request->word, sizeof(request->word));
	}
	if (!err && usage) {
		err = usage_to_user(&request->usage, usage);
	}
	return err ? err : request->number;
}

long sys_wait4(const struct syscall_arguments *a)
{
	int number = (int)a->arg[0], options = (int)a->arg[2];
	struct wait_request request = {.options = (unsigned)options | WEXITED};
	long result;

	if (options &
	    ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL)) {
		return -EINVAL;
	}
	if (number == INT32_MIN) {
		return -ESRCH;
	}
	if (number > 0) {
		request.kind = WAIT_PROCESS;
		request.pid = pid_find(number);
	} else if (number < -1 || number == 0) {
		request.kind = WAIT_GROUP;
		request.pid = pid_find(number ? -number : job_control_group());
	}
	if (request.kind != WAIT_ANY && !request.pid) {
		return -ECHILD;
	}
	result = process_wait(&request);
	pid_put(request.pid);
	return result ? result : write_wait4(&request, a->arg[1], a->arg[3]);
}

/* The pid a waitid call names; the descriptor's file is held as long as needed through the pid's own reference. */
static int find_waitid_target(int type, int number, struct wait_request *request)
{
	struct fd_reference reference;
	int err;

	switch (type) {
	case P_ALL:
		return 0;
	case P_PID:
		request->kind = WAIT_PROCESS;
		if (number <= 0) {
			return -EINVAL;
		}
		break;
	case P_PGID:
		request->kind = WAIT_GROUP;
		if (number < 0) {
			return -EINVAL;
		}
		number = number ? number : job_control_group();
		break;
	case P_PIDFD:
		request->kind = WAIT_PROCESS;
		err = fd_begin(current_files(), number, &reference);
		if (err) {
			return err;
		}
		request->pid = pidfd_pid(reference.file);
		if (request->pid) {
			pid_get(request->pid);
		}
		if (request->pid && file_nonblocking(reference.file)) {
			request->options |= WNOHANG;
			request->nonblocking = true;
		}
		fd_end(&reference);
		return request->pid ? 0 : -EBADF;
	default:
		return -EINVAL;
	}
	request->pid = number ? pid_find(number) : NULL;
	return request->pid ? 0 : -ECHILD;
}

static int write_waitid(const struct wait_request *request, vaddr_t to, vaddr_t usage)
{
	siginfo_t info;
	int err = 0;

	memset(&info, 0, sizeof(info));
	if (request->number) {
		info.si_signo = SIGCHLD;
		info.si_code = request->code;
		info.si_pid = request->number;
		info.si_uid = request->uid;
		info.si_status = request->status;
	}
	if (to) {
		err = user_write(to, &info, sizeof(info));
	}
	if (!err && usage && request->number) {
		err = usage_to_user(&request->usage, usage);
	}
	return err;
}

long sys_waitid(const struct syscall_arguments *a)
{
	int options = (int)a->arg[3];
	struct wait_request request = {.options = (unsigned)options};
	long result;

	if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED |
			__WNOTHREAD | __WCLONE | __WALL)) {
		return -EINVAL;
	}
	if (!(options & (WEXITED | WSTOPPED | WCONTINUED))) {
		return -EINVAL;
	}
	result = find_waitid_target((int)a->arg[0], (int)a->arg[1], &request);
	if (!result) {
		result = process_wait(&request);
	}
	pid_put(request.pid);
	if (!result && !request.number && request.nonblocking && !(options & WNOHANG)) {
		return -EAGAIN;
	}
	return result ? result : write_waitid(&request, a->arg[2], a->arg[4]);
}
