// SPDX-License-Identifier: MIT
/*
 * epoll(7): an interest list of (file, descriptor) items and a list of those that may be ready.
 *
 * Owns      struct epoll, struct epoll_item, file.epoll_links.
 * Locks     tree_lock (who watches what) > epoll.lock (items, collecting) > what poll operations take.
 *           epoll.ready_lock is taken by notifications, under the watched file's wait_queue.lock; its rank and that of
 *           epoll's own queues are not checked, since an epoll may watch an epoll: that order is acyclic (E3).
 *
 * Invariants
 *   E1  An item holds no reference on its file: the file's last put removes it, through tree_lock, before release.
 *   E2  An item is on `ready` iff item->ready; both change under ready_lock. Being there means "look again".
 *   E3  Epolls watching epolls form no cycle and are at most 5 deep: checked under tree_lock when one is added.
 */
#include "ipc/epoll.h"

#include "core/spinlock.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "mm/heap.h"
#include "mm/usercopy.h"
#include "sync/mutex.h"
#include "time/clock.h"
#include <linux/fcntl.h>

enum { NESTING_MAX = 5 };

struct epoll {
	struct mutex lock;
	struct rbtree items GUARDED_BY(lock);
	u64 pass GUARDED_BY(lock); /* counts collections */

	struct spinlock ready_lock;
	struct list ready GUARDED_BY(ready_lock);
	struct wait_queue waiters; /* epoll_wait */
	struct wait_queue pollers; /* poll, and epolls that watch this one */
};

/* One wait queue an item listens on. */
struct epoll_hook {
	struct wait_entry entry;
	struct wait_queue *queue;
	struct epoll_item *item;
	struct epoll_hook *next;
};

struct epoll_item {
	struct rbtree_node node; /* epoll.items, by (file, fd) */
	struct epoll *epoll;
	struct file *file;
	int fd;
	struct epoll_event event; /* epoll.lock; events 0 after EPOLLONESHOT fired */
	struct list file_link;    /* file.epoll_links; tree_lock */
	struct list ready_link;   /* epoll.ready_lock */
	bool ready;
	u64 reported_pass; /* epoll.lock; the collection that reported it last */
	struct epoll_hook *hooks;
};

/* What an item's first poll collects. */
struct epoll_poll {
	struct poll_table table;
	struct epoll_item *item;
	bool failed;
};

static struct mutex tree_lock;
static const struct file_operations epoll_operations;

static void mark_ready(struct epoll_item *item)
{
	struct epoll *epoll = item->epoll;
	u64 flags = spin_lock_irq(&epoll->ready_lock);

	if (!item->ready) {
		item->ready = true;
		list_push_back(&epoll->ready, &item->ready_link);
	}
	spin_unlock_irq(&epoll->ready_lock, flags);
	wake_one(&epoll->waiters, EPOLLIN);
	wake_all(&epoll->pollers, EPOLLIN);
}

static void item_notified(struct wait_entry *entry, u32 events)
{
	struct epoll_hook *hook = container_of(entry, struct epoll_hook, entry);
	u32 wanted = READ_ONCE(hook->item->event.events);

	if (wanted && (!events || events & (wanted | EPOLLERR | EPOLLHUP))) {
		mark_ready(hook->item);
	}
}

static void add_hook(struct poll_table *table, struct wait_queue *queue)
{
	struct epoll_poll *poll = container_of(table, struct epoll_poll, table);
	struct epoll_hook *hook = heap_allocate(sizeof(*hook));

	if (!hook) {
		poll->failed = true;
		return;
	}
	hook->queue = queue;
	hook->item = poll->item;
	hook->entry.notify = item_notified;
	hook->next = poll->item->hooks;
	poll->item->hooks = hook;
	wait_add(queue, &hook->entry);
}

static void remove_hooks(struct epoll_item *item)
{
	while (item->hooks) {
		struct epoll_hook *hook = item->hooks;

		item->hooks = hook->next;
		wait_remove(hook->queue, &hook->entry);
		heap_free(hook);
	}
}

static int compare_item(const struct epoll_item *item, const struct file *file, int fd)
{
	if (item->file != file) {
		return item->file < file ? -1 : 1;
	}
	return item->fd < fd ? -1 : item->fd > fd;
}

static struct epoll_item *find_item(struct epoll *epoll, const struct file *file, int fd)
	MUST_HOLD(&epoll->lock)
{
	struct rbtree_node *node = epoll->items.root;

	while (node) {
		struct epoll_item *item = rbtree_entry(node, struct epoll_item, node);
		int order = compare_item(item, file, fd);

		if (order == 0) {
			return item;
		}
		node = order < 0 ? node->right : node->left;
	}
	return NULL;
}

static bool item_less(const struct rbtree_node *a, const struct rbtree_node *b)
{
	const struct epoll_item *other = rbtree_entry(b, struct epoll_item, node);

	return compare_item(rbtree_entry(a, struct epoll_item, node), other->file,
			    other->fd) < 0;
}

static u32 item_poll(struct epoll_item *item, struct poll_table *table)
{
	return file_poll(item->file, table) & (item->event.events | EPOLLERR | EPOLLHUP);
}

/* tree_lock and epoll.lock held. Takes it out of everything and frees it. */
static void destroy_item(struct epoll *epoll, struct epoll_item *item)
	MUST_HOLD(&epoll->lock)
{
	u64 flags;

	remove_hooks(item);
	list_remove(&item->file_link);
	rbtree_remove(&epoll->items, &item->node);
	flags = spin_lock_irq(&epoll->ready_lock);
	if (item->ready) {
		list_remove(&item->ready_link);
	}
	spin_unlock_irq(&epoll->ready_lock, flags);
	heap_free(item);
}

static int add_item(struct epoll *epoll, struct file *file, int fd,
		    const struct epoll_event *event) MUST_HOLD(&epoll->lock)
{
	struct epoll_item *item = heap_allocate(sizeof(*item));
	struct epoll_poll poll = {.table = {.add = add_hook}, .item = item};

	if (!item) {
		return -ENOMEM;
	}
	item->epoll = epoll;
	item->file = file;
	item->fd = fd;
	item->event = *event;
	rbtree_node_init(&item->node);
	rbtree_add(&epoll->items, &item->node, item_less);
	list_push_back(&file->epoll_links, &item->file_link);
	list_init(&item->ready_link);
	if (item_poll(item, &poll.table)) {
		mark_ready(item);
	}
	if (poll.failed) {
		destroy_item(epoll, item);
		return -ENOMEM;
	}
	return 0;
}

static int modify_item(struct epoll_item *item, const struct epoll_event *event)
{
	if (item->event.events & EPOLLEXCLUSIVE) {
		return -EINVAL;
	}
	item->event = *event;
	/* order.poll: pairs with wake_some() */
	atomic_thread_fence(memory_order_seq_cst);
	if (item_poll(item, NULL)) {
		mark_ready(item);
	}
	return 0;
}

/* How deep the epolls below `epoll` go; NESTING_MAX + 1 when too deep or when `forbidden` is among them. tree_lock held. */
static int nesting_below(struct epoll *epoll, const struct epoll *forbidden, int depth)
{
	struct rbtree_node *node;
	int deepest = depth;

	if (epoll == forbidden || depth > NESTING_MAX) {
		return NESTING_MAX + 1;
	}
	mutex_lock_nested(&epoll->lock); /* ordered by the nesting itself (E3) */
	rbtree_for_each(node, &epoll->items) {
		struct epoll_item *item = rbtree_entry(node, struct epoll_item, node);

		if (item->file->operations == &epoll_operations) {
			deepest = MAX(deepest, nesting_below(item->file->data, forbidden,
							     depth + 1));
		}
	}
	mutex_unlock(&epoll->lock);
	return deepest;
}

static int control_locked(struct epoll *epoll, int operation, int fd, struct file *target,
			  const struct epoll_event *event) MUST_HOLD(&epoll->lock)
{
	struct epoll_item *item = find_item(epoll, target, fd);

	switch (operation) {
	case EPOLL_CTL_ADD:
		return item ? -EEXIST : add_item(epoll, target, fd, event);
	case EPOLL_CTL_MOD:
		return item ? modify_item(item, event) : -ENOENT;
	case EPOLL_CTL_DEL:
		if (!item) {
			return -ENOENT;
		}
		destroy_item(epoll, item);
		return 0;
	}
	return -EINVAL;
}

static int check_exclusive(int operation, const struct file *target, u32 events)
{
	const u32 allowed = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP |
			    EPOLLET | EPOLLEXCLUSIVE;

	if (operation == EPOLL_CTL_DEL || !(events & EPOLLEXCLUSIVE)) {
		return 0;
	}
	if (operation == EPOLL_CTL_MOD || target->operations == &epoll_operations) {
		return -EINVAL;
	}
	return events & ~allowed ? -EINVAL : 0;
}

int epoll_control(struct file *file, int operation, int fd, struct file *target,
		  const struct epoll_event *event)
{
	struct epoll *epoll = file->data;
	int error;

	if (file->operations != &epoll_operations || file == target) {
		return -EINVAL;
	}
	if (!target->operations->poll) {
		return -EPERM;
	}
	error = check_exclusive(operation, target, event->events);
	if (error) {
		return error;
	}
	mutex_lock(&tree_lock);
	if (operation == EPOLL_CTL_ADD && target->operations == &epoll_operations &&
	    nesting_below(target->data, epoll, 1) >= NESTING_MAX) {
		error = -ELOOP;
	} else {
		mutex_lock(&epoll->lock);
		error = control_locked(epoll, operation, fd, target, event);
		mutex_unlock(&epoll->lock);
	}
	mutex_unlock(&tree_lock);
	return error;
}

/* The next item that may be ready, taken off the list; NULL: none. */
static struct epoll_item *take_ready(struct epoll *epoll)
{
	struct epoll_item *item = NULL;
	u64 flags = spin_lock_irq(&epoll->ready_lock);

	if (!list_empty(&epoll->ready)) {
		item = list_first(&epoll->ready, struct epoll_item, ready_link);
		list_remove(&item->ready_link);
		item->ready = false;
	}
	spin_unlock_irq(&epoll->ready_lock, flags);
	return item;
}

/* Put items that are to be looked at again behind the ready list. */
static void give_back(struct epoll *epoll, struct list *again)
{
	u64 flags = spin_lock_irq(&epoll->ready_lock);
	struct epoll_item *item, *following;

	list_for_each_safe(item, following, again, ready_link) {
		list_remove(&item->ready_link);
		item->ready = true;
		list_push_back(&epoll->ready, &item->ready_link);
	}
	spin_unlock_irq(&epoll->ready_lock, flags);
}

/* An item whose turn has come while it waits to be given back is not on `ready`: keep it off until then. */
static void keep_for_later(struct epoll *epoll, struct epoll_item *item,
			   struct list *again)
{
	u64 flags = spin_lock_irq(&epoll->ready_lock);

	if (item->ready) { /* notified meanwhile: it is on `ready` already */
		spin_unlock_irq(&epoll->ready_lock, flags);
		return;
	}
	item->ready =
		true; /* E2 holds for the two lists together while epoll.lock is held */
	list_push_back(again, &item->ready_link);
	spin_unlock_irq(&epoll->ready_lock, flags);
}

/* Fill user memory with ready events; how many, or -EFAULT if not even the first could be stored. */
static s64 collect(struct epoll *epoll, vaddr_t events, int maximum)
{
	struct list again = LIST_INIT(again);
	struct epoll_item *item;
	s64 count = 0;

	mutex_lock(&epoll->lock);
	epoll->pass++;
	while (count < maximum && (item = take_ready(epoll))) {
		struct epoll_event event = {.data = item->event.data};

		if (item->reported_pass == epoll->pass) {
			keep_for_later(epoll, item, &again); // notified again already
			continue;
		}
		event.events = item_poll(item, NULL);
		if (!event.events) {
			continue;
		}
		if (user_write(events + (u64)count * sizeof(event), &event,
			       sizeof(event))) {
			keep_for_later(epoll, item, &again);
			count = count ? count : -EFAULT;
			break;
		}
		count++;
		item->reported_pass = epoll->pass;
		if (item->event.events & EPOLLONESHOT) {
			item->event.events &= EPOLLONESHOT | EPOLLET | EPOLLWAKEUP;
		} else if (!(item->event.events & EPOLLET)) {
			keep_for_later(epoll, item, &again);
		}
	}
	give_back(epoll, &again);
	mutex_unlock(&epoll->lock);
	return count;
}

static bool maybe_ready(struct epoll *epoll)
{
	u64 flags = spin_lock_irq(&epoll->ready_lock);
	bool ready = !list_empty(&epoll->ready);

	spin_unlock_irq(&epoll->ready_lock, flags);
	return ready;
}

/* Without the lock, for who will take it if so: what was notified before the caller began is seen. */
static bool seems_ready(const struct epoll *epoll) NO_THREAD_SAFETY
{
	return READ_ONCE(epoll->ready.next) != &epoll->ready;
}

s64 epoll_wait_events(struct file *file, vaddr_t events, int maximum, nsec_t deadline)
{
	struct epoll *epoll = file->data;

	if (file->operations != &epoll_operations || maximum <= 0 ||
	    maximum > (int)(INT32_MAX / sizeof(struct epoll_event))) {
		return -EINVAL;
	}
	if (!user_range_ok(events, (u64)maximum * sizeof(struct epoll_event))) {
		return -EFAULT;
	}
	for (;;) {
		s64 count = seems_ready(epoll) ? collect(epoll, events, maximum) : 0;
		int error;

		if (count != 0 || deadline == 0) {
			return count;
		}
		error = wait_until(&epoll->waiters, maybe_ready(epoll),
				   THREAD_INTERRUPTIBLE, deadline);
		if (error) {
			return error == -ETIMEDOUT ? 0 : -EINTR;
		}
	}
}

static u32 epoll_poll(struct file *file, struct poll_table *table)
{
	struct epoll *epoll = file->data;
	struct list again = LIST_INIT(again);
	struct epoll_item *item;
	u32 mask = 0;

	poll_wait(table, &epoll->pollers);
	if (!maybe_ready(epoll)) {
		return 0;
	}
	mutex_lock_nested(&epoll->lock); /* ordered by the nesting itself (E3) */
	while (!mask && (item = take_ready(epoll))) {
		if (item_poll(item, NULL)) {
			mask = EPOLLIN | EPOLLRDNORM;
			keep_for_later(epoll, item, &again);
		}
	}
	give_back(epoll, &again);
	mutex_unlock(&epoll->lock);
	return mask;
}

static void epoll_release(struct file *file)
{
	struct epoll *epoll = file->data;
	struct rbtree_node *node;

	mutex_lock(&tree_lock);
	mutex_lock(&epoll->lock);
	while ((node = rbtree_first(&epoll->items))) {
		destroy_item(epoll, rbtree_entry(node, struct epoll_item, node));
	}
	mutex_unlock(&epoll->lock);
	mutex_unlock(&tree_lock);
	heap_free(epoll);
}

/* E1: a watched file's last reference went. */
static void watched_file_released(struct file *file)
{
	mutex_lock(&tree_lock);
	while (!list_empty(&file->epoll_links)) {
		struct epoll_item *item =
			list_first(&file->epoll_links, struct epoll_item, file_link);
		struct epoll *epoll = item->epoll;

		mutex_lock(&epoll->lock);
		destroy_item(epoll, item);
		mutex_unlock(&epoll->lock);
	}
	mutex_unlock(&tree_lock);
}

/* A line for each file that is watched, as far as there is room for whole ones. */
static int epoll_fdinfo(struct file *file, char *to, size_t size)
{
	struct epoll *epoll = file->data;
	struct rbtree_node *node;
	size_t used = 0;

	mutex_lock(&epoll->lock);
	rbtree_for_each(node, &epoll->items) {
		struct epoll_item *item = rbtree_entry(node, struct epoll_item, node);
		const struct inode *inode = item->file->inode;
		u64 device = inode->super_block->device_id;
		int length = format_string(
			to + used, size - used,
			"tfd: %8d events: %8x data: %16lx  pos:0 ino:%lx sdev:%x\n",
			item->fd, item->event.events | EPOLLERR | EPOLLHUP,
			(u64)item->event.data, inode->attributes.inode_number,
			(unsigned)((device >> 8 & 0xfff) << 20 | (device & 0xff)));

		if (length < 0 || used + (size_t)length >= size) {
			break;
		}
		used += (size_t)length;
	}
	mutex_unlock(&epoll->lock);
	return (int)used;
}

static const struct file_operations epoll_operations = {
	.poll = epoll_poll,
	.fdinfo = epoll_fdinfo,
	.release = epoll_release,
	.no_position = true,
};

int epoll_create_file(struct file **out)
{
	struct epoll *epoll = heap_allocate(sizeof(*epoll));
	int error;

	if (!epoll) {
		return -ENOMEM;
	}
	mutex_init(&epoll->lock, RANK_EPOLL, "epoll.lock");
	spin_init(&epoll->ready_lock, RANK_NONE, "epoll.ready_lock");
	list_init(&epoll->ready);
	wait_queue_init(&epoll->waiters);
	wait_queue_init(&epoll->pollers);
	spin_init(&epoll->waiters.lock, RANK_NONE, "epoll.waiters.lock");
	spin_init(&epoll->pollers.lock, RANK_NONE, "epoll.pollers.lock");
	error = file_create_anonymous("[eventpoll]", 0600, &epoll_operations, O_RDWR,
				      epoll, out);
	if (error) {
		heap_free(epoll);
	}
	return error;
}

void epoll_init(void)
{
	mutex_init(&tree_lock, RANK_EPOLL_TREE, "epoll tree_lock");
	file_set_epoll_hook(watched_file_released);
}
