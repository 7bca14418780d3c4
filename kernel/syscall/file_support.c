// SPDX-License-Identifier: MIT
/* Names, vectors and places for the file system calls; and the limit on file sizes. */
#include "syscall/file_support.h"

#include "mm/heap.h"
#include "mm/usercopy.h"
#include "process/namespace/namespace.h"
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/uio.h>

int user_name_read(struct user_name *name, vaddr_t from)
{
	s64 length = arch_copy_string_from_user(name->small, (const char __user *)from,
						sizeof(name->small));

	name->text = name->small;
	if (length < 0 || (u64)length < sizeof(name->small)) {
		return length < 0 ? (int)length : 0;
	}
	name->text = heap_allocate(PATH_MAX);
	if (!name->text) {
		name->text = name->small;
		return -ENOMEM;
	}
	length = user_read_string(name->text, from, PATH_MAX);
	if (length < 0) {
		user_name_release(name);
		return (int)length;
	}
	return 0;
}

void user_name_release(struct user_name *name)
{
	if (name->text != name->small) {
		heap_free(name->text);
	}
	name->text = name->small;
}

struct walk_context current_walk(void)
{
	return (struct walk_context){.fs = current_fs(),
				     .credentials = current_credentials(),
				     .mounts = current_mounts()};
}

int at_begin(struct at_place *at, int directory, const char *name)
{
	int result;

	at->context = current_walk();
	at->directory.file = NULL;
	if (directory == AT_FDCWD || *name == '/') {
		return 0;
	}
	result = fd_begin_any(current_files(), directory, &at->directory);
	if (result < 0) {
		at->directory.file = NULL;
		return result;
	}
	at->start = at->directory.file->path;
	at->context.start = &at->start;
	return 0;
}

void at_end(struct at_place *at)
{
	if (at->directory.file) {
		fd_end(&at->directory);
	}
}

unsigned walk_flags_of(int at_flags)
{
	return ((at_flags & AT_SYMLINK_NOFOLLOW) ? 0 : WALK_FOLLOW) |
	       ((at_flags & AT_EMPTY_PATH) ? WALK_EMPTY : 0);
}

int at_walk(int directory, vaddr_t user, unsigned walk_flags, struct path *out)
{
	struct user_name name;
	struct at_place at;
	int result = user_name_read(&name, user);

	if (result < 0) {
		return result;
	}
	result = at_begin(&at, directory, name.text);
	if (result == 0) {
		result = path_walk(&at.context, name.text, walk_flags, out);
		at_end(&at);
	}
	user_name_release(&name);
	return result;
}

int user_buffer(struct io_buffer *io, vaddr_t address, u64 size)
{
	if (!user_range_ok(address, size)) {
		return -EFAULT; // the whole length counts, before it is cut
	}
	io_buffer_init_user(io, address, MIN(size, TRANSFER_MAX));
	return 0;
}

static int check_ranges(struct io_range *ranges, size_t count)
{
	u64 total = 0;

	STATIC_ASSERT(sizeof(struct io_range) == sizeof(struct iovec));
	for (size_t i = 0; i < count; i++) {
		if ((s64)ranges[i].size < 0) {
			return -EINVAL;
		}
		if (!user_range_ok(ranges[i].base, ranges[i].size)) {
			return -EFAULT;
		}
		ranges[i].size = MIN(ranges[i].size, TRANSFER_MAX - total);
		total += ranges[i].size;
	}
	return 0;
}

int user_vector_read(struct user_vector *vector, vaddr_t from, u64 count)
{
	int result;

	vector->ranges = vector->small;
	if (count > UIO_MAXIOV) {
		return -EINVAL;
	}
	if (count > ARRAY_SIZE(vector->small)) {
		vector->ranges = heap_allocate_array(count, sizeof(*vector->ranges));
		if (!vector->ranges) {
			return -ENOMEM;
		}
	}
	result = user_read(vector->ranges, from, count * sizeof(*vector->ranges));
	if (result == 0) {
		result = check_ranges(vector->ranges, count);
	}
	if (result < 0) {
		user_vector_release(vector);
		return result;
	}
	io_buffer_init_user_vector(&vector->io, vector->ranges, count);
	return 0;
}

void user_vector_release(struct user_vector *vector)
{
	if (vector->ranges != vector->small) {
		heap_free(vector->ranges);
	}
	vector->ranges = vector->small;
}

int reserve_pair(int fds[2], bool close_on_exec)
{
	fds[0] = current_reserve_fd(close_on_exec);
	if (fds[0] < 0) {
		return fds[0];
	}
	fds[1] = current_reserve_fd(close_on_exec);
	if (fds[1] < 0) {
		fd_cancel(current_files(), fds[0]);
		return fds[1];
	}
	return 0;
}

void cancel_pair(const int fds[2])
{
	fd_cancel(current_files(), fds[0]);
	fd_cancel(current_files(), fds[1]);
}

int fd_path(int fd, struct path *out)
{
	struct fd_reference reference;
	int result = fd_begin_any(current_files(), fd, &reference);

	if (result == 0) {
		*out = reference.file->path;
		path_get(out);
		fd_end(&reference);
	}
	return result;
}
