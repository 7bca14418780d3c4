// SPDX-License-Identifier: MIT
/*
 * dnotify: signals for what happens to a directory and in it (fcntl(2), F_NOTIFY).
 *
 * Owns      the one group, with a mark for each directory that somebody asks about, and struct dnotify_wish.
 * Locks     notify_group.lock (mutex): wishes are added, one at a time  >  dnotify_lock (spin): all about them  >  notify_lock.
 *
 * Invariants
 *   Z1  A wish goes before the descriptor table that made it puts the file: so its file is there as long as it is.
 *   Z2  A mark asks for what any of its wishes asks for; one without wishes is `ended`, detached soon, and
 *       gets none any more.
 *   Z3  A wish without DN_MULTISHOT is removed by what signals it: one signal.
 */
#include "fs/notify/dnotify.h"

#include "fs/fs_internal.h"
#include "fs/notify/notify_internal.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include <linux/fcntl.h>
#include <linux/stat.h>

enum { BATCH = 4 };

struct dnotify_wish {
	struct dnotify_wish *next; /* newest first */
	struct file *file;         /* borrowed: Z1 */
	const void *table;         /* compared only */
	u64 age;
	u32 what; /* NOTIFY_… */
	int fd;
	bool again;
};

struct dnotify_mark {
	struct notify_mark mark;

	/* dnotify_lock */
	struct dnotify_wish *wishes;
	bool ended;
};

/* Who is to be told, gathered under the lock. */
struct news {
	struct file_owner owner;
	int fd;
};

OBJECT_CACHE(wish_cache, dnotify_wish);
OBJECT_CACHE(mark_cache, dnotify_mark);

static struct spinlock dnotify_lock = SPINLOCK_INIT(RANK_NOTIFY_WISHES, "dnotify_lock");
static u64 next_age GUARDED_BY(dnotify_lock) = 1;
static struct notify_group group;
static void (*signal_owner)(const struct file_owner *owner, int fd);

void dnotify_set_signal(void (*signal)(const struct file_owner *owner, int fd))
{
	signal_owner = signal;
}

static _Atomic u32 enabled = 1;

u32 dnotify_enabled(void)
{
	return atomic_load_explicit(&enabled, memory_order_relaxed);
}

void dnotify_enable(u32 value)
{
	atomic_store_explicit(&enabled, value, memory_order_relaxed);
}

static struct dnotify_mark *dnotify_of(struct notify_mark *mark)
{
	return container_of(mark, struct dnotify_mark, mark);
}

static u32 events_of(u32 mask)
{
	return ((mask & DN_ACCESS) ? NOTIFY_ACCESS : 0) |
	       ((mask & DN_MODIFY) ? NOTIFY_MODIFY : 0) |
	       ((mask & DN_CREATE) ? NOTIFY_CREATE | NOTIFY_MOVED_TO : 0) |
	       ((mask & DN_DELETE) ? NOTIFY_DELETE | NOTIFY_MOVED_FROM : 0) |
	       ((mask & DN_RENAME) ? NOTIFY_RENAMED_WITHIN : 0) |
	       ((mask & DN_ATTRIB) ? NOTIFY_ATTRIBUTES : 0);
}

static u32 wanted_of(const struct dnotify_mark *mark) MUST_HOLD(&dnotify_lock)
{
	u32 wanted = 0;

	for (const struct dnotify_wish *wish = mark->wishes; wish; wish = wish->next) {
		wanted |= wish->what;
	}
	return wanted;
}

/* Wishes went: ask for less, or end. */
static void settle(struct dnotify_mark *mark)
{
	bool ends;

	spin_lock(&dnotify_lock);
	ends = !mark->wishes;
	mark->ended = mark->ended || ends;
	if (!ends) {
		(void)notify_mark_change(&mark->mark, wanted_of(mark));
	}
	spin_unlock(&dnotify_lock);
	if (ends) {
		(void)notify_mark_detach(&mark->mark);
	}
}

/* Those older than *age that ask for it, and are not to be signalled again: to `spent`. How many. */
static unsigned gather(struct dnotify_mark *mark, u32 what, u64 *age, struct news *news,
		       struct dnotify_wish **spent)
{
	struct dnotify_wish **link = &mark->wishes;
	unsigned count = 0;

	spin_lock(&dnotify_lock);
	while (*link && count < BATCH) {
		struct dnotify_wish *wish = *link;

		if (wish->age >= *age || !(wish->what & what)) {
			link = &wish->next;
			continue;
		}
		*age = wish->age;
		news[count].fd = wish->fd;
		file_get_owner(wish->file, &news[count++].owner);
		if (wish->again) {
			link = &wish->next;
		} else {
			*link = wish->next;
			wish->next = *spent;
			*spent = wish;
		}
	}
	spin_unlock(&dnotify_lock);
	return count;
}

/* How many there were. */
static unsigned free_wishes(struct dnotify_wish *wishes)
{
	unsigned count = 0;

	while (wishes) {
		struct dnotify_wish *next = wishes->next;

		object_free(&wish_cache, wishes);
		wishes = next;
		count++;
	}
	return count;
}

static void dnotify_tell(struct notify_mark *mark, const struct notify_event *event,
			 enum notify_role role)
{
	struct dnotify_wish *spent = NULL;
	struct news news[BATCH];
	unsigned count = BATCH;
	u64 age = ~0ULL;

	while (count == BATCH) {
		count = gather(dnotify_of(mark), event->what & NOTIFY_HAPPENINGS, &age,
			       news, &spent);
		for (unsigned i = 0; i < count; i++) {
			signal_owner(&news[i].owner, news[i].fd);
		}
	}
	if (free_wishes(spent) > 0) {
		settle(dnotify_of(mark));
	}
}

static void dnotify_detached(struct notify_mark *mark)
{
	struct dnotify_wish *wishes;

	spin_lock(&dnotify_lock);
	wishes = dnotify_of(mark)->wishes;
	dnotify_of(mark)->wishes = NULL;
	dnotify_of(mark)->ended = true;
	spin_unlock(&dnotify_lock);
	(void)free_wishes(wishes);
}

static void dnotify_free_mark(struct notify_mark *mark)
{
	object_free(&mark_cache, dnotify_of(mark));
}

static const struct notify_group_operations dnotify_operations = {
	.tell = dnotify_tell,
	.detached = dnotify_detached,
	.free_mark = dnotify_free_mark,
};

void dnotify_init(void)
{
	notify_group_init(&group, &dnotify_operations); // its first reference stays
}

/* A new mark with a reference. The group's lock is held. */
static int make_mark(struct inode *inode, struct dnotify_mark **out)
{
	const struct notify_object object = {.inode = inode};

	*out = object_allocate(&mark_cache);
	if (!*out) {
		return -ENOMEM;
	}
	notify_mark_init(&(*out)->mark, &group, 0);
	notify_mark_attach(&(*out)->mark, &object);
	return 0;
}

/* Add to what the table asks for of this file, by `fresh` if that is nothing yet: *used. false: the mark has ended. */
static bool add_wish(struct dnotify_mark *mark, struct dnotify_wish *fresh, bool *used)
{
	struct dnotify_wish *wish;
	bool lives;

	spin_lock(&dnotify_lock);
	lives = !mark->ended;
	for (wish = mark->wishes; wish; wish = wish->next) {
		if (wish->file == fresh->file && wish->table == fresh->table) {
			wish->fd = fresh->fd;
			wish->what |= fresh->what;
			wish->again = wish->again || fresh->again;
			break;
		}
	}
	*used = lives && !wish;
	if (*used) {
		fresh->age = next_age++;
		fresh->next = mark->wishes;
		mark->wishes = fresh;
	}
	if (lives) {
		(void)notify_mark_change(&mark->mark, wanted_of(mark));
	}
	spin_unlock(&dnotify_lock);
	return lives;
}

/* The group's lock is held. */
static int set_locked(struct inode *inode, struct dnotify_wish *fresh, bool *used)
{
	const struct notify_object object = {.inode = inode};
	struct notify_mark *found = notify_mark_find(&group, &object);
	struct dnotify_mark *made;
	int result = 0;

	if (!found || !add_wish(dnotify_of(found), fresh, used)) {
		result = make_mark(inode, &made);
		if (result == 0) {
			(void)add_wish(made, fresh,
				       used); // or the directory has gone already
			notify_mark_put(&made->mark);
		}
	}
	notify_mark_put(found);
	return result;
}

int dnotify_set(struct file *file, int fd, const void *table, u32 mask,
		void (*claim)(struct file *file))
{
	struct dnotify_wish *wish;
	bool used = false;
	int result;

	if (!dnotify_enabled()) {
		return -EINVAL;
	}
	if (!(mask & ~(u32)DN_MULTISHOT)) {
		dnotify_forget(file, table);
		return 0;
	}
	if (!inode_is(file->inode, S_IFDIR)) {
		return -ENOTDIR;
	}
	wish = object_allocate(&wish_cache);
	if (!wish) {
		return -ENOMEM;
	}
	wish->file = file;
	wish->table = table;
	wish->fd = fd;
	wish->what = events_of(mask);
	wish->again = (mask & DN_MULTISHOT) != 0;
	claim(file);
	mutex_lock(&group.lock);
	result = set_locked(file->inode, wish, &used);
	mutex_unlock(&group.lock);
	if (!used) {
		object_free(&wish_cache, wish);
	}
	return result;
}

/* Take out those of this file and table. */
static struct dnotify_wish *take_wishes(struct dnotify_mark *mark,
					const struct file *file, const void *table)
{
	struct dnotify_wish **link = &mark->wishes, *taken = NULL;

	spin_lock(&dnotify_lock);
	while (*link) {
		struct dnotify_wish *wish = *link;

		if (wish->file == file && wish->table == table) {
			*link = wish->next;
			wish->next = taken;
			taken = wish;
		} else {
			link = &wish->next;
		}
	}
	spin_unlock(&dnotify_lock);
	return taken;
}

void dnotify_forget(struct file *file, const void *table)
{
	const struct notify_object object = {.inode = file->inode};
	struct notify_mark *mark = notify_mark_find(&group, &object);

	if (mark && free_wishes(take_wishes(dnotify_of(mark), file, table)) > 0) {
		settle(dnotify_of(mark));
	}
	notify_mark_put(mark);
}
