// SPDX-License-Identifier: MIT
/* Groups, marks and queues: what the fronts of notification are made of. */
#pragma once

#include "core/refcount.h"
#include "fs/notify/notify.h"
#include "lib/list.h"
#include "sched/wait.h"
#include "sync/mutex.h"

struct file;
struct io_buffer;
struct notify_group;
struct notify_mark;
struct notify_queue;
struct poll_table;

/* Something that happened, borrowed by whom is told. */
struct notify_event {
	u32 what;            /* NOTIFY_…, with NOTIFY_DIRECTORY */
	u32 cookie;          /* joins the two of a rename */
	struct inode *inode; /* to which */
	struct inode *
		directory; /* where it has or had this name; NULL: nobody is told there */
	const char *name;
	const struct path *path; /* through an open file of this place; NULL: not so */
	bool names_only;         /* the directory alone is told */
};

/* As what a mark is told. */
enum notify_role {
	NOTIFY_AS_DIRECTORY,
	NOTIFY_AS_SELF,
	NOTIFY_AS_MOUNT,
	NOTIFY_AS_SUPER_BLOCK,
	NOTIFY_ROLES
};

/* Context of all: thread, no spinlock held; they do not sleep for long: an inode.lock may be held. */
struct notify_group_operations {
	/* One of the events that the mark asks for. It may have been detached meanwhile. */
	void (*tell)(struct notify_mark *mark, const struct notify_event *event,
		     enum notify_role role);
	/* It was detached, once for each mark. */
	void (*detached)(struct notify_mark *mark);
	/* The last references went. */
	void (*free_mark)(struct notify_mark *mark);
	void (*free_group)(struct notify_group *group);
};

struct notify_group {
	struct refcount references; /* the front's, and one a mark */
	const struct notify_group_operations *operations;
	struct mutex lock; /* who adds and changes marks; not held by who is told */
	struct list marks; /* notify_lock; newest first */
};

/*
 * The wish of a group to be told about one object. A reference is held while it is attached, and by who is using it. It
 * holds one on its group, and while attached on its inode.
 */
struct notify_mark {
	struct refcount references;
	struct notify_group *group;   /* I */
	u64 age;                      /* I: later ones have a greater one */
	struct inode *inode;          /* I; NULL: not on an inode */
	struct notify_target *target; /* I; not looked at once detached */
	u32 wanted;                   /* notify_lock; NOTIFY_…, and bits for the front */

	/* notify_lock */
	bool attached;
	struct notify_node target_node, super_block_node;
	struct list group_link;
};

void notify_group_init(struct notify_group *group,
		       const struct notify_group_operations *operations);
/* How many marks of `size` bytes a user may have, if nobody says anything else: by the memory there is. */
u32 notify_marks_default(size_t size);
void notify_group_put(struct notify_group *group);
/* Detach all its marks; nobody adds any. May sleep. */
void notify_group_clear(struct notify_group *group);

/* The object that a new mark is for; kind by the pointer that is set. */
struct notify_object {
	struct inode *inode;
	struct mount *mount;
	struct super_block *super_block;
};
/* One reference, the caller's. notify_mark_attach() publishes it; a path to the object is held, and group->lock. */
void notify_mark_init(struct notify_mark *mark, struct notify_group *group, u32 wanted);
void notify_mark_attach(struct notify_mark *mark, const struct notify_object *object);
void notify_mark_get(struct notify_mark *mark);
void notify_mark_put(struct notify_mark *mark); /* may sleep */
/* The group's mark on the object with a reference, or NULL. */
struct notify_mark *notify_mark_find(struct notify_group *group,
				     const struct notify_object *object);
/* Ask for something else; false: it is no longer attached. */
bool notify_mark_change(struct notify_mark *mark, u32 wanted);
/* Take it from its object, and tell the front. The caller has a reference. false: somebody else did. */
bool notify_mark_detach(struct notify_mark *mark);
/*
 * For who is told of `what`. false: the mark is no longer attached, or asks for it no longer. Else, if `once` is in what it
 * asks for, it was taken from its object (*taken): a reference is the caller's, and so is what detached() does.
 */
bool notify_mark_take(struct notify_mark *mark, u32 what, u32 once, bool *taken);
/* The group's marks one by one, newest first: the next after `mark` (NULL: the first), which is put, with a reference; NULL: no more. */
struct notify_mark *notify_mark_next(struct notify_group *group,
				     struct notify_mark *mark);

/* Tell everybody who asks for it. */
void notify_dispatch(const struct notify_event *event);
/* Tell the marks of this one object. */
void notify_tell_target(struct notify_target *target, const struct notify_event *event,
			enum notify_role role);

/* An event that waits for a reader. The fronts' own begin with one. */
struct notify_entry {
	struct list link; /* queue.lock; linked to itself: in no queue */
	u32 size;         /* I: how many bytes are read */
};

struct notify_queue_operations {
	enum lock_rank rank;
	const char *lock_name;
	u32 overflow_size;
	/* Give what was taken out to a reader with room for it: its size, or an error. The overflow is &queue->overflow. */
	s64 (*give)(struct notify_queue *queue, const struct notify_entry *entry,
		    struct io_buffer *io);
	/* Never the overflow. */
	void (*free)(struct notify_entry *entry);
};

/* The events of an instance, whose file has it as `data`. The fronts protect more of theirs with its lock. */
struct notify_queue {
	const struct notify_queue_operations *operations; /* I */
	u32 maximum;                                      /* I: of events */

	struct spinlock lock;
	struct list events GUARDED_BY(lock);
	u32 count GUARDED_BY(lock);
	u64 bytes GUARDED_BY(lock);
	struct notify_entry overflow GUARDED_BY(lock); /* in `events` or not */
	bool closed GUARDED_BY(lock);                  /* nothing is queued any more */
	struct wait_queue readers;
};

/* `maximum` is the caller's. */
void notify_queue_init(struct notify_queue *queue,
		       const struct notify_queue_operations *operations);
/* The last event says that some were lost: nothing is queued until it was read. */
bool notify_queue_overflown(const struct notify_queue *queue) MUST_HOLD(&queue->lock);
/* The event (NULL: there was no memory for it) is lost: nothing is queued any more, or there are too many; then the last one says so. */
bool notify_queue_refuses(struct notify_queue *queue, const struct notify_entry *entry)
	MUST_HOLD(&queue->lock);
void notify_queue_push(struct notify_queue *queue, struct notify_entry *entry)
	MUST_HOLD(&queue->lock);
/* Nothing is queued from now on, and what is there goes. */
void notify_queue_close(struct notify_queue *queue);

/* Of file_operations. */
s64 notify_queue_read(struct file *file, struct io_buffer *io, u64 *position);
u32 notify_queue_poll(struct file *file, struct poll_table *table);
s64 notify_queue_ioctl(struct file *file, unsigned command, u64 argument);
