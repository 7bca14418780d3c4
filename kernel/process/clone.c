// SPDX-License-Identifier: MIT
/*
 * clone, fork, vfork: flags checked, a thread built, published and started.
 *
 * All that can fail comes before thread_publish(); what follows cannot (R6). So a failed clone leaves nothing behind: no
 * number, no descriptor, nothing written but the pidfd's number.
 */
#include "process/clone.h"

#include "fs/file_table.h"
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "process/current.h"
#include "process/namespace/namespace.h"
#include "process/namespace/pid_namespace.h"
#include "process/pid.h"
#include "process/pidfd.h"
#include "process/process.h"
#include "process/process_events.h"
#include "process/ptrace/ptrace.h"
#include "process/resources.h"
#include "sync/completion.h"
#include <linux/fcntl.h>
#include <linux/ptrace.h>
#include <linux/sched.h>

int clone_check_flags(u64 flags)
{
	int err;

	if ((flags & (CLONE_NEWNS | CLONE_FS)) == (CLONE_NEWNS | CLONE_FS) ||
	    (flags & (CLONE_NEWUSER | CLONE_FS)) == (CLONE_NEWUSER | CLONE_FS)) {
		return -EINVAL;
	}
	if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND)) {
		return -EINVAL;
	}
	if ((flags & CLONE_SIGHAND) &&
	    (!(flags & CLONE_VM) || (flags & CLONE_CLEAR_SIGHAND))) {
		return -EINVAL;
	}
	if ((flags & CLONE_PARENT) && current_process()->is_init) {
		return -EINVAL;
	}
	if ((flags & CLONE_THREAD) &&
	    ((flags & (CLONE_NEWUSER | CLONE_NEWPID)) ||
	     current_pid_namespace_for_children() != current_pid_namespace())) {
		return -EINVAL;
	}
	if ((flags & CLONE_PIDFD) && (flags & CLONE_DETACHED)) {
		return -EINVAL;
	}
	err = namespace_check_create(flags);
	// An undo list is about one IPC namespace. Who may not make one hears that first.
	return !err && (flags & CLONE_NEWIPC) && (flags & CLONE_SYSVSEM) ? -EINVAL : err;
}

static int check_request(const struct clone_request *request)
{
	if ((request->flags & CLONE_PIDFD) && (request->flags & CLONE_PARENT_SETTID) &&
	    request->pidfd == request->parent_tid) {
		return -EINVAL; // both would be written to the same place
	}
	if (request->flags & CLONE_INTO_CGROUP) {
		int err = clone_check_flags(request->flags);

		return err ? err : -EBADF; // there is no file that is a cgroup
	}
	return clone_check_flags(request->flags);
}

/* A descriptor for the child, reserved and its number written, but not installed yet. A failure
 * leaves nothing: *file is NULL. */
static int prepare_pidfd(const struct clone_request *request, struct thread *child,
			 struct file **file, int *fd)
{
	int err = pidfd_create(child->pid, request->flags & CLONE_THREAD ? O_EXCL : 0,
			       file);

	if (err) {
		return err;
	}
	*fd = current_reserve_fd(true);
	err = *fd < 0 ? *fd : 0;
	if (!err) {
		err = user_write(request->pidfd, fd, sizeof(*fd));
		if (err) {
			fd_cancel(current_files(), *fd);
		}
	}
	if (err) {
		file_put(*file);
		*file = NULL;
	}
	return err;
}

/* Wait until the child has given up the address space, or we must die. */
static void wait_for_vfork(struct thread *child, struct completion *done)
{
	if (completion_wait_killable(done)) {
		spin_lock(&child->resource_lock);
		child->vfork_done = NULL;
		spin_unlock(&child->resource_lock);
		return;
	}
	// complete_vfork() has let go of `done` once we can have the lock.
	spin_lock(&child->resource_lock);
	spin_unlock(&child->resource_lock);
}

static void start_vfork_child(struct thread *child, struct completion *done, int event)
{
	if (!event) {
		sched_start_and_sleep(&child->sched);
	} else {
		sched_start(&child->sched);
		trace_event_pid(event, child->pid);
	}
	wait_for_vfork(child, done);
	trace_event_pid(PTRACE_EVENT_VFORK_DONE, child->pid);
}

/* From here nothing fails. `event`: what it is to our tracer. */
static long start_child(const struct clone_request *request, struct thread *child,
			struct completion *done, int event)
{
	pid_nr number = thread_number(child);

	if ((request->flags & CLONE_PARENT_SETTID) &&
	    user_write(request->parent_tid, &number, sizeof(number))) {
		// As in Linux, the child lives on: the caller gave a bad address and learns the number from the result.
	}
	resources_child_published(child);
	if (request->flags & CLONE_VFORK) {
		start_vfork_child(child, done, event);
		return number;
	}
	sched_start(&child->sched);
	if (event) {
		trace_event_pid(event, child->pid);
	}
	return number;
}

static void fill_options(struct thread_options *options,
			 const struct clone_request *request,
			 const struct trap_frame *frame)
{
	thread_options_init(options, current_thread());
	options->clone_flags = request->flags;
	options->frame = frame;
	options->user_stack = request->stack;
	options->tls = request->tls;
	options->set_tid = request->flags & CLONE_CHILD_SETTID ? request->child_tid : 0;
	options->clear_tid =
		request->flags & CLONE_CHILD_CLEARTID ? request->child_tid : 0;
	options->exit_signal = request->exit_signal;
	options->wanted = &request->wanted;
	if (request->flags & CLONE_PARENT) {
		options->exit_signal = current_process()->exit_signal;
	}
}

long clone_thread(const struct clone_request *request, const struct trap_frame *frame)
{
	struct thread_options options;
	struct thread *child;
	struct completion done;
	struct file *pidfd = NULL;
	int fd = -1, event;
	int err = check_request(request);
	long number;

	if (err) {
		return err;
	}
	event = trace_clone_event(request->flags, request->exit_signal);
	fill_options(&options, request, frame);
	options.traced = event || (request->flags & CLONE_PTRACE);
	err = thread_build(&options, &child);
	if (err) {
		return err;
	}
	if (request->flags & CLONE_VFORK) {
		completion_init(&done);
		child->vfork_done = &done;
	}
	if (request->flags & CLONE_PIDFD) {
		err = prepare_pidfd(request, child, &pidfd, &fd);
	}
	if (!err) {
		thread_get(child);
		err = thread_publish(child, &options);
		if (err) {
			thread_put(child);
		}
	}
	if (err) {
		if (pidfd) {
			fd_cancel(current_files(), fd);
			file_put(pidfd);
		}
		child->vfork_done = NULL;
		thread_discard(child);
		return err;
	}
	if (pidfd) {
		fd_install(current_files(), fd, pidfd);
	}
	process_event_fork(child, request->flags & (CLONE_PARENT | CLONE_THREAD));
	number = start_child(request, child, &done, event);
	thread_put(child);
	return number;
}
