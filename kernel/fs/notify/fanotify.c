// SPDX-License-Identifier: MIT
/*
 * fanotify(7): instances and their marks on inodes, mounts and file systems. Events are told with a descriptor of the file; file
 * handles (FAN_REPORT_FID) and permission events are not there.
 *
 * Owns      struct fanotify, struct fanotify_mark; the limits of /proc/sys/fs/fanotify.
 * Locks     notify_group.lock (mutex): adding and changing marks, one at a time  >  fanotify.queue.lock (spin): their masks, and the
 *           queue (queue.c, fanotify_queue.c)  >  notify_lock.
 *
 * Invariants
 *   X3  notify_mark.wanted is what the mark asks for or ignores: who ignores must be heard too.
 *   X4  An event is queued once for a group, however many of its marks ask for it: by the first that is told, which looks at all.
 *   X5  A mark that asks for nothing and ignores nothing is detached.
 */
#include "fs/notify/fanotify_internal.h"

#include "cred/user_account.h"
#include "fs/fs_internal.h"
#include "fs/mount.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "mm/heap.h"
#include <asm/fcntl.h>
#include <linux/stat.h>

enum {
	KIND = FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM,
	IGNORES = FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORE,
	MODIFIERS = FAN_ONDIR | FAN_EVENT_ON_CHILD,
};

struct fanotify_mark {
	struct notify_mark mark;
	u32 kind;   /* I: 0, FAN_MARK_MOUNT, FAN_MARK_FILESYSTEM */
	u32 id;     /* I: of the mount */
	u64 device; /* I: of the file system */

	/* fanotify.queue.lock */
	u32 mask, ignored; /* FAN_…; FAN_ONDIR and FAN_EVENT_ON_CHILD in each mean it */
	bool survives;     /* `ignored` does, when the file is written to */
	bool says_which;   /* FAN_MARK_IGNORE: the modifiers in `ignored` count */
};

OBJECT_CACHE(fanotify_cache, fanotify);
OBJECT_CACHE(mark_cache, fanotify_mark);

static _Atomic u32 limits[FANOTIFY_LIMITS] = {
	[FANOTIFY_EVENTS] = 16384, [FANOTIFY_GROUPS] = 128, [FANOTIFY_MARKS] = 8192};

u32 fanotify_limit(enum fanotify_limit which)
{
	return atomic_load_explicit(&limits[which], memory_order_relaxed);
}

void fanotify_set_limit(enum fanotify_limit which, u32 value)
{
	atomic_store_explicit(&limits[which], value, memory_order_relaxed);
}

/* A user's marks, and the inodes they keep, may take a hundredth of the memory. */
void fanotify_init(void)
{
	fanotify_set_limit(FANOTIFY_MARKS,
			   notify_marks_default(sizeof(struct fanotify_mark)));
}

static struct fanotify *fanotify_of(struct notify_group *group)
{
	return container_of(group, struct fanotify, group);
}

static struct fanotify *fanotify_of_file(const struct file *file)
{
	return container_of(file->data, struct fanotify, queue);
}

static struct fanotify_mark *fanotify_mark_of(struct notify_mark *mark)
{
	return container_of(mark, struct fanotify_mark, mark);
}

/* --- telling --- */

/* What this mark keeps from its group. */
static u32 ignored_by(const struct fanotify_mark *mark, enum notify_role role, u32 what)
{
	u32 modifiers = mark->says_which ? mark->ignored
					 : FAN_ONDIR | (mark->mask & FAN_EVENT_ON_CHILD);

	if (((what & NOTIFY_DIRECTORY) && !(modifiers & FAN_ONDIR)) ||
	    (role == NOTIFY_AS_DIRECTORY && !(modifiers & FAN_EVENT_ON_CHILD))) {
		return 0;
	}
	return mark->ignored;
}

static u32 asked_by(const struct fanotify_mark *mark, enum notify_role role, u32 what)
{
	if (((what & NOTIFY_DIRECTORY) && !(mark->mask & FAN_ONDIR)) ||
	    (role == NOTIFY_AS_DIRECTORY && !(mark->mask & FAN_EVENT_ON_CHILD))) {
		return 0;
	}
	return mark->mask;
}

/* Those of the group that the event passes, with references; NULL where there is none. */
static void find_marks(struct notify_group *group, const struct notify_event *event,
		       struct notify_mark *marks[NOTIFY_ROLES])
{
	const struct notify_object objects[NOTIFY_ROLES] = {
		[NOTIFY_AS_DIRECTORY] = {.inode = event->directory},
		[NOTIFY_AS_SELF] = {.inode = event->inode},
		[NOTIFY_AS_MOUNT] = {.mount = event->path->mount},
		[NOTIFY_AS_SUPER_BLOCK] = {.super_block = event->inode->super_block},
	};

	for (int role = 0; role < NOTIFY_ROLES; role++) {
		const struct notify_object *object = &objects[role];

		marks[role] = object->inode || object->mount || object->super_block
				      ? notify_mark_find(group, object)
				      : NULL;
	}
}

/* What the group is to hear, by all its marks that the event passes. */
static u32 judge(struct fanotify *fanotify, struct notify_mark *marks[NOTIFY_ROLES],
		 u32 what)
{
	u32 asked = 0, ignored = 0;

	spin_lock(&fanotify->queue.lock);
	for (int role = 0; role < NOTIFY_ROLES; role++) {
		struct fanotify_mark *mark;

		if (!marks[role]) {
			continue;
		}
		mark = fanotify_mark_of(marks[role]);
		if ((what & NOTIFY_MODIFY) && !mark->survives) {
			mark->ignored = 0;
		}
		asked |= asked_by(mark, (enum notify_role)role, what);
		ignored |= ignored_by(mark, (enum notify_role)role, what);
	}
	spin_unlock(&fanotify->queue.lock);
	return what & asked & ~ignored & NOTIFY_HAPPENINGS;
}

/* The first of the marks that is told (mark.c goes through them in the order of the roles). */
static bool is_first(struct notify_mark *marks[NOTIFY_ROLES], enum notify_role role,
		     u32 what)
{
	for (int before = 0; before < (int)role; before++) {
		if (marks[before] &&
		    (READ_ONCE(marks[before]->wanted) & what & NOTIFY_HAPPENINGS)) {
			return false;
		}
	}
	return true;
}

static void fanotify_tell(struct notify_mark *mark, const struct notify_event *event,
			  enum notify_role role)
{
	struct notify_mark *marks[NOTIFY_ROLES];
	u32 heard = 0;

	// A descriptor can be made of what was opened, and only of these kinds.
	if (!event->path ||
	    (!inode_is(event->inode, S_IFREG) && !inode_is(event->inode, S_IFDIR))) {
		return;
	}
	find_marks(mark->group, event, marks);
	if (is_first(marks, role, event->what)) {
		heard = judge(fanotify_of(mark->group), marks, event->what);
	}
	for (int i = 0; i < NOTIFY_ROLES; i++) {
		notify_mark_put(marks[i]);
	}
	if (heard) {
		fanotify_queue_event(fanotify_of(mark->group), event->path, heard);
	}
}

/* --- marks --- */

static void fanotify_detached(struct notify_mark *mark)
{
	user_account_give_back(fanotify_of(mark->group)->account, USER_FANOTIFY_MARKS, 1);
}

static void fanotify_free_mark(struct notify_mark *mark)
{
	object_free(&mark_cache, fanotify_mark_of(mark));
}

static void fanotify_free_group(struct notify_group *group)
{
	struct fanotify *fanotify = fanotify_of(group);

	user_account_give_back(fanotify->account, USER_FANOTIFY_GROUPS, 1);
	user_account_put(fanotify->account);
	object_free(&fanotify_cache, fanotify);
}

static const struct notify_group_operations fanotify_group_operations = {
	.tell = fanotify_tell,
	.detached = fanotify_detached,
	.free_mark = fanotify_free_mark,
	.free_group = fanotify_free_group,
};

static struct notify_object object_of(const struct path *path, u32 kind)
{
	return (struct notify_object){
		.inode = kind == 0 ? dentry_inode(path->dentry) : NULL,
		.mount = kind == FAN_MARK_MOUNT ? path->mount : NULL,
		.super_block =
			kind == FAN_MARK_FILESYSTEM ? path->dentry->super_block : NULL,
	};
}

/* The masks changed: say so to the core; false: nothing is left of them. */
static bool settle_locked(struct fanotify_mark *mark)
{
	u32 wanted = (mark->mask | mark->ignored) & NOTIFY_HAPPENINGS;

	(void)notify_mark_change(&mark->mark, wanted);
	return mark->mask || (mark->ignored & ~(u32)MODIFIERS);
}

/* A new one with a reference, which asks for nothing yet. The group's lock is held. */
static int make_mark(struct fanotify *fanotify, const struct path *path, u32 kind,
		     struct notify_mark **out)
{
	u64 most = fanotify->flags & FAN_UNLIMITED_MARKS ? ~0ULL
							 : fanotify_limit(FANOTIFY_MARKS);
	const struct notify_object object = object_of(path, kind);
	struct fanotify_mark *mark;

	if (!user_account_charge(fanotify->account, USER_FANOTIFY_MARKS, 1, most)) {
		return -ENOSPC;
	}
	mark = object_allocate(&mark_cache);
	if (!mark) {
		user_account_give_back(fanotify->account, USER_FANOTIFY_MARKS, 1);
		return -ENOMEM;
	}
	mark->kind = kind;
	mark->id = kind == FAN_MARK_MOUNT ? path->mount->id : 0;
	mark->device = path->dentry->super_block->device_id;
	notify_mark_init(&mark->mark, &fanotify->group, 0);
	notify_mark_attach(&mark->mark, &object);
	*out = &mark->mark;
	return 0;
}

/* May it ignore in this way too? Neither in the old way after the new one, nor less than it promised. */
static int check_ignoring(const struct fanotify_mark *mark, u32 flags)
{
	if ((flags & FAN_MARK_IGNORED_MASK) && mark->says_which) {
		return -EEXIST;
	}
	return (flags & FAN_MARK_IGNORE) && mark->survives &&
			       !(flags & FAN_MARK_IGNORED_SURV_MODIFY)
		       ? -EEXIST
		       : 0;
}

static int add_to(struct fanotify *fanotify, struct fanotify_mark *mark, u32 flags,
		  u32 mask)
{
	int result;

	spin_lock(&fanotify->queue.lock);
	result = check_ignoring(mark, flags);
	if (result == 0 && (flags & IGNORES)) {
		mark->ignored |= mask;
		mark->says_which = (flags & FAN_MARK_IGNORE) != 0;
		mark->survives = mark->survives || (flags & FAN_MARK_IGNORED_SURV_MODIFY);
	} else if (result == 0) {
		mark->mask |= mask;
	}
	(void)settle_locked(mark);
	spin_unlock(&fanotify->queue.lock);
	return result;
}

static int add(struct fanotify *fanotify, u32 flags, u32 mask, const struct path *path)
{
	const struct notify_object object = object_of(path, flags & KIND);
	struct notify_mark *mark = notify_mark_find(&fanotify->group, &object);
	int result = 0;

	if (!mark) {
		result = make_mark(fanotify, path, flags & KIND, &mark);
	}
	if (result == 0) {
		result = add_to(fanotify, fanotify_mark_of(mark), flags, mask);
		notify_mark_put(mark);
	}
	return result;
}

static int remove_from(struct fanotify *fanotify, u32 flags, u32 mask,
		       const struct path *path)
{
	const struct notify_object object = object_of(path, flags & KIND);
	struct notify_mark *found = notify_mark_find(&fanotify->group, &object);
	struct fanotify_mark *mark;
	bool left;

	if (!found) {
		return -ENOENT;
	}
	mark = fanotify_mark_of(found);
	spin_lock(&fanotify->queue.lock);
	if (flags & IGNORES) {
		mark->ignored &= ~mask;
	} else {
		mark->mask &= ~mask;
	}
	left = settle_locked(mark);
	spin_unlock(&fanotify->queue.lock);
	if (!left) {
		(void)notify_mark_detach(found);
	}
	notify_mark_put(found);
	return 0;
}

int fanotify_mark_place(struct file *file, u32 flags, u32 mask, const struct path *path)
{
	struct fanotify *fanotify = fanotify_of_file(file);
	int result;

	mutex_lock(&fanotify->group.lock);
	result = (flags & FAN_MARK_ADD ? add : remove_from)(fanotify, flags, mask, path);
	mutex_unlock(&fanotify->group.lock);
	return result;
}

void fanotify_flush(struct file *file, u32 flags)
{
	struct fanotify *fanotify = fanotify_of_file(file);
	struct notify_mark *mark = NULL;

	mutex_lock(&fanotify->group.lock);
	while ((mark = notify_mark_next(&fanotify->group, mark))) {
		if (fanotify_mark_of(mark)->kind == (flags & KIND)) {
			(void)notify_mark_detach(mark);
		}
	}
	mutex_unlock(&fanotify->group.lock);
}

/* --- the instance as a file --- */

static void fanotify_release(struct file *file)
{
	struct fanotify *fanotify = fanotify_of_file(file);

	notify_queue_close(&fanotify->queue);
	notify_group_clear(&fanotify->group);
	notify_group_put(&fanotify->group);
}

static s64 fanotify_write(struct file *file, struct io_buffer *io, u64 *position)
{
	return -EINVAL; // answers to permission events, which are never asked
}

static s64 fanotify_seek(struct file *file, s64 offset, int whence)
{
	return 0; // as Linux: there is no position, and no error
}

/* A line of /proc/PID/fdinfo for a mark. */
static int describe(struct fanotify *fanotify, struct fanotify_mark *mark, char *to,
		    size_t size)
{
	u32 mask, ignored, flags;
	u64 device = (mark->device & 0xff) | ((mark->device >> 12) & ~0xffUL);

	spin_lock(&fanotify->queue.lock);
	mask = mark->mask;
	ignored = mark->ignored;
	flags = (mark->survives ? FAN_MARK_IGNORED_SURV_MODIFY : 0) |
		(ignored && mark->says_which ? FAN_MARK_IGNORE : 0);
	spin_unlock(&fanotify->queue.lock);
	if (mark->kind == FAN_MARK_MOUNT) {
		return format_string(
			to, size,
			"fanotify mnt_id:%x mflags:%x mask:%x ignored_mask:%x\n",
			mark->id, flags, mask, ignored);
	}
	if (mark->kind == FAN_MARK_FILESYSTEM) {
		return format_string(to, size,
				     "fanotify sdev:%lx mflags:%x mask:%x "
				     "ignored_mask:%x\n",
				     device, flags, mask, ignored);
	}
	return format_string(
		to, size, "fanotify ino:%lx sdev:%lx mflags:%x mask:%x ignored_mask:%x\n",
		mark->mark.inode->attributes.inode_number, device, flags, mask, ignored);
}

static int fanotify_fdinfo(struct file *file, char *to, size_t size)
{
	struct fanotify *fanotify = fanotify_of_file(file);
	struct notify_mark *mark = NULL;
	int done = format_string(to, size, "fanotify flags:%x event-flags:%x\n",
				 fanotify->flags, fanotify->event_flags);

	while ((mark = notify_mark_next(&fanotify->group, mark))) {
		int length = describe(fanotify, fanotify_mark_of(mark), to + done,
				      size - (size_t)done);

		if (length >= (int)size - done) { // whole lines, as many as fit
			notify_mark_put(mark);
			break;
		}
		done += length;
	}
	to[done] = '\0';
	return done;
}

static const struct file_operations fanotify_operations = {
	.read = notify_queue_read,
	.write = fanotify_write,
	.poll = notify_queue_poll,
	.ioctl = notify_queue_ioctl,
	.seek = fanotify_seek,
	.fdinfo = fanotify_fdinfo,
	.release = fanotify_release,
	.own_position = true,
};

bool file_is_fanotify(const struct file *file)
{
	return file->operations == &fanotify_operations;
}

int fanotify_create(const struct fanotify_options *options, struct file **out)
{
	struct fanotify *fanotify;
	int result;

	if (!user_account_charge(options->account, USER_FANOTIFY_GROUPS, 1,
				 fanotify_limit(FANOTIFY_GROUPS))) {
		return -EMFILE;
	}
	fanotify = object_allocate(&fanotify_cache);
	if (!fanotify) {
		user_account_give_back(options->account, USER_FANOTIFY_GROUPS, 1);
		return -ENOMEM;
	}
	notify_group_init(&fanotify->group, &fanotify_group_operations);
	fanotify_queue_init(fanotify);
	fanotify->flags = options->flags;
	fanotify->event_flags = options->event_flags;
	fanotify->queue.maximum = options->flags & FAN_UNLIMITED_QUEUE
					  ? ~0u
					  : fanotify_limit(FANOTIFY_EVENTS);
	user_account_get(options->account);
	fanotify->account = options->account;
	result = file_create_anonymous(
		"[fanotify]", 0600, &fanotify_operations,
		O_RDWR | (options->flags & FAN_NONBLOCK ? O_NONBLOCK : 0),
		&fanotify->queue, out);
	if (result < 0) {
		notify_group_put(&fanotify->group);
	}
	return result;
}
