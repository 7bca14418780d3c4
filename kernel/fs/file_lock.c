// SPDX-License-Identifier: MIT
/*
 * Advisory locks on files: flock(2), and record locks of fcntl(2) (POSIX and OFD).
 *
 * Owns      struct file_lock_list (inode.locks, made on first use and kept with the inode), records and who waits for them.
 * Locks     file_locks_lock (spin), one for all files: who waits for whom crosses files. Records are allocated before it is taken
 *	     and freed after.
 *
 * Invariants
 *   L1  Records of one owner and kind do not overlap, and those of one type do not touch: they are one record.
 *   L2  Flock records cover everything and conflict with flock alone; POSIX and OFD conflict with each other.
 *   L3  A waiter's `blocker` is the owner of a record in its way. What may let a waiter in sets it to NULL under the lock, and
 *	     wakes: so the chain of waiters in which a deadlock is looked for has no link that is over.
 *   L4  A flock record is not changed but given up and asked for anew: who waits for one, or is refused it, holds none of that
 *	     open file. So two that hold the shared lock and want the exclusive one do not wait for each other.
 */
#include "fs/file_lock.h"

#include "fs/inode.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "sched/wait.h"
#include <asm/fcntl.h>

enum { DEADLOCK_STEPS_MAX = 64, MUST_WAIT = 1 };

struct record {
	struct list link;     /* file_lock_list.records: owner by owner, then by start */
	struct list all_link; /* all_records */
	struct inode *inode;  /* outlives its records */
	const void *file;     /* through which it was set: compared, never followed */
	enum file_lock_kind kind;
	bool exclusive;
	u64 start, end;
	const void *owner;
	pid_nr pid;
};

struct file_lock_list {
	struct list records; /* file_locks_lock */
	struct wait_queue released;
};

/* One thread that waits for a lock; on its stack. */
struct waiter {
	struct list link; /* waiters */
	struct inode *inode;
	const struct file_lock_request *request;
	const void *blocker; /* file_locks_lock for writing; NULL: try again */
	enum file_lock_kind blocker_kind;
};

/* One call that sets a lock: what it needs is allocated before. */
struct attempt {
	const struct file_lock_request *request;
	struct file *file;
	struct file_lock_list *list;
	struct record *half, *fresh; /* NULL once they are in the list */
	struct list garbage;
	struct waiter waiter;
};

OBJECT_CACHE(record_cache, record);

static struct spinlock file_locks_lock =
	SPINLOCK_INIT(RANK_FILE_LOCKS, "file_locks_lock");
static struct list all_records GUARDED_BY(file_locks_lock) = LIST_INIT(all_records);
static struct list waiters GUARDED_BY(file_locks_lock) = LIST_INIT(waiters);

static struct file_lock_list *list_of(struct inode *inode)
{
	/* order.once: pairs with list_for() */
	return __atomic_load_n(&inode->locks, __ATOMIC_ACQUIRE);
}

static struct file_lock_list *list_for(struct inode *inode)
{
	struct file_lock_list *list = list_of(inode), *other = NULL;

	if (list) {
		return list;
	}
	list = heap_allocate(sizeof(*list));
	if (!list) {
		return NULL;
	}
	list_init(&list->records);
	wait_queue_init(&list->released);
	/* order.once: pairs with list_of(), and with list_for() of who comes second */
	if (!__atomic_compare_exchange_n(&inode->locks, &other, list, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		heap_free(list);
		list = other;
	}
	return list;
}

static bool same_owner(const struct record *record,
		       const struct file_lock_request *request)
{
	return record->kind == request->kind && record->owner == request->owner;
}

static bool overlaps(const struct record *record, const struct file_lock_request *request)
{
	return record->start <= request->end && request->start <= record->end;
}

static struct record *find_conflict(struct file_lock_list *list,
				    const struct file_lock_request *request)
	MUST_HOLD(&file_locks_lock)
{
	struct record *record;

	list_for_each(record, &list->records, link) {
		if ((record->kind == FILE_LOCK_FLOCK) ==
			    (request->kind == FILE_LOCK_FLOCK) &&
		    !same_owner(record, request) && overlaps(record, request) &&
		    (record->exclusive || request->type == F_WRLCK)) {
			return record;
		}
	}
	return NULL;
}

/* --- changing the list --- */

static void insert(struct file_lock_list *list, struct record *fresh)
	MUST_HOLD(&file_locks_lock)
{
	struct list *before = &list->records;
	struct record *record;
	bool seen = false;

	list_for_each(record, &list->records, link) {
		bool same = record->kind == fresh->kind && record->owner == fresh->owner;

		if (same ? record->start > fresh->start : seen) {
			before = &record->link;
			break;
		}
		seen = seen || same;
	}
	list_push_back(before, &fresh->link);
	list_push_back(&all_records, &fresh->all_link);
}

static void bury(struct record *record, struct list *garbage) MUST_HOLD(&file_locks_lock)
{
	list_remove(&record->all_link);
	list_remove(&record->link);
	list_push_back(garbage, &record->link);
}

/* Take the request's range out of one of its owner's records. */
static void cut(struct attempt *attempt, struct record *record)
	MUST_HOLD(&file_locks_lock)
{
	u64 start = attempt->request->start, end = attempt->request->end;

	if (record->start < start && record->end > end) {
		*attempt->half = *record;
		attempt->half->start = end + 1;
		record->end = start - 1;
		insert(attempt->list, attempt->half);
		attempt->half = NULL;
	} else if (record->start < start) {
		record->end = start - 1;
	} else if (record->end > end) {
		record->start = end + 1;
	} else {
		bury(record, &attempt->garbage);
	}
}

/* The fresh record takes in those of its owner and type that it overlaps or touches (L1). */
static void set_locked(struct attempt *attempt) MUST_HOLD(&file_locks_lock)
{
	const struct file_lock_request *request = attempt->request;
	struct record *record, *following, *fresh = attempt->fresh;
	bool exclusive = request->type == F_WRLCK;

	list_for_each_safe(record, following, &attempt->list->records, link) {
		if (!same_owner(record, request)) {
			continue;
		}
		if (request->type != F_UNLCK && record->exclusive == exclusive) {
			if (record->start <= request->end + 1 &&
			    request->start <= record->end + 1) {
				fresh->start = MIN(fresh->start, record->start);
				fresh->end = MAX(fresh->end, record->end);
				bury(record, &attempt->garbage);
			}
		} else if (overlaps(record, request)) {
			cut(attempt, record);
		}
	}
	if (request->type != F_UNLCK) {
		insert(attempt->list, fresh);
		attempt->fresh = NULL;
	}
}

static void free_all(struct list *garbage)
{
	while (!list_empty(garbage)) {
		struct record *record = list_first(garbage, struct record, link);

		list_remove(&record->link);
		object_free(&record_cache, record);
	}
}

/* Something was given back: the file's waiters try again (L3). */
static void announce_release(struct inode *inode) MUST_HOLD(&file_locks_lock)
{
	struct waiter *waiter;
	bool any = false;

	list_for_each(waiter, &waiters, link) {
		if (waiter->inode == inode) {
			WRITE_ONCE(waiter->blocker, NULL);
			any = true;
		}
	}
	if (any) {
		wake_all(&list_of(inode)->released, 0);
	}
}

/* --- waiting --- */

/* Whoever `owner` waits for, if it waits for a record lock. */
static const struct waiter *waiter_of(const void *owner) MUST_HOLD(&file_locks_lock)
{
	struct waiter *waiter;

	list_for_each(waiter, &waiters, link) {
		if (waiter->request->kind == FILE_LOCK_POSIX &&
		    waiter->request->owner == owner && waiter->blocker) {
			return waiter;
		}
	}
	return NULL;
}

/* Does the owner of `record` wait, over others, for the one who asks? Open files wait for nobody. */
static bool would_deadlock(const struct file_lock_request *request,
			   const struct record *record) MUST_HOLD(&file_locks_lock)
{
	enum file_lock_kind kind = record->kind;
	const void *owner = record->owner;

	for (int i = 0; i < DEADLOCK_STEPS_MAX; i++) {
		const struct waiter *waiter;

		if (request->kind != FILE_LOCK_POSIX || kind != FILE_LOCK_POSIX) {
			return false;
		}
		waiter = waiter_of(owner);
		if (!waiter) {
			return false;
		}
		owner = waiter->blocker;
		kind = waiter->blocker_kind;
		if (owner == request->owner) {
			return true;
		}
	}
	return false;
}

/* The lock of another type that the request would turn into its own (L4). */
static void give_up_flock(struct attempt *attempt) MUST_HOLD(&file_locks_lock)
{
	const struct file_lock_request *request = attempt->request;
	bool exclusive = request->type == F_WRLCK;
	struct record *record;

	list_for_each(record, &attempt->list->records, link) {
		if (same_owner(record, request) && record->exclusive != exclusive) {
			bury(record, &attempt->garbage);
			announce_release(attempt->file->inode);
			return; // it covers everything (L1, L2)
		}
	}
}

/* 0, MUST_WAIT, -EAGAIN, -EDEADLK. */
static int try_set(struct attempt *attempt)
{
	const struct file_lock_request *request = attempt->request;
	struct record *conflict = NULL;
	int result = 0;

	spin_lock(&file_locks_lock);
	if (request->type != F_UNLCK) {
		if (request->kind == FILE_LOCK_FLOCK) {
			give_up_flock(attempt);
		}
		conflict = find_conflict(attempt->list, request);
	}
	if (!conflict) {
		set_locked(attempt);
		if (request->type !=
		    F_WRLCK) { // a lock that is shared now lets others in too
			announce_release(attempt->file->inode);
		}
	} else if (!request->wait) {
		result = -EAGAIN;
	} else if (would_deadlock(request, conflict)) {
		result = -EDEADLK;
	} else {
		attempt->waiter.blocker = conflict->owner;
		attempt->waiter.blocker_kind = conflict->kind;
		list_push_back(&waiters, &attempt->waiter.link);
		result = MUST_WAIT;
	}
	spin_unlock(&file_locks_lock);
	return result;
}

static int wait_for_release(struct attempt *attempt)
{
	struct waiter *waiter = &attempt->waiter;
	int result = wait_until(&attempt->list->released, !READ_ONCE(waiter->blocker),
				THREAD_INTERRUPTIBLE, NSEC_NEVER);

	spin_lock(&file_locks_lock);
	list_remove(&waiter->link);
	spin_unlock(&file_locks_lock);
	return result;
}

static bool prepare(struct attempt *attempt, struct file *file,
		    const struct file_lock_request *request)
{
	*attempt = (struct attempt){
		.request = request,
		.file = file,
		.list = list_for(file->inode),
		.half = object_allocate(&record_cache),
		.fresh = object_allocate(&record_cache),
		.waiter = {.inode = file->inode, .request = request},
	};
	list_init(&attempt->garbage);
	if (!attempt->list || !attempt->half || !attempt->fresh) {
		return false;
	}
	*attempt->fresh = (struct record){
		.inode = file->inode,
		.file = file,
		.kind = request->kind,
		.exclusive = request->type == F_WRLCK,
		.start = request->start,
		.end = request->end,
		.owner = request->owner,
		.pid = request->pid,
	};
	return true;
}

int file_lock_set(struct file *file, const struct file_lock_request *request)
{
	struct attempt attempt;
	int result = request->kind == FILE_LOCK_FLOCK ? -ENOMEM : -ENOLCK;

	if (request->type == F_UNLCK && !list_of(file->inode)) {
		return 0;
	}
	if (prepare(&attempt, file, request)) {
		result = try_set(&attempt);
		while (result == MUST_WAIT) {
			result = wait_for_release(&attempt);
			if (!result) {
				result = try_set(&attempt);
			}
		}
	}
	free_all(&attempt.garbage);
	object_free(&record_cache, attempt.half);
	object_free(&record_cache, attempt.fresh);
	return result;
}

void file_lock_test(struct file *file, struct file_lock_request *request)
{
	struct file_lock_list *list = list_of(file->inode);
	struct record *record = NULL;

	if (list) {
		spin_lock(&file_locks_lock);
		record = find_conflict(list, request);
		if (record) {
			request->type = record->exclusive ? F_WRLCK : F_RDLCK;
			request->start = record->start;
			request->end = record->end;
			request->pid = record->kind == FILE_LOCK_OFD ? -1 : record->pid;
		}
		spin_unlock(&file_locks_lock);
	}
	if (!record) {
		request->type = F_UNLCK;
	}
}

/* Every record of `owner`, of POSIX kind or of the others. */
static void release(struct inode *inode, const void *owner, bool posix)
{
	struct file_lock_list *list = list_of(inode);
	struct list garbage = LIST_INIT(garbage);
	struct record *record, *following;

	if (!list) {
		return;
	}
	spin_lock(&file_locks_lock);
	list_for_each_safe(record, following, &list->records, link) {
		if (record->owner == owner &&
		    (record->kind == FILE_LOCK_POSIX) == posix) {
			bury(record, &garbage);
		}
	}
	if (!list_empty(&garbage)) {
		announce_release(inode);
	}
	spin_unlock(&file_locks_lock);
	free_all(&garbage);
}

void file_lock_release_owner(struct file *file, const void *owner)
{
	release(file->inode, owner, true);
}

void file_lock_release_file(struct file *file)
{
	release(file->inode, file, false);
}

void file_lock_list_destroy(struct inode *inode)
{
	struct list garbage = LIST_INIT(garbage);
	struct file_lock_list *list = list_of(inode);
	struct record *record, *following;

	if (list) {
		spin_lock(&file_locks_lock);
		list_for_each_safe(record, following, &list->records, link) {
			bury(record, &garbage);
		}
		spin_unlock(&file_locks_lock);
		free_all(&garbage);
		heap_free(list);
	}
}

/* --- for /proc --- */

static void view(struct file_lock_view *to, const struct record *record)
{
	*to = (struct file_lock_view){
		.kind = record->kind,
		.exclusive = record->exclusive,
		.pid = record->kind == FILE_LOCK_OFD ? -1 : record->pid,
		.inode_number = record->inode->attributes.inode_number,
		.device = record->inode->super_block->device_id,
		.start = record->start,
		.end = record->end,
	};
}

static void view_waiter(struct file_lock_view *to, const struct waiter *waiter)
{
	struct record record = {
		.inode = waiter->inode,
		.kind = waiter->request->kind,
		.exclusive = waiter->request->type == F_WRLCK,
		.start = waiter->request->start,
		.end = waiter->request->end,
		.pid = waiter->request->pid,
	};

	view(to, &record);
	to->waits = true;
}

static bool is_blocked_by(const struct waiter *waiter, const struct record *record)
{
	return waiter->inode == record->inode && waiter->blocker == record->owner &&
	       waiter->blocker_kind == record->kind && overlaps(record, waiter->request);
}

size_t file_locks_list(struct file_lock_view *to, size_t capacity)
{
	struct record *record;
	struct waiter *waiter;
	size_t count = 0;

	spin_lock(&file_locks_lock);
	list_for_each(record, &all_records, all_link) {
		if (count++ < capacity) {
			view(&to[count - 1], record);
		}
		list_for_each(waiter, &waiters, link) {
			if (is_blocked_by(waiter, record) && count++ < capacity) {
				view_waiter(&to[count - 1], waiter);
			}
		}
	}
	spin_unlock(&file_locks_lock);
	return count;
}

size_t file_locks_of(const struct file *file, const void *table,
		     struct file_lock_view *to, size_t capacity)
{
	struct file_lock_list *list = list_of(file->inode);
	struct record *record;
	size_t count = 0;

	if (!list) {
		return 0;
	}
	spin_lock(&file_locks_lock);
	list_for_each(record, &list->records, link) {
		if (record->file == file &&
		    (record->owner == table || record->owner == file) &&
		    count++ < capacity) {
			view(&to[count - 1], record);
		}
	}
	spin_unlock(&file_locks_lock);
	return count;
}
