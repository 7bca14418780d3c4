// SPDX-License-Identifier: MIT
/*
 * /dev/kmsg: the log, one record a read, for each open file from a place of its own; a write is a record.
 *
 * Owns      struct kmsg_file, one an open file.
 * Locks     kmsg_file.lock (RANK_PIPE) > user copies (vm). Never held while waiting for a record.
 */
#include "fs/devfs/devfs.h"

#include "core/log.h"
#include "cred/credentials.h"
#include "fs/kernel_log.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "sched/log_news.h"
#include <linux/capability.h>
#include <linux/eventpoll.h>
#include <linux/fs.h>

struct kmsg_file {
	struct mutex lock;
	u64 place GUARDED_BY(lock);
	struct log_record record GUARDED_BY(lock);
	char text[LOG_TEXT_MAX] GUARDED_BY(lock);
	char shown[LOG_RECORD_TEXT_MAX] GUARDED_BY(lock);
};

/* Nobody else sees it yet: its place needs no lock. */
static NO_THREAD_SAFETY int kmsg_open(struct inode *inode, struct file *file)
{
	struct kmsg_file *kmsg;

	if (file->mode & FILE_READ && kernel_log_restricted() &&
	    !credentials_capable(file->credentials, CAP_SYSLOG)) {
		return -EPERM;
	}
	kmsg = heap_allocate(sizeof(*kmsg));
	if (!kmsg) {
		return -ENOMEM;
	}
	mutex_init(&kmsg->lock, RANK_PIPE, "kmsg_file.lock");
	kmsg->place = log_oldest();
	file->data = kmsg;
	return 0;
}

static void kmsg_release(struct file *file)
{
	heap_free(file->data);
}

/* The next record: its bytes, of which the buffer must take all. A record that it cannot take is passed over. */
static s64 give_record(struct kmsg_file *kmsg, struct io_buffer *io)
	MUST_HOLD(&kmsg->lock)
{
	int result =
		log_read(&kmsg->place, &kmsg->record, kmsg->text, sizeof(kmsg->text));
	size_t size;

	if (result) {
		return result;
	}
	size = log_format_record(&kmsg->record, kmsg->text, kmsg->shown);
	if (size > io->remaining) {
		return -EINVAL;
	}
	return io_copy_to(io, kmsg->shown, size) < size ? -EFAULT : (s64)size;
}

static s64 kmsg_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct kmsg_file *kmsg = file->data;
	s64 result;

	do {
		u64 place;

		mutex_lock(&kmsg->lock);
		result = give_record(kmsg, io);
		place = kmsg->place;
		mutex_unlock(&kmsg->lock);
		if (result != -EAGAIN || file_nonblocking(file)) {
			return result;
		}
		result = wait_until(log_news_queue(), log_expect(place),
				    THREAD_INTERRUPTIBLE, NSEC_NEVER);
	} while (result == 0);
	return result;
}

/* `<N>` before the text: level and facility, which is never the kernel's own. Returns where the text begins. */
static char *take_priority(char *text, u16 *priority)
{
	unsigned number = 0;
	char *end = text + 1;

	if (*text != '<') {
		return text;
	}
	for (; *end >= '0' && *end <= '9'; end++) {
		number = number * 10 + (unsigned)(*end - '0');
	}
	if (*end != '>') {
		return text;
	}
	*priority = (u16)((number & 0xff << 3 ? number & 0xff << 3 : *priority & ~7u) |
			  (number & 7));
	return end + 1;
}

static s64 kmsg_write(struct file *file, struct io_buffer *io, u64 *position)
{
	u16 priority = LOG_FACILITY_USER << 3 | LOG_WARNING;
	u64 whole = io->remaining;
	char *text, *begin;
	size_t size;

	if (whole > LOG_TEXT_MAX) {
		return -EINVAL;
	}
	text = heap_allocate(whole + 1);
	if (!text) {
		return -ENOMEM;
	}
	if (io_copy_from(io, text, whole) < whole) {
		heap_free(text);
		return -EFAULT;
	}
	text[whole] = '\0';
	begin = take_priority(text, &priority);
	size = strlen(begin);
	size -= size > 0 && begin[size - 1] == '\n';
	log_append(priority, begin, size);
	heap_free(text);
	return (s64)whole;
}

static s64 kmsg_seek(struct file *file, s64 offset, int whence)
{
	struct kmsg_file *kmsg = file->data;
	u64 place;

	if (offset != 0) {
		return -ESPIPE;
	}
	switch (whence) {
	case SEEK_SET:
		place = log_oldest();
		break;
	case SEEK_DATA: /* behind what SYSLOG_ACTION_CLEAR cleared */
		place = kernel_log_cleared();
		break;
	case SEEK_END:
		place = log_newest();
		break;
	default:
		return -EINVAL;
	}
	mutex_lock(&kmsg->lock);
	kmsg->place = place;
	mutex_unlock(&kmsg->lock);
	return 0;
}

static u32 kmsg_poll(struct file *file, struct poll_table *table)
{
	struct kmsg_file *kmsg = file->data;
	u64 place;

	poll_wait(table, log_news_queue());
	mutex_lock(&kmsg->lock);
	place = kmsg->place;
	mutex_unlock(&kmsg->lock);
	if (!log_expect(place)) {
		return 0;
	}
	return EPOLLIN | EPOLLRDNORM | (place < log_oldest() ? EPOLLERR | EPOLLPRI : 0u);
}

const struct file_operations kmsg_operations = {
	.open = kmsg_open,
	.release = kmsg_release,
	.read = kmsg_read,
	.write = kmsg_write,
	.seek = kmsg_seek,
	.poll = kmsg_poll,
	.own_position = true,
};
