// SPDX-License-Identifier: MIT
/* proc(5): /proc/kmsg, the log's shared reader as a file; and what /proc/sys/kernel tells of the log. */
#include "procfs/procfs_internal.h"

#include "core/log.h"
#include "cred/credentials.h"
#include "fs/kernel_log.h"
#include "lib/errno.h"
#include "sched/log_news.h"
#include <linux/capability.h>
#include <linux/eventpoll.h>

static int kmsg_open(struct inode *inode, struct file *file)
{
	return credentials_capable(file->credentials, CAP_SYSLOG) ? 0 : -EPERM;
}

static s64 kmsg_read(struct file *file, struct io_buffer *io, u64 *position)
{
	if (io->remaining == 0) {
		return 0;
	}
	if (file_nonblocking(file) && !kernel_log_expect()) {
		return -EAGAIN;
	}
	return kernel_log_read(io);
}

static u32 kmsg_poll(struct file *file, struct poll_table *table)
{
	poll_wait(table, log_news_queue());
	return kernel_log_expect() ? EPOLLIN | EPOLLRDNORM : 0u;
}

const struct file_operations proc_kmsg_operations = {
	.open = kmsg_open, .read = kmsg_read, .poll = kmsg_poll, .own_position = true};

int proc_show_dmesg_restrict(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "%d\n", kernel_log_restricted());
	return 0;
}

int proc_write_dmesg_restrict(const struct proc_node *node, char *value)
{
	u64 number;
	int error = proc_parse_limit(value, 1, &number);

	if (!error) {
		kernel_log_restrict(number == 1);
	}
	return error;
}

/* The console's level; that of a record without one; the least the console can have; the console's at boot. */
int proc_show_printk(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "%d\t%d\t%d\t%d\n", log_console_level(), LOG_WARNING, LOG_ALERT,
		   LOG_DEBUG);
	return 0;
}
