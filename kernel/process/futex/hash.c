// SPDX-License-Identifier: MIT
/*
 * The hash of futexes: who waits for which word.
 *
 * Private words are in a table of their address space, so that processes do not meet; shared ones in a table of all. A table that is
 * crowded is followed by a larger one, and what it has moves there, bucket by bucket.
 *
 * Locks     futex_bucket.lock; two of them: those of older tables first, then by address. No lock is of a whole table.
 *
 *   F1  What belongs to a word is in the bucket that is found from the table's head on, at the first that has not moved. A bucket
 *	 moves under its lock, whole, and never comes back. So who has locked a bucket that has not moved has the right one.
 *   F2  Tables are freed with their address space only, the old ones too (together they are smaller than the last): a pointer to a
 *	 bucket stays good, and `moved` says where to go.
 *   F3  waiter.bucket is where the waiter is, and changes under the locks of both; tables are made larger by threads of the
 *	 address space only.
 *
 * Where there is no memory for a first table, the address space has its waiters in a table of all such.
 */
#include "process/futex/futex_internal.h"

#include "core/panic.h"
#include "lib/hash.h"
#include "mm/heap.h"

enum {
	FIRST_SIZE = 16,
	SHARED_SIZE = 256,
	GROWTH = 4,
	MOST = 65536, /* as large as the heap gives */
	CROWDED = 8,
	SAMPLE = 64,
	FALLBACK_SIZE = 64
};

struct futex_table {
	struct futex_table *_Atomic newer;
	struct futex_table *older;
	u32 size; /* a power of two */
	bool is_fallback;
	struct futex_bucket buckets[];
};

static struct futex_table *_Atomic shared_words;
static struct futex_table *fallback;

static struct futex_table *table_create(u32 size, u32 generation)
{
	struct futex_table *table =
		heap_allocate(sizeof(*table) + size * sizeof(table->buckets[0]));

	if (!table) {
		return NULL;
	}
	table->size = size;
	for (u32 i = 0; i < size; i++) {
		struct futex_bucket *bucket = &table->buckets[i];

		spin_init(&bucket->lock, RANK_FUTEX_BUCKET, "futex_bucket.lock");
		bucket->generation = generation;
		list_init(&bucket->waiters);
		list_init(&bucket->inherits);
	}
	return table;
}

/* Of an address space that nobody has any more. */
static void table_destroy(struct futex_table *table)
{
	while (table && !table->is_fallback) {
		struct futex_table *older = table->older;

		heap_free(table);
		table = older;
	}
}

void futex_init(void)
{
	atomic_store(&shared_words, table_create(SHARED_SIZE, 0));
	fallback = table_create(FALLBACK_SIZE, 0);
	if (!atomic_load(&shared_words) || !fallback) {
		panic("no memory for the futex tables");
	}
	fallback->is_fallback = true;
	vm_set_futex_hook(table_destroy);
	futex_farewell_init();
}

static struct futex_table *_Atomic *head_of(const struct vm_futex_key *key)
{
	return key->shared ? &shared_words : &((struct vm_space *)key->object)->futexes;
}

/* An address space's first one, by whoever comes first. */
static struct futex_table *first_table(struct futex_table *_Atomic *head)
{
	struct futex_table *made = table_create(FIRST_SIZE, 0), *found = NULL;

	if (!made) {
		made = fallback;
	}
	if (atomic_compare_exchange_strong(head, &found, made)) {
		return made;
	}
	table_destroy(made);
	return found;
}

static struct futex_table *table_of(const struct vm_futex_key *key)
{
	struct futex_table *_Atomic *head = head_of(key);
	struct futex_table *table = atomic_load_explicit(head, memory_order_acquire);

	return table ? table : first_table(head);
}

static struct futex_bucket *bucket_in(struct futex_table *table,
				      const struct vm_futex_key *key)
{
	u64 hash = hash_u64((u64)(uintptr_t)key->object ^ (key->offset >> 2));

	return &table->buckets[hash & (table->size - 1)];
}

/* The bucket that has it now, to be looked at again once it is locked. */
static struct futex_bucket *find_bucket(const struct vm_futex_key *key)
{
	struct futex_table *table = table_of(key);
	struct futex_bucket *bucket;

	while (READ_ONCE((bucket = bucket_in(table, key))->moved)) {
		table = atomic_load_explicit(&table->newer, memory_order_acquire);
	}
	return bucket;
}

struct futex_bucket *futex_lock_bucket(const struct vm_futex_key *key)
{
	for (;;) {
		struct futex_bucket *bucket = find_bucket(key);

		spin_lock(&bucket->lock);
		if (!bucket->moved) {
			return bucket;
		}
		spin_unlock(&bucket->lock);
	}
}

/* Is `a` locked before `b`? */
static bool is_before(const struct futex_bucket *a, const struct futex_bucket *b)
{
	return a->generation != b->generation ? a->generation < b->generation
					      : (uintptr_t)a < (uintptr_t)b;
}

static void lock_both(struct futex_bucket *a, struct futex_bucket *b) NO_THREAD_SAFETY
{
	spin_lock(is_before(a, b) ? &a->lock : &b->lock);
	if (a != b) {
		spin_lock_nested(is_before(a, b) ? &b->lock : &a->lock);
	}
}

void futex_unlock_pair(struct futex_pair *pair)
{
	spin_unlock(&pair->bucket1->lock);
	if (pair->bucket1 != pair->bucket2) {
		spin_unlock(&pair->bucket2->lock);
	}
}

void futex_lock_pair(struct futex_pair *pair)
{
	for (;;) {
		pair->bucket1 = find_bucket(&pair->key1);
		pair->bucket2 = find_bucket(&pair->key2);
		lock_both(pair->bucket1, pair->bucket2);
		if (!pair->bucket1->moved && !pair->bucket2->moved) {
			return;
		}
		futex_unlock_pair(pair);
	}
}

void futex_add_waiter(struct futex_bucket *bucket, struct futex_waiter *waiter)
{
	struct list *behind = &bucket->waiters;

	bucket->count++;
	WRITE_ONCE(waiter->bucket, bucket);
	if (!waiter->priority) {
		list_push_back(&bucket->waiters, &waiter->link);
		return;
	}
	while (behind->next != &bucket->waiters &&
	       list_entry(behind->next, struct futex_waiter, link)->priority >=
		       waiter->priority) {
		behind = behind->next;
	}
	list_push_front(behind, &waiter->link);
}

void futex_remove_waiter(struct futex_waiter *waiter)
{
	waiter->bucket->count--;
	list_remove(&waiter->link);
}

/* ---- larger tables ---- */

bool futex_is_crowded(const struct futex_bucket *bucket)
{
	// Now and then, as it grows: who waits may all wait for one word, and then a larger table is no help.
	return bucket->count >= CROWDED && !(bucket->count & (bucket->count - 1));
}

/* Most buckets have something: it is many words that crowd, not many waiters of one. A sample says so, for any size at one cost. */
static bool is_full(const struct futex_table *table)
{
	u32 step = MAX(table->size / SAMPLE, 1u), used = 0, looked_at = 0;

	for (u32 i = 0; i < table->size; i += step) {
		used += READ_ONCE(table->buckets[i].count) != 0;
		looked_at++;
	}
	return used * 8 >= looked_at * 5;
}

static void move_waiters(struct futex_bucket *from,
			 struct futex_table *to) NO_THREAD_SAFETY
{
	struct futex_waiter *waiter, *next;

	list_for_each_safe(waiter, next, &from->waiters, link) {
		struct futex_bucket *bucket = bucket_in(to, &waiter->key);

		spin_lock_nested(&bucket->lock);
		list_remove(&waiter->link);
		list_push_back(&bucket->waiters, &waiter->link); // in the same order
		bucket->count++;
		WRITE_ONCE(waiter->bucket, bucket);
		spin_unlock(&bucket->lock);
	}
}

static void move_inherits(struct futex_bucket *from,
			  struct futex_table *to) NO_THREAD_SAFETY
{
	while (!list_empty(&from->inherits)) {
		struct list *link = from->inherits.next;
		struct futex_bucket *bucket = bucket_in(to, futex_inherit_key(link));

		spin_lock_nested(&bucket->lock);
		list_remove(link);
		list_push_back(&bucket->inherits, link);
		bucket->count++;
		spin_unlock(&bucket->lock);
	}
}

/* `newer` is nobody's yet, or reached through buckets that have moved already. */
static void move_all(struct futex_table *table, struct futex_table *newer)
{
	for (u32 i = 0; i < table->size; i++) {
		struct futex_bucket *bucket = &table->buckets[i];

		spin_lock(&bucket->lock);
		move_waiters(bucket, newer);
		move_inherits(bucket, newer);
		bucket->count = 0;
		bucket->moved = true;
		spin_unlock(&bucket->lock);
	}
}

void futex_make_room(const struct vm_futex_key *key)
{
	struct futex_table *_Atomic *head = head_of(key);
	struct futex_table *table = table_of(key), *newer, *none = NULL;

	if (table->is_fallback || table->size == MOST || atomic_load(&table->newer) ||
	    !is_full(table)) {
		return;
	}
	newer = table_create(table->size * GROWTH, table->buckets[0].generation + 1);
	if (!newer) {
		return; // it stays crowded
	}
	newer->older = table;
	if (!atomic_compare_exchange_strong(&table->newer, &none, newer)) {
		heap_free(newer);
		return; // somebody else does it
	}
	move_all(table, newer);
	atomic_store_explicit(head, newer, memory_order_release);
}
