// SPDX-License-Identifier: MIT
/*
 * Open files: their life, and reading and writing through them.
 *
 * Owns      struct file.
 * Locks     file.position_lock (mutex), taken only where the file has a position. owner_lock (spin): file.owner of all files.
 *
 * A file holds references on its place and credentials. With FILE_WRITE on a regular file it counts
 * in inode.writers, with FILE_EXECUTABLE against it (N1); both end with the file.
 *
 * A release may drop the last references of other files (a socket's queue carries sockets, whose queues carry more). It puts
 * them on the list that it finds in file.dead, and the outermost put releases them one after the other: in the same thread,
 * before that put returns, and with the same stack however many there are.
 */
#include "fs/file.h"

#include "fs/file_lock.h"
#include "fs/fs_internal.h"
#include "fs/notify/notify.h"
#include "fs/write_check.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include <asm/fcntl.h>
#include <linux/eventpoll.h>
#include <linux/stat.h>

OBJECT_CACHE(file_cache, file);

static const struct file_operations path_only_operations;
static struct spinlock owner_lock = SPINLOCK_INIT(RANK_FILE_OWNER, "file.owner_lock");
static void (*epoll_released)(struct file *file);

void file_set_epoll_hook(void (*released)(struct file *file))
{
	epoll_released = released;
}

static u32 mode_from_flags(u32 flags)
{
	if (flags & O_PATH) {
		return FILE_PATH_ONLY;
	}
	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		return FILE_READ;
	case O_WRONLY:
		return FILE_WRITE;
	case O_RDWR:
		return FILE_READ | FILE_WRITE;
	default:
		return 0; // 3: for ioctls alone
	}
}

/* A file that is mounted nowhere (memfd) may be executed while its maker holds it open. */
static bool counts_as_writer(const struct file *file)
{
	return (file->mode & FILE_WRITE) && inode_is(file->inode, S_IFREG) &&
	       file->path.mount;
}

static int begin_write(struct file *file)
{
	int result = mount_begin_write(file->path.mount);

	if (result == 0) {
		result = inode_begin_write(file->inode);
		if (result < 0) {
			mount_end_write(file->path.mount);
		}
	}
	return result;
}

static void end_write(struct file *file)
{
	inode_end_write(file->inode);
	mount_end_write(file->path.mount);
}

static void file_free(struct file *file)
{
	path_put(&file->path);
	credentials_put(file->credentials);
	object_free(&file_cache, file);
}

int file_create(const struct path *path, const struct file_operations *operations,
		u32 flags, const struct credentials *credentials, struct file **out)
{
	struct file *file = object_allocate(&file_cache);
	int result = 0;

	if (!file) {
		return -ENOMEM;
	}
	refcount_init(&file->references, 1);
	mutex_init(&file->position_lock, RANK_FILE_POSITION, "file.position_lock");
	list_init(&file->epoll_links);
	list_init(&file->dead_link);
	path_get(path);
	file->path = *path;
	file->inode = dentry_inode(path->dentry);
	file->mode =
		mode_from_flags(flags) | (flags & OPEN_UNNOTIFIED ? FILE_UNNOTIFIED : 0);
	file->operations = (flags & O_PATH) ? &path_only_operations : operations;
	atomic_store(&file->flags,
		     flags & ~(O_CREAT | O_EXCL | O_TRUNC | OPEN_UNNOTIFIED));
	file->credentials = credentials ? credentials_get(credentials) : NULL;
	if (counts_as_writer(file)) {
		result = begin_write(file);
	}
	if (result == 0 && file->operations->open) {
		result = file->operations->open(file->inode, file);
		if (result < 0 && counts_as_writer(file)) {
			end_write(file);
		}
	}
	atomic_fetch_and(&file->flags, ~(u32)O_NOCTTY); // a terminal's open has seen it
	if (result < 0) {
		file_free(file);
		return result;
	}
	*out = file;
	return 0;
}

void file_get(struct file *file)
{
	refcount_get(&file->references);
}

bool file_try_get(struct file *file)
{
	return refcount_try_get(&file->references);
}

/* Nobody refers to it any more. */
static void release(struct file *file)
{
	notify_file(file, (file->mode & FILE_WRITE) ? NOTIFY_CLOSE_WRITE
						    : NOTIFY_CLOSE_NOWRITE);
	if (epoll_released && !list_empty(&file->epoll_links)) {
		epoll_released(file);
	}
	file_lock_release_file(file);
	if (file->operations->release) {
		file->operations->release(file);
	}
	if (counts_as_writer(file)) {
		end_write(file);
	}
	if (file->mode & FILE_EXECUTABLE) {
		inode_allow_write(file->inode);
	}
	file_free(file);
}

static void die(struct file *file, struct list *dead)
{
	file->dead = dead;
	list_push_back(dead, &file->dead_link);
}

void file_put(struct file *file)
{
	struct list dead = LIST_INIT(dead);

	if (file && refcount_put(&file->references)) {
		die(file, &dead);
		file_release_dead(&dead);
	}
}

void file_put_later(struct file *file, struct list *dead)
{
	if (file && refcount_put(&file->references)) {
		die(file, dead);
	}
}

void file_release_dead(struct list *dead)
{
	while (!list_empty(dead)) {
		struct file *file = list_first(dead, struct file, dead_link);

		list_remove(&file->dead_link);
		release(file);
	}
}

void file_get_owner(const struct file *file, struct file_owner *out)
{
	spin_lock(&owner_lock);
	*out = file->owner;
	spin_unlock(&owner_lock);
}

void file_set_owner(struct file *file, const struct file_owner *owner)
{
	spin_lock(&owner_lock);
	file->owner = *owner;
	spin_unlock(&owner_lock);
}

bool file_nonblocking(const struct file *file)
{
	return (atomic_load_explicit(&file->flags, memory_order_relaxed) & O_NONBLOCK) !=
	       0;
}

static int check_transfer(const struct file *file, const void *operation, u32 wanted)
{
	if (!(file->mode & wanted)) {
		return -EBADF;
	}
	if (inode_is(file->inode, S_IFDIR)) {
		return -EISDIR;
	}
	return operation ? 0 : -EINVAL;
}

/* With the file's own position, under its lock. */
static s64 at_own_position(struct file *file, struct io_buffer *io,
			   s64 (*operation)(struct file *, struct io_buffer *, u64 *))
{
	s64 moved;

	if (file->operations->no_position || file->operations->own_position) {
		u64 nowhere = 0;

		return operation(file, io, &nowhere);
	}
	mutex_lock(&file->position_lock);
	moved = operation(file, io, &file->position);
	mutex_unlock(&file->position_lock);
	return moved;
}

/* Of both, inlined in each: what `act` moves, which is news to who asks for it. */
static always_inline_ s64 transfer(struct file *file, struct io_buffer *io, u64 *position,
				   s64 (*act)(struct file *, struct io_buffer *, u64 *),
				   u32 news)
{
	s64 moved;

	if (!position) {
		moved = at_own_position(file, io, act);
	} else if (file->operations->no_position) {
		return -ESPIPE;
	} else {
		moved = act(file, io, position);
	}
	if (moved > 0) {
		notify_file(file, news);
	}
	return moved;
}

s64 file_read(struct file *file, struct io_buffer *io, u64 *position)
{
	int result =
		check_transfer(file, (const void *)file->operations->read, FILE_READ);

	if (result < 0) {
		return result;
	}
	return transfer(file, io, position, file->operations->read, NOTIFY_ACCESS);
}

s64 file_write(struct file *file, struct io_buffer *io, u64 *position)
{
	int result =
		check_transfer(file, (const void *)file->operations->write, FILE_WRITE);

	if (result < 0) {
		return result == -EISDIR ? -EBADF : result;
	}
	return transfer(file, io, position, file->operations->write, NOTIFY_MODIFY);
}

s64 file_read_kernel(struct file *file, void *to, size_t size, u64 position)
{
	struct io_buffer io;

	io_buffer_init_kernel(&io, to, size);
	return file_read(file, &io, &position);
}

u32 file_poll(struct file *file, struct poll_table *table)
{
	if (!file->operations->poll) {
		return EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM;
	}
	return file->operations->poll(file, table);
}

int file_iterate(struct file *file, struct directory_context *context)
{
	int result;

	if (!file->operations->iterate) {
		return -ENOTDIR;
	}
	if (!(file->mode & FILE_READ)) {
		return -EBADF;
	}
	mutex_lock(&file->position_lock);
	context->position = file->position;
	result =
		file->inode->removed ? -ENOENT : file->operations->iterate(file, context);
	file->position = context->position;
	mutex_unlock(&file->position_lock);
	if (result >= 0) {
		notify_file(file, NOTIFY_ACCESS);
	}
	path_accessed(&file->path);
	return result;
}
