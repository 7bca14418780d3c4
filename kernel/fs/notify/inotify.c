// SPDX-License-Identifier: MIT
/*
 * inotify(7): instances and their watches.
 *
 * Owns      struct inotify, struct inotify_watch; the limits of /proc/sys/fs/inotify.
 * Locks     notify_group.lock (mutex): adding and changing watches, one at a time.
 *           inotify.queue.lock (spin): the tree of watches by number; the queue (queue.c, inotify_queue.c).
 *
 * Invariants
 *   Y3  A watch is in the tree from before its mark is attached until it is detached; then IN_IGNORED is queued. Whoever has
 *       read that, or the event of IN_ONESHOT, finds the watch gone, and its place free (Y5).
 *   Y4  Numbers go up and come again only after the greatest.
 *   Y5  The account is charged with one watch for each that is in the tree.
 */
#include "fs/notify/inotify_internal.h"

#include "cred/user_account.h"
#include "fs/fs_internal.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "mm/heap.h"
#include <asm/fcntl.h>
#include <linux/inotify.h>

enum {
	REPORTED = IN_ALL_EVENTS | IN_ISDIR | IN_UNMOUNT,
	WATCH_FLAGS = IN_ONESHOT | IN_EXCL_UNLINK,
};

OBJECT_CACHE(inotify_cache, inotify);
OBJECT_CACHE(watch_cache, inotify_watch);

static _Atomic u32 limits[INOTIFY_LIMITS] = {
	[INOTIFY_EVENTS] = 16384, [INOTIFY_INSTANCES] = 128, [INOTIFY_WATCHES] = 8192};

u32 inotify_limit(enum inotify_limit which)
{
	return atomic_load_explicit(&limits[which], memory_order_relaxed);
}

void inotify_set_limit(enum inotify_limit which, u32 value)
{
	atomic_store_explicit(&limits[which], value, memory_order_relaxed);
}

/* A user's watches, and the inodes they keep, may take a hundredth of the memory. */
void inotify_init(void)
{
	inotify_set_limit(INOTIFY_WATCHES,
			  notify_marks_default(sizeof(struct inotify_watch)));
}

static struct inotify *inotify_of(struct notify_group *group)
{
	return container_of(group, struct inotify, group);
}

static struct inotify *inotify_of_file(const struct file *file)
{
	return container_of(file->data, struct inotify, queue);
}

static struct inotify_watch *watch_of(struct notify_mark *mark)
{
	return container_of(mark, struct inotify_watch, mark);
}

/* Undo enter(), and the charge. */
static void leave(struct inotify *inotify, struct inotify_watch *watch)
{
	spin_lock(&inotify->queue.lock);
	rbtree_remove(&inotify->watches, &watch->node);
	spin_unlock(&inotify->queue.lock);
	user_account_give_back(inotify->account, USER_INOTIFY_WATCHES, 1);
}

static void inotify_tell(struct notify_mark *mark, const struct notify_event *event,
			 enum notify_role role)
{
	struct inotify *inotify = inotify_of(mark->group);
	u32 flags = READ_ONCE(mark->wanted), mask = event->what & REPORTED;
	bool last;

	if ((flags & IN_EXCL_UNLINK) && event->path &&
	    dentry_unhashed(event->path->dentry)) {
		return;
	}
	last = (flags & IN_ONESHOT) != 0;
	if (last && !notify_mark_take(mark, event->what, IN_ONESHOT, &last)) {
		return; // of another event it has told, or by now it asks for others
	}
	if (last) {
		leave(inotify, watch_of(mark)); // before the reader knows: Y3
	}
	if (mask & (IN_MOVE_SELF | IN_DELETE_SELF)) {
		mask &= ~(u32)IN_ISDIR;
	}
	inotify_queue_event(inotify, watch_of(mark), mask, event->cookie,
			    role == NOTIFY_AS_DIRECTORY ? event->name : NULL);
	if (last) {
		inotify_queue_event(inotify, watch_of(mark), IN_IGNORED, 0, NULL);
		notify_mark_put(mark);
	}
}

static void inotify_detached(struct notify_mark *mark)
{
	struct inotify *inotify = inotify_of(mark->group);

	leave(inotify, watch_of(mark));
	inotify_queue_event(inotify, watch_of(mark), IN_IGNORED, 0, NULL);
}

static void inotify_free_mark(struct notify_mark *mark)
{
	object_free(&watch_cache, watch_of(mark));
}

static void inotify_free_group(struct notify_group *group)
{
	struct inotify *inotify = inotify_of(group);

	user_account_give_back(inotify->account, USER_INOTIFY_INSTANCES, 1);
	user_account_put(inotify->account);
	object_free(&inotify_cache, inotify);
}

static const struct notify_group_operations inotify_group_operations = {
	.tell = inotify_tell,
	.detached = inotify_detached,
	.free_mark = inotify_free_mark,
	.free_group = inotify_free_group,
};

static void inotify_release(struct file *file)
{
	struct inotify *inotify = inotify_of_file(file);

	notify_queue_close(&inotify->queue);
	notify_group_clear(&inotify->group);
	notify_group_put(&inotify->group);
}

static s64 inotify_seek(struct file *file, s64 offset, int whence)
{
	return 0; // as Linux: there is no position, and no error
}

/* A line of /proc/PID/fdinfo: the device number as the kernel writes it, the mask as it was asked for. */
static int describe(const struct inotify_watch *watch, char *to, size_t size)
{
	const struct inode *inode = watch->mark.inode;
	u64 device = inode->super_block->device_id;

	return format_string(
		to, size, "inotify wd:%x ino:%lx sdev:%lx mask:%x ignored_mask:0\n",
		(u32)watch->number, inode->attributes.inode_number,
		(device & 0xff) | ((device >> 12) & ~0xffUL),
		READ_ONCE(watch->mark.wanted) & (IN_ALL_EVENTS | WATCH_FLAGS));
}

static int inotify_fdinfo(struct file *file, char *to, size_t size)
{
	struct inotify *inotify = inotify_of_file(file);
	struct notify_mark *mark = NULL;
	int done = 0;

	while ((mark = notify_mark_next(&inotify->group, mark))) {
		int length = describe(watch_of(mark), to + done, size - (size_t)done);

		if (length >= (int)size - done) { // whole lines, as many as fit
			notify_mark_put(mark);
			break;
		}
		done += length;
	}
	to[done] = '\0';
	return done;
}

static const struct file_operations inotify_operations = {
	.read = notify_queue_read,
	.poll = notify_queue_poll,
	.ioctl = notify_queue_ioctl,
	.seek = inotify_seek,
	.fdinfo = inotify_fdinfo,
	.release = inotify_release,
	.own_position = true,
};

bool file_is_inotify(const struct file *file)
{
	return file->operations == &inotify_operations;
}

int inotify_create(u32 flags, struct user_account *account, struct file **out)
{
	struct inotify *inotify;
	int result;

	if (flags & ~(u32)O_NONBLOCK) {
		return -EINVAL;
	}
	if (!user_account_charge(account, USER_INOTIFY_INSTANCES, 1,
				 inotify_limit(INOTIFY_INSTANCES))) {
		return -EMFILE;
	}
	inotify = object_allocate(&inotify_cache);
	if (!inotify) {
		user_account_give_back(account, USER_INOTIFY_INSTANCES, 1);
		return -ENOMEM;
	}
	notify_group_init(&inotify->group, &inotify_group_operations);
	inotify_queue_init(inotify);
	inotify->queue.maximum = inotify_limit(INOTIFY_EVENTS);
	user_account_get(account);
	inotify->account = account;
	result = file_create_anonymous("inotify", 0600, &inotify_operations,
				       O_RDONLY | flags, &inotify->queue, out);
	if (result < 0) {
		notify_group_put(&inotify->group);
	}
	return result;
}

/* The watch of this number or, if there is none, NULL and where it would be linked. */
static struct inotify_watch *find_number(struct inotify *inotify, int number,
					 struct rbtree_node **parent,
					 struct rbtree_node ***link)
	MUST_HOLD(&inotify->queue.lock)
{
	*parent = NULL;
	*link = &inotify->watches.root;
	while (**link) {
		struct inotify_watch *watch =
			rbtree_entry(**link, struct inotify_watch, node);

		if (watch->number == number) {
			return watch;
		}
		*parent = **link;
		*link = number < watch->number ? &(*parent)->left : &(*parent)->right;
	}
	return NULL;
}

/* Give it a number and enter it. There are fewer watches than numbers. */
static void enter(struct inotify *inotify, struct inotify_watch *watch)
{
	struct rbtree_node *parent, **link;

	spin_lock(&inotify->queue.lock);
	do {
		inotify->last_number =
			inotify->last_number == INT32_MAX ? 1 : inotify->last_number + 1;
	} while (find_number(inotify, inotify->last_number, &parent, &link));
	watch->number = inotify->last_number;
	rbtree_insert(&inotify->watches, &watch->node, parent, link);
	spin_unlock(&inotify->queue.lock);
}

static u32 wanted_of(u32 mask)
{
	return (mask & (IN_ALL_EVENTS | WATCH_FLAGS)) | NOTIFY_UNMOUNT;
}

static int watch_anew(struct inotify *inotify, struct inode *inode, u32 mask)
{
	const struct notify_object object = {.inode = inode};
	struct inotify_watch *watch;
	int number;

	if (!user_account_charge(inotify->account, USER_INOTIFY_WATCHES, 1,
				 inotify_limit(INOTIFY_WATCHES))) {
		return -ENOSPC;
	}
	watch = object_allocate(&watch_cache);
	if (!watch) {
		user_account_give_back(inotify->account, USER_INOTIFY_WATCHES, 1);
		return -ENOMEM;
	}
	notify_mark_init(&watch->mark, &inotify->group, wanted_of(mask));
	enter(inotify, watch);
	number = watch->number;
	notify_mark_attach(&watch->mark, &object);
	notify_mark_put(&watch->mark);
	return number;
}

/* The number, or 0: it went meanwhile. */
static int change(struct inotify_watch *watch, u32 mask)
{
	u32 wanted = wanted_of(mask);

	if (mask & IN_MASK_CREATE) {
		return -EEXIST;
	}
	if (mask & IN_MASK_ADD) {
		wanted |= watch->mark.wanted;
	}
	return notify_mark_change(&watch->mark, wanted) ? watch->number : 0;
}

int inotify_watch_inode(struct file *file, struct inode *inode, u32 mask)
{
	const struct notify_object object = {.inode = inode};
	struct inotify *inotify = inotify_of_file(file);
	struct notify_mark *mark;
	int result = 0;

	mutex_lock(&inotify->group.lock);
	mark = notify_mark_find(&inotify->group, &object);
	if (mark) {
		result = change(watch_of(mark), mask);
	}
	if (result == 0) {
		result = watch_anew(inotify, inode, mask);
	}
	mutex_unlock(&inotify->group.lock);
	notify_mark_put(mark);
	return result;
}

int inotify_unwatch(struct file *file, int number)
{
	struct inotify *inotify = inotify_of_file(file);
	struct rbtree_node *parent, **link;
	struct inotify_watch *watch;
	bool detached;

	spin_lock(&inotify->queue.lock);
	watch = find_number(inotify, number, &parent, &link);
	if (watch) {
		notify_mark_get(&watch->mark);
	}
	spin_unlock(&inotify->queue.lock);
	if (!watch) {
		return -EINVAL;
	}
	detached = notify_mark_detach(&watch->mark);
	notify_mark_put(&watch->mark);
	return detached ? 0 : -EINVAL;
}
