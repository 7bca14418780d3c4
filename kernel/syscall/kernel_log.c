// SPDX-License-Identifier: MIT
/* syslog(2), which C libraries call klogctl: the log's one shared reader, and what goes to the console. */
#include "syscall/syscall.h"

#include "core/log.h"
#include "fs/kernel_log.h"
#include "process/current.h"
#include "syscall/file_support.h"
#include <linux/capability.h>

enum {
	SYSLOG_CLOSE,
	SYSLOG_OPEN,
	SYSLOG_READ,
	SYSLOG_READ_ALL,
	SYSLOG_READ_CLEAR,
	SYSLOG_CLEAR,
	SYSLOG_CONSOLE_OFF,
	SYSLOG_CONSOLE_ON,
	SYSLOG_CONSOLE_LEVEL,
	SYSLOG_SIZE_UNREAD,
	SYSLOG_SIZE_BUFFER,
	LEAST_LEVEL = 1,
	GREATEST_LEVEL = 8,
	NOT_OFF = -1,
};

static _Atomic int level_before_off = NOT_OFF;

static long read_log(int action, vaddr_t to, int size)
{
	struct io_buffer io;
	int error;

	if (!to || size < 0) {
		return -EINVAL;
	}
	if (size == 0) {
		return 0;
	}
	error = user_buffer(&io, to, (u64)size);
	if (error) {
		return error;
	}
	if (action == SYSLOG_READ) {
		return (long)kernel_log_read(&io);
	}
	return (long)kernel_log_read_all(
		&io, action == SYSLOG_READ_CLEAR ? KERNEL_LOG_CLEAR : KERNEL_LOG_KEEP);
}

static long console_off(void)
{
	int none = NOT_OFF;

	(void)atomic_compare_exchange_strong(&level_before_off, &none,
					     log_console_level());
	log_set_console_level(LEAST_LEVEL);
	return 0;
}

static long console_on(void)
{
	int level = atomic_exchange(&level_before_off, NOT_OFF);

	if (level != NOT_OFF) {
		log_set_console_level(level);
	}
	return 0;
}

static long set_console_level(int level)
{
	if (level < LEAST_LEVEL || level > GREATEST_LEVEL) {
		return -EINVAL;
	}
	atomic_store(&level_before_off, NOT_OFF);
	log_set_console_level(level);
	return 0;
}

static bool for_everybody(int action)
{
	return !kernel_log_restricted() &&
	       (action == SYSLOG_READ_ALL || action == SYSLOG_SIZE_BUFFER);
}

long sys_syslog(const struct syscall_arguments *a)
{
	int action = (int)a->arg[0];

	if (!for_everybody(action) && !current_capable(CAP_SYSLOG)) {
		return -EPERM;
	}
	switch (action) {
	case SYSLOG_CLOSE:
	case SYSLOG_OPEN:
		return 0;
	case SYSLOG_READ:
	case SYSLOG_READ_ALL:
	case SYSLOG_READ_CLEAR:
		return read_log(action, a->arg[1], (int)a->arg[2]);
	case SYSLOG_CLEAR:
		kernel_log_clear();
		return 0;
	case SYSLOG_CONSOLE_OFF:
		return console_off();
	case SYSLOG_CONSOLE_ON:
		return console_on();
	case SYSLOG_CONSOLE_LEVEL:
		return set_console_level((int)a->arg[2]);
	case SYSLOG_SIZE_UNREAD:
		return (long)kernel_log_unread();
	case SYSLOG_SIZE_BUFFER:
		return LOG_RING_SIZE;
	}
	return -EINVAL;
}
