// SPDX-License-Identifier: MIT
/*
 * Other programs, the end, and waiting for it: execve, exit, wait.
 */
#include "syscall/syscall.h"

#include "fs/file_table.h"
#include "fs/path.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/usercopy.h"
#include "process/exec/exec.h"
#include "process/exit.h"
#include "process/job_control.h"
#include "process/pid.h"
#include "process/pidfd.h"
#include "process/process.h"
#include "syscall/file_support.h"
#include "syscall/usage.h"
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/wait.h>

/* The program's name counts with them: it goes to the stack too, and is never near the limit by itself. */
static int read_strings(struct exec_image *image, vaddr_t arguments, vaddr_t environment)
{
	u64 limit = MIN(current_limit(RLIMIT_STACK) / 4, 6UL << 20);
	int err;

	limit = MAX(limit, (u64)ARG_MAX) - (strlen(image->name) + 1);
	err = exec_strings_from_user(&image->arguments, arguments, &limit);
	if (!err) {
		err = exec_strings_from_user(&image->environment, environment, &limit);
	}
	if (!err && image->arguments.count == 0) {
		err = exec_strings_add(&image->arguments, ""); // argv[0] is always there
	}
	return err;
}

/* Takes over `file`. `name_ends`: it is that of a descriptor that is closed by then. */
static long run_file(const struct walk_context *context, struct file *file,
		     const char *name, bool name_ends, const struct syscall_arguments *a,
		     vaddr_t arguments, vaddr_t environment)
{
	struct exec_image *image;
	int err = exec_image_create(context, file, name, &image);

	if (err) {
		return err;
	}
	image->name_ends = name_ends;
	err = read_strings(image, arguments, environment);
	if (err) {
		exec_image_destroy(image);
		return err;
	}
	return exec_program(image, a->frame);
}

long sys_execve(const struct syscall_arguments *a)
{
	struct walk_context context = current_walk();
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
		result = run_file(&context, file, name, false, a, a->arg[1], a->arg[2]);
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
	struct walk_context context = current_walk();
	struct fd_reference reference = {0};
	unsigned walk = (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) |
			(flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);
	struct path start = {0};
	struct file *file;
	char *shown = NULL;
	bool name_ends = false;
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
		name_ends = fd_get_close_on_exec(current_files(), fd) > 0;
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
		result = run_file(&context, file, shown ? shown : name, name_ends, a,
				  a->arg[2], a->arg[3]);
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
		request.pid = number ? pid_find(-number) : job_control_get_group();
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
		if (!number) {
			request->pid = job_control_get_group();
			return 0;
		}
		break;
	case P_PIDFD:
		request->kind = WAIT_PROCESS;
		if (number < 0) {
			return -EINVAL;
		}
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
	request->pid = pid_find(number);
	return request->pid ? 0 : -ECHILD;
}

/*
 * The fields of a siginfo_t that waitid gives, and no byte between or behind them. They are written also where the call
 * has failed: then they say nothing.
 */
static int write_waitid(const struct wait_request *request, vaddr_t to)
{
	int head[3] = {0}, tail[3] = {0};

	STATIC_ASSERT(offsetof(siginfo_t, si_pid) == 16);
	STATIC_ASSERT(offsetof(siginfo_t, si_status) == 24);
	if (request->number) {
		head[0] = SIGCHLD;
		head[2] = request->code;
		tail[0] = request->number;
		tail[1] = (int)current_uid_shown(request->uid);
		tail[2] = request->status;
	}
	if (user_write(to, head, sizeof(head))) {
		return -EFAULT;
	}
	return user_write(to + offsetof(siginfo_t, si_pid), tail, sizeof(tail));
}

static long find_and_wait(const struct syscall_arguments *a, struct wait_request *request)
{
	int options = (int)a->arg[3];
	long result;

	if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED |
			__WNOTHREAD | __WCLONE | __WALL)) {
		return -EINVAL;
	}
	if (!(options & (WEXITED | WSTOPPED | WCONTINUED))) {
		return -EINVAL;
	}
	result = find_waitid_target((int)a->arg[0], (int)a->arg[1], request);
	if (!result) {
		result = process_wait(request);
	}
	pid_put(request->pid);
	if (!result && !request->number && request->nonblocking && !(options & WNOHANG)) {
		return -EAGAIN;
	}
	return result;
}

/* The news is taken before anything is written, the usage is written before the information: as Linux has it. */
long sys_waitid(const struct syscall_arguments *a)
{
	struct wait_request request = {.options = (unsigned)a->arg[3]};
	long result = find_and_wait(a, &request);

	if (a->arg[4] && request.number && usage_to_user(&request.usage, a->arg[4])) {
		return -EFAULT;
	}
	if (a->arg[2] && write_waitid(&request, a->arg[2])) {
		return -EFAULT;
	}
	return result;
}
