// SPDX-License-Identifier: MIT
/* Groups and marks: what the fronts of notification are made of. */
#pragma once

#include "core/refcount.h"
#include "fs/notify/notify.h"
#include "lib/list.h"
#include "sync/mutex.h"

struct notify_group;
struct notify_mark;

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
	u32 wanted;                   /* notify_lock; NOTIFY_… */

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
/* The group's marks one by one, newest first: the next after `mark` (NULL: the first), which is put, with a reference; NULL: no more. */
struct notify_mark *notify_mark_next(struct notify_group *group,
				     struct notify_mark *mark);

/* Tell everybody who asks for it. */
void notify_dispatch(const struct notify_event *event);
/* Tell the marks of this one object. */
void notify_tell_target(struct notify_target *target, const struct notify_event *event,
			enum notify_role role);
