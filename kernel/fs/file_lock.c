// SPDX-License-Identifier: MIT
/*
 * Advisory locks on files: flock(2), and record locks of fcntl(2) (POSIX and OFD).
 *
 * Owns      struct file_lock_list (inode.locks, made on first use and kept with the inode).
 * Locks     file_lock_list.lock (spin). Records are allocated before it is taken and freed after.
 *
 * Invariants
 *   L1  Records of one owner and kind do not overlap.
 *   L2  Flock records cover everything and conflict with flock alone; POSIX and OFD conflict with each other.
 *
 * A waiter sleeps until something was released and tries again. EDEADLK is not looked for: two
 * processes that wait for each other sleep until a signal comes.
 */
#include "fs/file_lock.h"

#include "lib/errno.h"
#include "mm/heap.h"
#include "sched/wait.h"
#include <asm/fcntl.h>

struct record {
	struct list link;
	enum file_lock_kind kind;
	bool exclusive;
	u64 start, end;
	const void *owner;
	pid_nr pid;
};

struct file_lock_list {
	struct spinlock lock; /* RANK_FILE_LOCKS */
	struct list records GUARDED_BY(lock);
	struct wait_queue released;
	_Atomic u32 generation; /* counts releases, so that a waiter misses none */
};

static struct file_lock_list *list_of(struct inode *inode)
{
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
	spin_init(&list->lock, RANK_FILE_LOCKS, "file_lock_list.lock");
	list_init(&list->records);
	wait_queue_init(&list->released);
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
	MUST_HOLD(&list->lock)
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

/*
 * Cut the owner's records out of the range; what goes is collected in `garbage`. A record that the
 * range splits needs `spare` for its second half: true if it was used.
 */
static bool cut_range(struct file_lock_list *list,
		      const struct file_lock_request *request, struct record *spare,
		      struct list *garbage) MUST_HOLD(&list->lock)
{
	struct record *record, *following;
	bool used = false;

	list_for_each_safe(record, following, &list->records, link) {
		if (!same_owner(record, request) || !overlaps(record, request)) {
			continue;
		}
		bool before =
			record->start<request->start, after = record->end> request->end;

		if (before && after) {
			*spare = *record;
			spare->start = request->end + 1;
			record->end = request->start - 1;
			list_push_back(&list->records, &spare->link);
			used = true;
		} else if (before) {
			record->end = request->start - 1;
		} else if (after) {
			record->start = request->end + 1;
		} else {
			list_remove(&record->link);
			list_push_back(garbage, &record->link);
		}
	}
	return used;
}

static void free_all(struct list *garbage)
{
	while (!list_empty(garbage)) {
		struct record *record = list_first(garbage, struct record, link);

		list_remove(&record->link);
		heap_free(record);
	}
}

static void announce_release(struct file_lock_list *list)
{
	atomic_fetch_add(&list->generation, 1);
	wake_all(&list->released, 0);
}

/* One attempt with everything allocated: 0 or -EAGAIN. spare[] entries that were used become NULL. */
static int try_set(struct file_lock_list *list, const struct file_lock_request *request,
		   struct record *spare[2], struct list *garbage)
{
	int result = -EAGAIN;

	spin_lock(&list->lock);
	if (request->type == F_UNLCK || !find_conflict(list, request)) {
		if (cut_range(list, request, spare[0], garbage)) {
			spare[0] = NULL;
		}
		if (request->type != F_UNLCK) {
			*spare[1] = (struct record){.kind = request->kind,
						    .exclusive = request->type == F_WRLCK,
						    .start = request->start,
						    .end = request->end,
						    .owner = request->owner,
						    .pid = request->pid};
			list_push_back(&list->records, &spare[1]->link);
			spare[1] = NULL;
		}
		result = 0;
	}
	spin_unlock(&list->lock);
	return result;
}

int file_lock_set(struct file *file, const struct file_lock_request *request)
{
	struct file_lock_list *list = list_for(file->inode);
	struct record *spare[2] = {heap_allocate(sizeof(**spare)),
				   heap_allocate(sizeof(**spare))};
	struct list garbage = LIST_INIT(garbage);
	int result = -ENOLCK;

	while (list && spare[0] && spare[1]) {
		u32 seen = atomic_load(&list->generation);

		result = try_set(list, request, spare, &garbage);
		if (result != -EAGAIN || !request->wait) {
			break;
		}
		result = wait_until(&list->released,
				    atomic_load(&list->generation) != seen,
				    THREAD_INTERRUPTIBLE, NSEC_NEVER);
		if (result < 0) {
			break;
		}
	}
	// Also a lock that became a shared one may let others in.
	if (list && result == 0) {
		announce_release(list);
	}
	free_all(&garbage);
	heap_free(spare[0]);
	heap_free(spare[1]);
	return result;
}

void file_lock_test(struct file *file, struct file_lock_request *request)
{
	struct file_lock_list *list = list_of(file->inode);
	struct record *record = NULL;

	if (list) {
		spin_lock(&list->lock);
		record = find_conflict(list, request);
		if (record) {
			request->type = record->exclusive ? F_WRLCK : F_RDLCK;
			request->start = record->start;
			request->end = record->end;
			request->pid = record->kind == FILE_LOCK_OFD ? -1 : record->pid;
		}
		spin_unlock(&list->lock);
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
	spin_lock(&list->lock);
	list_for_each_safe(record, following, &list->records, link) {
		if (record->owner == owner &&
		    (record->kind == FILE_LOCK_POSIX) == posix) {
			list_remove(&record->link);
			list_push_back(&garbage, &record->link);
		}
	}
	spin_unlock(&list->lock);
	if (!list_empty(&garbage)) {
		announce_release(list);
		free_all(&garbage);
	}
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
	struct file_lock_list *list = list_of(inode);

	if (list) {
		spin_lock(&list->lock);
		free_all(&list->records);
		spin_unlock(&list->lock);
		heap_free(list);
	}
}
