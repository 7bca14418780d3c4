// SPDX-License-Identifier: MIT
/*
 * pipe(2), eventfd(2), timerfd_create(2), epoll(7): arguments in, descriptors out.
 */
#include "syscall/file_support.h"
#include "syscall/syscall.h"

#include "fs/file_table.h"
#include "ipc/epoll.h"
#include "ipc/eventfd.h"
#include "ipc/pipe.h"
#include "mm/usercopy.h"
#include "process/namespace/time_namespace.h"
#include "process/signal/temporary_mask.h"
#include "time/clock.h"
#include <linux/fcntl.h>
#include <linux/timerfd.h>

static long do_pipe(vaddr_t user_fds, u32 flags)
{
	struct file *files[2];
	int fds[2];
	int error;

	if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK)) {
		return -EINVAL;
	}
	error = pipe_create(flags, files);
	if (error) {
		return error;
	}
	error = reserve_pair(fds, flags & O_CLOEXEC);
	if (!error) {
		error = user_write(user_fds, fds, sizeof(fds));
		if (!error) {
			fd_install(current_files(), fds[0], files[0]);
			fd_install(current_files(), fds[1], files[1]);
			return 0;
		}
		cancel_pair(fds);
	}
	file_put(files[0]);
	file_put(files[1]);
	return error;
}

long sys_pipe(const struct syscall_arguments *a)
{
	return do_pipe(a->arg[0], 0);
}

long sys_pipe2(const struct syscall_arguments *a)
{
	return do_pipe(a->arg[0], (u32)a->arg[1]);
}

static long do_eventfd(u32 count, u32 flags)
{
	struct file *file;
	int error = eventfd_create(count, flags & ~(u32)O_CLOEXEC, &file);

	return error ? error : current_install_file(file, flags & O_CLOEXEC);
}

long sys_eventfd(const struct syscall_arguments *a)
{
	return do_eventfd((u32)a->arg[0], 0);
}

long sys_eventfd2(const struct syscall_arguments *a)
{
	return do_eventfd((u32)a->arg[0], (u32)a->arg[1]);
}

long sys_timerfd_create(const struct syscall_arguments *a)
{
	u32 flags = (u32)a->arg[1];
	struct file *file;
	int error = timerfd_create((int)a->arg[0], flags & ~(u32)O_CLOEXEC, &file);

	return error ? error : current_install_file(file, flags & O_CLOEXEC);
}

/* An absolute time of the caller's time namespace becomes the kernel's. What is not a time stays, and is refused. */
static void value_to_kernel(const struct file *file, int flags,
			    struct __kernel_timespec *value)
{
	int clock = timerfd_clock(file);
	nsec_t when;

	if (clock >= 0 && (flags & TFD_TIMER_ABSTIME) &&
	    !timespec_to_nsec(value, &when) && when) {
		*value = nsec_to_timespec(current_time_to_kernel(clock, when));
	}
}

long sys_timerfd_settime(const struct syscall_arguments *a)
{
	struct __kernel_itimerspec value, old;
	struct fd_reference reference;
	int error;

	if (user_read(&value, a->arg[2], sizeof(value))) {
		return -EFAULT;
	}
	error = fd_begin(current_files(), (int)a->arg[0], &reference);
	if (error) {
		return error;
	}
	value_to_kernel(reference.file, (int)a->arg[1], &value.it_value);
	error = timerfd_set(reference.file, (int)a->arg[1], &value,
			    a->arg[3] ? &old : NULL);
	fd_end(&reference);
	if (!error && a->arg[3]) {
		error = user_write(a->arg[3], &old, sizeof(old));
	}
	return error;
}

long sys_timerfd_gettime(const struct syscall_arguments *a)
{
	struct __kernel_itimerspec value;
	struct fd_reference reference;
	int error = fd_begin(current_files(), (int)a->arg[0], &reference);

	if (error) {
		return error;
	}
	error = timerfd_get(reference.file, &value);
	fd_end(&reference);
	return error ? error : user_write(a->arg[1], &value, sizeof(value));
}

long sys_epoll_create1(const struct syscall_arguments *a)
{
	u32 flags = (u32)a->arg[0];
	struct file *file;
	int error;

	if (flags & ~(u32)EPOLL_CLOEXEC) {
		return -EINVAL;
	}
	error = epoll_create_file(&file);
	return error ? error : current_install_file(file, flags & EPOLL_CLOEXEC);
}

long sys_epoll_create(const struct syscall_arguments *a)
{
	struct syscall_arguments none = {.frame = a->frame};

	return (int)a->arg[0] <= 0 ? -EINVAL : sys_epoll_create1(&none);
}

long sys_epoll_ctl(const struct syscall_arguments *a)
{
	struct fd_reference epoll, target;
	struct epoll_event event = {0};
	int operation = (int)a->arg[1], error;

	if (operation != EPOLL_CTL_DEL && user_read(&event, a->arg[3], sizeof(event))) {
		return -EFAULT;
	}
	error = fd_begin(current_files(), (int)a->arg[0], &epoll);
	if (error) {
		return error;
	}
	error = fd_begin(current_files(), (int)a->arg[2], &target);
	if (!error) {
		error = epoll_control(epoll.file, operation, (int)a->arg[2], target.file,
				      &event);
		fd_end(&target);
	}
	fd_end(&epoll);
	return error;
}

static long do_epoll_wait(const struct syscall_arguments *a, nsec_t deadline)
{
	struct fd_reference reference;
	long result = fd_begin(current_files(), (int)a->arg[0], &reference);

	if (result) {
		return result;
	}
	result = epoll_wait_events(reference.file, a->arg[1], (int)a->arg[2], deadline);
	fd_end(&reference);
	return result;
}

static nsec_t deadline_of_milliseconds(int timeout)
{
	if (timeout < 0) {
		return NSEC_NEVER;
	}
	return timeout == 0 ? 0 : clock_monotonic() + timeout * NSEC_PER_MSEC;
}

long sys_epoll_wait(const struct syscall_arguments *a)
{
	return do_epoll_wait(a, deadline_of_milliseconds((int)a->arg[3]));
}

long sys_epoll_pwait(const struct syscall_arguments *a)
{
	int error = signal_set_temporary_mask(a->arg[4], a->arg[5]);

	return error ? error
		     : signal_end_temporary_mask(do_epoll_wait(
			       a, deadline_of_milliseconds((int)a->arg[3])));
}

long sys_epoll_pwait2(const struct syscall_arguments *a)
{
	struct __kernel_timespec timeout;
	nsec_t length, deadline = NSEC_NEVER;
	int error;

	if (a->arg[3]) {
		if (user_read(&timeout, a->arg[3], sizeof(timeout))) {
			return -EFAULT;
		}
		if (timespec_to_nsec(&timeout, &length)) {
			return -EINVAL;
		}
		deadline = length ? nsec_add(clock_monotonic(), length) : 0;
	}
	error = signal_set_temporary_mask(a->arg[4], a->arg[5]);
	return error ? error : signal_end_temporary_mask(do_epoll_wait(a, deadline));
}
