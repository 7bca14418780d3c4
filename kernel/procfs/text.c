// SPDX-License-Identifier: MIT
/*
 * proc(5): text files. The whole text is made at the first read (and again when a reader goes back to the start), so that a reader of
 * small pieces sees one moment.
 *
 * Owns      struct proc_text; file->data of text files, guarded by file.position_lock or, for pread, by text_lock.
 */
#include "procfs/procfs_internal.h"

#include "cred/credentials.h"
#include "fs/page_file.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "procfs/text.h"
#include <linux/fs.h>

enum { FIRST_CAPACITY = 1024, WRITE_MAX = 4095 };

static bool make_room(struct proc_text *text, size_t more)
{
	size_t capacity = MAX(text->capacity, (size_t)FIRST_CAPACITY);
	char *data;

	if (text->error || text->size + more < text->capacity) {
		return text->error == 0;
	}
	while (capacity <= text->size + more) {
		capacity *= 2;
	}
	data = heap_allocate(capacity);
	if (!data) {
		text->error = -ENOMEM;
		return false;
	}
	memcpy(data, text->data, text->size);
	heap_free(text->data);
	text->data = data;
	text->capacity = capacity;
	return true;
}

void proc_append(struct proc_text *text, const void *data, size_t size)
{
	if (make_room(text, size)) {
		memcpy(text->data + text->size, data, size);
		text->size += size;
	}
}

void proc_print(struct proc_text *text, const char *format, ...)
{
	char line[256];
	va_list args, again;
	int length;

	va_start(args, format);
	va_copy(again, args);
	length = format_string_v(line, sizeof(line), format, args);
	va_end(args);
	if (length < (int)sizeof(line)) {
		proc_append(text, line, (size_t)length);
	} else if (make_room(text, (size_t)length + 1)) {
		format_string_v(text->data + text->size, (size_t)length + 1, format,
				again);
		text->size += (size_t)length;
	}
	va_end(again);
}

void proc_append_escaped(struct proc_text *text, const char *value)
{
	for (; *value; value++) {
		if (strchr(" \t\n\\", *value)) {
			proc_print(text, "\\%03o", *value);
		} else {
			proc_append(text, value, 1);
		}
	}
}

static int text_make(struct file *file, struct proc_text **out)
{
	const struct proc_node *node = proc_node(file->inode);
	int capability = node->entry->opener_capability;
	struct proc_text *text;
	int error;

	if (!node->entry->show) {
		return -EINVAL; // only for writing, but the mode does not stop root
	}
	if (capability && !credentials_capable(file->credentials, capability)) {
		return -EACCES;
	}
	text = heap_allocate(sizeof(*text));
	if (!text) {
		return -ENOMEM;
	}
	error = node->entry->show(text, node);
	if (!error) {
		error = text->error;
	}
	if (error) {
		heap_free(text->data);
		heap_free(text);
		return error;
	}
	*out = text;
	return 0;
}

static void text_free(struct proc_text *text)
{
	if (text) {
		heap_free(text->data);
		heap_free(text);
	}
}

static s64 text_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct proc_text *text = NULL, *old;
	size_t size, moved;
	int error = 0;

	/* A private text for this read, put back afterwards: concurrent preads each see a whole one. */
	old = __atomic_exchange_n((struct proc_text **)&file->data, NULL,
				  __ATOMIC_ACQ_REL);
	if (*position == 0 || !old) {
		error = text_make(file, &text);
		text_free(old);
	} else {
		text = old;
	}
	if (error) {
		return error;
	}
	size = *position < text->size ? MIN(text->size - *position, io->remaining) : 0;
	moved = size ? io_copy_to(io, text->data + *position, size) : 0;
	text_free(__atomic_exchange_n((struct proc_text **)&file->data, text,
				      __ATOMIC_ACQ_REL));
	*position += moved;
	return moved < size && moved == 0 ? -EFAULT : (s64)moved;
}

static s64 text_write(struct file *file, struct io_buffer *io, u64 *position)
{
	const struct proc_node *node = proc_node(file->inode);
	size_t size = MIN(io->remaining, (u64)WRITE_MAX);
	char *text;
	int error;

	if (!node->entry->write && !node->entry->write_as) {
		return -EINVAL;
	}
	if (node->entry->write_as && (*position || io->remaining > WRITE_MAX)) {
		return -EINVAL;
	}
	text = heap_allocate(WRITE_MAX + 1);
	if (!text) {
		return -ENOMEM;
	}
	if (io_copy_from(io, text, size) != size) {
		heap_free(text);
		return -EFAULT;
	}
	if (size && text[size - 1] == '\n') {
		text[size - 1] = 0;
	}
	error = node->entry->write_as
			? node->entry->write_as(node, file->credentials, text)
			: node->entry->write(node, text);
	heap_free(text);
	*position += node->entry->write_as ? 0 : size;
	return error ? error : (s64)size;
}

static int text_open(struct inode *inode, struct file *file)
{
	const struct proc_node *node = proc_node(inode);
	int error = node->entry->guarded ? proc_check_access(node) : 0;

	return error == -ESRCH
		       ? 0
		       : error; // the first read says what a process that is gone has
}

/* It has no length before it is made, and most have none to seek from. */
s64 proc_text_seek(struct file *file, s64 offset, int whence)
{
	const struct proc_node *node = proc_node(file->inode);
	bool ends = node->entry->ends_at_0 || node->setting ||
		    file->inode->super_block->type != &proc_type;

	return whence == SEEK_END && !ends ? -EINVAL : generic_seek(file, offset, whence);
}

static void text_release(struct file *file)
{
	text_free(file->data);
}

const struct file_operations proc_text_operations = {
	.open = text_open,
	.read = text_read,
	.write = text_write,
	.seek = proc_text_seek,
	.release = text_release,
};
