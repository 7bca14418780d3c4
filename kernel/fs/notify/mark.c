// SPDX-License-Identifier: MIT
/*
 * Marks: who asks to be told about which object, and telling them.
 *
 * Owns      struct notify_group, struct notify_mark, the lists of marks of inodes, mounts and super blocks.
 * Locks     notify_group.lock (mutex, outside all of fs/)  >  notify_lock (spin), which guards every list and `wanted`.
 *           Nobody is told under either: a batch of marks is referenced, then told.
 *
 * Invariants
 *   K1  A mark is in its object's, its super block's and its group's list, or in none: `attached`. Then it has a
 *       reference, and one on its inode, so that a watched inode stays in memory.
 *   K2  super_block.watched is not NULL as long as anything in it is marked: who reads NULL tells nobody.
 *   K3  target.wanted is what any of its marks asks for.
 *   K4  Of an inode with marks the name stays cached (dentry.c), so that who looks it up finds that inode and no other.
 *   K5  operations->detached() is called once for each mark that was attached, by who detached it; of a mark that its front took
 *       (notify_mark_take()) that knows.
 */
#include "fs/fs_internal.h"
#include "fs/notify/notify_internal.h"
#include "mm/frame.h"

enum { BATCH = 8, MARKS_LEAST = 8192, MARKS_MOST = 1048576 };

static struct spinlock notify_lock = SPINLOCK_INIT(RANK_NOTIFY_MARKS, "notify_lock");
static u64 next_age GUARDED_BY(notify_lock) = 1;

static void node_push(struct notify_node **head, struct notify_node *node)
{
	node->next = *head;
	node->link = head;
	if (*head) {
		(*head)->link = &node->next;
	}
	WRITE_ONCE(*head, node);
}

static void node_remove(struct notify_node *node)
{
	WRITE_ONCE(*node->link, node->next);
	if (node->next) {
		node->next->link = node->link;
	}
}

static struct notify_mark *mark_of(struct notify_node *node)
{
	return node ? container_of(node, struct notify_mark, target_node) : NULL;
}

#define for_each_mark(mark, target)                 \
	for (mark = mark_of((target)->marks); mark; \
	     mark = mark_of(mark->target_node.next))

void notify_group_init(struct notify_group *group,
		       const struct notify_group_operations *operations)
{
	refcount_init(&group->references, 1);
	mutex_init(&group->lock, RANK_NOTIFY, "notify_group.lock");
	list_init(&group->marks);
	group->operations = operations;
}

u32 notify_marks_default(size_t size)
{
	struct frame_statistics memory;
	u64 marks;

	frame_statistics(&memory);
	marks = memory.total * PAGE_SIZE / 100 / (size + 2 * sizeof(struct inode));
	return (u32)MIN(MAX(marks, (u64)MARKS_LEAST), (u64)MARKS_MOST);
}

void notify_group_put(struct notify_group *group)
{
	if (refcount_put(&group->references)) {
		group->operations->free_group(group);
	}
}

void notify_mark_init(struct notify_mark *mark, struct notify_group *group, u32 wanted)
{
	refcount_init(&mark->references, 1);
	refcount_get(&group->references);
	mark->group = group;
	mark->wanted = wanted;
	list_init(&mark->group_link);
}

void notify_mark_get(struct notify_mark *mark)
{
	refcount_get(&mark->references);
}

void notify_mark_put(struct notify_mark *mark)
{
	struct notify_group *group;

	if (!mark || !refcount_put(&mark->references)) {
		return;
	}
	group = mark->group;
	inode_put(mark->inode);
	group->operations->free_mark(mark);
	notify_group_put(group);
}

static struct notify_target *target_of(const struct notify_object *object)
{
	return object->inode   ? &object->inode->notify
	       : object->mount ? &object->mount->notify
			       : &object->super_block->notify;
}

static struct super_block *super_block_of(const struct notify_object *object)
{
	return object->inode   ? object->inode->super_block
	       : object->mount ? object->mount->super_block
			       : object->super_block;
}

static void count_wanted(struct notify_target *target) MUST_HOLD(&notify_lock)
{
	struct notify_mark *mark;
	u32 wanted = 0;

	for_each_mark(mark, target)
	{
		wanted |= mark->wanted;
	}
	WRITE_ONCE(target->wanted, wanted);
}

void notify_mark_attach(struct notify_mark *mark, const struct notify_object *object)
{
	struct super_block *super_block = super_block_of(object);

	if (object->inode) {
		inode_get(object->inode);
	}
	mark->inode = object->inode;
	mark->target = target_of(object);
	notify_mark_get(mark);
	spin_lock(&notify_lock);
	mark->age = next_age++;
	mark->attached = true;
	node_push(&mark->target->marks, &mark->target_node);
	node_push(&super_block->watched, &mark->super_block_node);
	list_push_front(&mark->group->marks, &mark->group_link);
	count_wanted(mark->target);
	spin_unlock(&notify_lock);
}

static void take_out(struct notify_mark *mark) MUST_HOLD(&notify_lock)
{
	mark->attached = false;
	node_remove(&mark->target_node);
	node_remove(&mark->super_block_node);
	list_remove(&mark->group_link);
	count_wanted(mark->target);
}

bool notify_mark_take(struct notify_mark *mark, u32 what, u32 once, bool *taken)
{
	bool asks;

	spin_lock(&notify_lock);
	asks = mark->attached && (mark->wanted & what & NOTIFY_HAPPENINGS);
	*taken = asks && (mark->wanted & once);
	if (*taken) {
		take_out(mark);
	}
	spin_unlock(&notify_lock);
	return asks;
}

bool notify_mark_detach(struct notify_mark *mark)
{
	bool was_attached;

	spin_lock(&notify_lock);
	was_attached = mark->attached;
	if (was_attached) {
		take_out(mark);
	}
	spin_unlock(&notify_lock);
	if (was_attached) {
		mark->group->operations->detached(mark);
		notify_mark_put(mark);
	}
	return was_attached;
}

bool notify_mark_change(struct notify_mark *mark, u32 wanted)
{
	bool attached;

	spin_lock(&notify_lock);
	attached = mark->attached;
	if (attached) {
		WRITE_ONCE(mark->wanted, wanted);
		count_wanted(mark->target);
	}
	spin_unlock(&notify_lock);
	return attached;
}

struct notify_mark *notify_mark_find(struct notify_group *group,
				     const struct notify_object *object)
{
	struct notify_mark *mark;

	spin_lock(&notify_lock);
	for_each_mark(mark, target_of(object))
	{
		if (mark->group == group) {
			notify_mark_get(mark);
			break;
		}
	}
	spin_unlock(&notify_lock);
	return mark;
}

/* The newest of the group that is older than `age`. The list is by age, and one that was detached is no place to go on from. */
static struct notify_mark *next_in_group(struct notify_group *group, u64 age)
{
	struct notify_mark *mark, *found = NULL;

	spin_lock(&notify_lock);
	list_for_each(mark, &group->marks, group_link) {
		if (mark->age < age) {
			notify_mark_get(mark);
			found = mark;
			break;
		}
	}
	spin_unlock(&notify_lock);
	return found;
}

struct notify_mark *notify_mark_next(struct notify_group *group, struct notify_mark *mark)
{
	struct notify_mark *next = next_in_group(group, mark ? mark->age : ~0ULL);

	notify_mark_put(mark);
	return next;
}

void notify_group_clear(struct notify_group *group)
{
	struct notify_mark *mark;

	while ((mark = next_in_group(group, ~0ULL))) {
		(void)notify_mark_detach(mark);
		notify_mark_put(mark);
	}
}

/* Those older than *age that ask for it, with references; how many. */
static unsigned collect(struct notify_target *target, u32 what, u64 *age,
			struct notify_mark *batch[BATCH])
{
	struct notify_mark *mark;
	unsigned count = 0;

	spin_lock(&notify_lock);
	for_each_mark(mark, target)
	{
		if (mark->age < *age && (mark->wanted & what & NOTIFY_HAPPENINGS)) {
			notify_mark_get(mark);
			batch[count++] = mark;
			*age = mark->age;
		}
		if (count == BATCH) {
			break;
		}
	}
	spin_unlock(&notify_lock);
	return count;
}

void notify_tell_target(struct notify_target *target, const struct notify_event *event,
			enum notify_role role)
{
	struct notify_mark *batch[BATCH];
	unsigned count = BATCH;
	u64 age = ~0ULL;

	while (count == BATCH) {
		count = collect(target, event->what, &age, batch);
		for (unsigned i = 0; i < count; i++) {
			batch[i]->group->operations->tell(batch[i], event, role);
			notify_mark_put(batch[i]);
		}
	}
}

static bool wants(const struct notify_target *target, u32 what)
{
	return (READ_ONCE(target->wanted) & what & NOTIFY_HAPPENINGS) != 0;
}

void notify_dispatch(const struct notify_event *event)
{
	if (event->directory && wants(&event->directory->notify, event->what)) {
		notify_tell_target(&event->directory->notify, event, NOTIFY_AS_DIRECTORY);
	}
	if (!event->names_only && wants(&event->inode->notify, event->what)) {
		notify_tell_target(&event->inode->notify, event, NOTIFY_AS_SELF);
	}
	if (event->path && event->path->mount &&
	    wants(&event->path->mount->notify, event->what)) {
		notify_tell_target(&event->path->mount->notify, event, NOTIFY_AS_MOUNT);
	}
	if (event->path && wants(&event->inode->super_block->notify, event->what)) {
		notify_tell_target(&event->inode->super_block->notify, event,
				   NOTIFY_AS_SUPER_BLOCK);
	}
}

/* One that is attached to the target, with a reference. */
static struct notify_mark *first_of_target(struct notify_target *target)
{
	struct notify_mark *mark;

	spin_lock(&notify_lock);
	mark = mark_of(target->marks);
	if (mark) {
		notify_mark_get(mark);
	}
	spin_unlock(&notify_lock);
	return mark;
}

static void detach_all(struct notify_target *target)
{
	struct notify_mark *mark;

	while ((mark = first_of_target(target))) {
		(void)notify_mark_detach(mark);
		notify_mark_put(mark);
	}
}

static struct notify_mark *first_of_super_block(struct super_block *super_block)
{
	struct notify_mark *mark = NULL;

	spin_lock(&notify_lock);
	if (super_block->watched) {
		mark = container_of(super_block->watched, struct notify_mark,
				    super_block_node);
		notify_mark_get(mark);
	}
	spin_unlock(&notify_lock);
	return mark;
}

void notify_super_block_gone(struct super_block *super_block)
{
	struct notify_mark *mark;

	while ((mark = first_of_super_block(super_block))) {
		struct notify_event event = {.what = NOTIFY_UNMOUNT,
					     .inode = mark->inode};

		if (mark->inode) {
			event.what |=
				inode_is_directory(mark->inode) ? NOTIFY_DIRECTORY : 0;
			mark->group->operations->tell(mark, &event, NOTIFY_AS_SELF);
		}
		(void)notify_mark_detach(mark);
		notify_mark_put(mark);
	}
}

void notify_mount_gone(struct mount *mount)
{
	detach_all(&mount->notify);
}

/* Of what was removed the file systems keep the count in the attributes, or know it when asked (overlay, 9p). */
static bool has_name(struct inode *inode)
{
	struct inode_attributes attributes;

	if (inode->removed || inode->attributes.link_count == 0) {
		return false;
	}
	return inode_get_attributes(inode, &attributes) < 0 || attributes.link_count > 0;
}

void notify_name_lost(struct inode *inode)
{
	if (inode_marked(inode) && !has_name(inode)) {
		notify_inode(inode, NOTIFY_DELETE_SELF);
		detach_all(&inode->notify);
	}
}
