// SPDX-License-Identifier: MIT
/*
 * proc(5): uid_map, gid_map, projid_map and setgroups of the user namespace a process is in (user_namespaces(7)).
 *
 * Owns      file->data of these files: a reference on the namespace, taken at open, so that a file is always about one.
 * Who may write what is decided in cred/id_map.c, by the credentials of the opener and of the writer.
 */
#include "cred/credentials.h"
#include "cred/user_namespace.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "procfs/procfs_internal.h"
#include "procfs/text.h"

enum { SETGROUPS_SIZE_MAX = 8 };

static struct user_namespace *namespace_of(const struct file *file)
{
	return file->data;
}

static int id_file_open(struct inode *inode, struct file *file)
{
	struct thread *thread = proc_thread(proc_node(inode));
	struct credentials *credentials;

	if (!thread) {
		return -ESRCH;
	}
	credentials = thread_get_credentials(thread);
	thread_put(thread);
	file->data = user_namespace_get(credentials->user_namespace);
	credentials_put(credentials);
	return 0;
}

static void id_file_release(struct file *file)
{
	user_namespace_put(file->data);
}

static int setgroups_open(struct inode *inode, struct file *file)
{
	int error = id_file_open(inode, file);

	if (!error && (file->mode & FILE_WRITE) &&
	    !credentials_capable_in(current_credentials(), namespace_of(file),
				    CAP_SYS_ADMIN)) {
		id_file_release(file);
		file->data = NULL;
		error = -EACCES;
	}
	return error;
}

static s64 hand_out(struct proc_text *text, struct io_buffer *io, u64 *position)
{
	size_t size = 0, moved = 0;

	if (text->error) {
		return text->error;
	}
	if (*position < text->size) {
		size = MIN(text->size - *position, io->remaining);
		moved = io_copy_to(io, text->data + *position, size);
	}
	heap_free(text->data);
	*position += moved;
	return moved == 0 && size ? -EFAULT : (s64)moved;
}

static enum id_kind kind_of(const struct file *file)
{
	switch (proc_node(file->inode)->entry->name[0]) {
	case 'u':
		return ID_USER;
	case 'g':
		return ID_GROUP;
	}
	return ID_PROJECT;
}

static s64 map_read(struct file *file, struct io_buffer *io, u64 *position)
{
	const struct user_namespace *reader = file->credentials->user_namespace;
	struct proc_text text = {0};
	struct id_map_line line;

	for (u32 i = 0; id_map_line(namespace_of(file), kind_of(file), i, reader, &line);
	     i++) {
		proc_print(&text, "%10u %10u %10u\n", line.first, line.lower, line.count);
	}
	return hand_out(&text, io, position);
}

/* What is written, NUL-terminated; one write from the start is all there is. */
static int take_in(struct io_buffer *io, const u64 *position, size_t limit, char **out)
{
	size_t size = io->remaining;
	char *text;

	if (*position || size >= limit) {
		return -EINVAL;
	}
	text = heap_allocate(size + 1);
	if (!text) {
		return -ENOMEM;
	}
	if (io_copy_from(io, text, size) != size) {
		heap_free(text);
		return -EFAULT;
	}
	*out = text;
	return 0;
}

static s64 map_write(struct file *file, struct io_buffer *io, u64 *position)
{
	s64 size = (s64)io->remaining;
	char *text;
	int error = take_in(io, position, PAGE_SIZE, &text);

	if (error) {
		return error;
	}
	error = id_map_write(namespace_of(file), kind_of(file), text, file->credentials,
			     current_credentials());
	heap_free(text);
	if (error) {
		return error;
	}
	*position += (u64)size;
	return size;
}

static s64 setgroups_read(struct file *file, struct io_buffer *io, u64 *position)
{
	bool denied = atomic_load(&namespace_of(file)->setgroups_denied);
	struct proc_text text = {0};

	proc_print(&text, denied ? "deny\n" : "allow\n");
	return hand_out(&text, io, position);
}

static s64 setgroups_write(struct file *file, struct io_buffer *io, u64 *position)
{
	s64 size = (s64)io->remaining;
	char *text;
	int error = take_in(io, position, SETGROUPS_SIZE_MAX, &text);

	if (error) {
		return error;
	}
	error = user_namespace_write_setgroups(namespace_of(file), text);
	heap_free(text);
	if (error) {
		return error;
	}
	*position += (u64)size;
	return size;
}

const struct file_operations proc_id_map_operations = {
	.open = id_file_open,
	.release = id_file_release,
	.read = map_read,
	.write = map_write,
	.seek = proc_text_seek,
};

const struct file_operations proc_setgroups_operations = {
	.open = setgroups_open,
	.release = id_file_release,
	.read = setgroups_read,
	.write = setgroups_write,
	.seek = proc_text_seek,
};
