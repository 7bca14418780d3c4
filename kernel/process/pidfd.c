// SPDX-License-Identifier: MIT
/*
 * pidfds.
 *
 * Owns      the files' data: a reference on the pid.
 *
 * A directory /proc/PID was taken for one before there were pidfds, and still is, by pidfd_send_signal(2) alone.
 */
#include "process/pidfd.h"

#include "fs/file.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "process/namespace/pid_namespace.h"
#include "process/pid.h"
#include "process/process.h"
#include <linux/eventpoll.h>
#include <linux/fcntl.h>

static void pidfd_release(struct file *file)
{
	pid_put(file->data);
}

/* Readable once it has ended; hung up once it has been waited for too. */
static u32 events_of(struct pid *pid, bool thread_only)
{
	struct thread *thread = pid_get_thread(pid);
	bool ended;

	if (!thread) {
		return EPOLLIN | EPOLLRDNORM | EPOLLHUP;
	}
	ended = thread_only ? READ_ONCE(thread->finished)
			    : READ_ONCE(thread->process->state) != PROCESS_ALIVE;
	thread_put(thread);
	return ended ? EPOLLIN | EPOLLRDNORM : 0;
}

static u32 pidfd_poll(struct file *file, struct poll_table *table)
{
	struct pid *pid = file->data;

	poll_wait(table, &pid->exit_waiters);
	return events_of(pid, atomic_load(&file->flags) & O_EXCL);
}

static int pidfd_fdinfo(struct file *file, char *to, size_t size)
{
	struct pid *pid = file->data;
	struct thread *thread = pid_get_thread(pid);
	pid_nr number = thread ? pid_number(pid) : -1;
	int length = format_string(to, size, "Pid:\t%d\nNSpid:\t%d", number, number);

	thread_put(thread);
	for (u32 level = current_pid_namespace()->level + 1;
	     number > 0 && level <= pid->level && (size_t)length < size; level++) {
		length += format_string(to + length, size - (size_t)length, "\t%d",
					pid->numbers[level].number);
	}
	if ((size_t)length < size) {
		length += format_string(to + length, size - (size_t)length, "\n");
	}
	return length;
}

static const struct file_operations pidfd_operations = {
	.release = pidfd_release,
	.poll = pidfd_poll,
	.fdinfo = pidfd_fdinfo,
	.no_position = true,
};

int pidfd_create(struct pid *pid, u32 flags, struct file **out)
{
	int err;

	pid_get(pid);
	err = file_create_anonymous("[pidfd]", 0600, &pidfd_operations, O_RDWR | flags,
				    pid, out);
	if (err) {
		pid_put(pid);
	}
	return err;
}

static struct pid *(*get_of_directory)(const struct file *file);

void pidfd_set_directory_hook(struct pid *(*get)(const struct file *file))
{
	get_of_directory = get;
}

struct pid *pidfd_get_signalled(struct file *file)
{
	struct pid *pid = pidfd_pid(file);

	if (!pid) {
		return get_of_directory ? get_of_directory(file) : NULL;
	}
	pid_get(pid);
	return pid;
}

struct pid *pidfd_pid(struct file *file)
{
	return file->operations == &pidfd_operations ? file->data : NULL;
}
