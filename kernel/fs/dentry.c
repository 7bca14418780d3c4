// SPDX-License-Identifier: MIT
/*
 * Dentries: the names that are known, as a tree, a hash table by (parent, name), and a list by age.
 *
 * Owns      struct dentry, the cache of names.
 * Locks     fs_tree_lock (spin)  >  bucket.lock (spin). Children and age links are under the tree lock.
 *           A hashed dentry's place in its chain, parent, name and hash are read with either lock and
 *           change with both, so that a lookup takes its bucket's lock alone. What a name means is
 *           settled under the directory's inode.lock: shared for a lookup, exclusive for a change.
 *
 * Invariants
 *   D1  The cache holds one reference on each hashed dentry, and none on others.
 *   D2  A dentry holds a reference on its parent; so a directory goes after all below it.
 *   D3  A positive dentry stays positive (inode.h).
 *   D4  At most one hashed dentry has a given (parent, name).
 *   D6  A hashed dentry whose inode is marked (fs/notify/) stays, whoever uses it.
 *   D5  At most CACHE_MAX dentries are hashed but for those in use: a new one pushes old ones out,
 *       those looked up since the last round last.
 */
#include "core/panic.h"
#include "fs/fs_internal.h"
#include "fs/notify/notify.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "mm/heap.h"

enum {
	HASH_SIZE = 4096,
	CACHE_MAX = 16384,
	SCAN_MAX = 64, /* dentries looked at for one new one */
};

OBJECT_CACHE(dentry_cache, dentry);

struct spinlock fs_tree_lock = SPINLOCK_INIT(RANK_DENTRY_TREE, "fs_tree_lock");

struct bucket {
	struct spinlock lock; /* RANK_DENTRY */
	struct list chain GUARDED_BY(lock);
};

static struct bucket hash_table[HASH_SIZE];
static struct list by_age GUARDED_BY(fs_tree_lock) = LIST_INIT(by_age); /* newest first */
static u32 cached GUARDED_BY(fs_tree_lock);

void dentry_cache_init(void)
{
	for (unsigned i = 0; i < HASH_SIZE; i++) {
		struct bucket *bucket = &hash_table[i];

		spin_init(&bucket->lock, RANK_DENTRY, "dentry bucket.lock");
		spin_lock(&bucket->lock);
		list_init(&bucket->chain);
		spin_unlock(&bucket->lock);
	}
}

static u64 name_hash(const struct dentry *parent, const char *name, size_t length)
{
	return hash_bytes(name, length) ^ hash_u64((u64)(uintptr_t)parent);
}

int dentry_create_detached(struct dentry *parent, const char *name, size_t length,
			   struct super_block *super_block, struct dentry **out)
{
	struct dentry *dentry = object_allocate(&dentry_cache);

	if (!dentry) {
		return -ENOMEM;
	}
	dentry->name = dentry->short_name;
	if (length >= sizeof(dentry->short_name)) {
		dentry->name = heap_allocate(length + 1);
		if (!dentry->name) {
			object_free(&dentry_cache, dentry);
			return -ENOMEM;
		}
	}
	memcpy(dentry->name, name, length);
	dentry->name[length] = '\0';
	dentry->name_length = (u32)length;
	refcount_init(&dentry->references, 1);
	list_init(&dentry->child_link);
	list_init(&dentry->children);
	list_init(&dentry->hash_link);
	list_init(&dentry->lru_link);
	dentry->super_block = super_block;
	dentry->parent = parent ? parent : dentry;
	if (parent) {
		dentry_get(parent);
	}
	*out = dentry;
	return 0;
}

int dentry_create_root(struct super_block *super_block, struct inode *inode,
		       struct dentry **out)
{
	int result = dentry_create_detached(NULL, "/", 1, super_block, out);

	if (result == 0) {
		dentry_set_inode(*out, inode);
	} else {
		inode_put(inode);
	}
	return result;
}

void dentry_set_inode(struct dentry *dentry, struct inode *inode)
{
	ASSERT(!dentry->inode);
	/* order.once: pairs with dentry_inode() */
	__atomic_store_n(&dentry->inode, inode, __ATOMIC_RELEASE);
}

void dentry_get(struct dentry *dentry)
{
	refcount_get(&dentry->references);
}

static struct bucket *bucket_of(u64 hash)
{
	return &hash_table[hash % HASH_SIZE];
}

/* The caller's reference and the cache's are the last two: take it out of the cache. */
static void forget(struct dentry *dentry)
{
	struct bucket *bucket;
	bool forgotten = false;

	spin_lock(&fs_tree_lock);
	bucket = bucket_of(dentry->hash);
	spin_lock(&bucket->lock);
	if (!list_empty(&dentry->hash_link) && refcount_read(&dentry->references) == 2) {
		list_remove(&dentry->hash_link);
		list_remove(&dentry->lru_link);
		cached--;
		forgotten = true;
	}
	spin_unlock(&bucket->lock);
	spin_unlock(&fs_tree_lock);
	if (forgotten && refcount_put(&dentry->references)) {
		UNREACHABLE("the caller has a reference");
	}
}

static void dentry_free(struct dentry *dentry)
{
	spin_lock(&fs_tree_lock);
	ASSERT(list_empty(&dentry->hash_link) && list_empty(&dentry->children));
	list_remove(&dentry->child_link);
	spin_unlock(&fs_tree_lock);
	if (dentry->inode && inode_marked(dentry->inode)) {
		notify_name_lost(dentry->inode);
	}
	inode_put(dentry->inode);
	if (dentry->name != dentry->short_name) {
		heap_free(dentry->name);
	}
	object_free(&dentry_cache, dentry);
}

void dentry_put(struct dentry *dentry)
{
	while (dentry) {
		struct dentry *parent;

		if (dentry->super_block->forgets_names &&
		    refcount_read(&dentry->references) == 2) {
			forget(dentry);
		}
		if (!refcount_put(&dentry->references)) {
			return;
		}
		parent = dentry->parent == dentry ? NULL : dentry->parent;
		dentry_free(dentry);
		dentry = parent;
	}
}

static struct dentry *find_hashed(struct dentry *parent, const char *name, size_t length,
				  u64 hash)
{
	struct bucket *bucket = bucket_of(hash);
	struct dentry *dentry, *found = NULL;

	spin_lock(&bucket->lock);
	list_for_each(dentry, &bucket->chain, hash_link) {
		if (dentry->hash == hash && dentry->parent == parent &&
		    dentry->name_length == length &&
		    memcmp(dentry->name, name, length) == 0) {
			dentry_get(dentry);
			WRITE_ONCE(dentry->recently_used, true);
			found = dentry;
			break;
		}
	}
	spin_unlock(&bucket->lock);
	return found;
}

struct dentry *dentry_find_cached(struct dentry *parent, const char *name, size_t length)
{
	return find_hashed(parent, name, length, name_hash(parent, name, length));
}

static void enter_chain(struct dentry *dentry) MUST_HOLD(&fs_tree_lock)
{
	struct bucket *bucket = bucket_of(dentry->hash);

	spin_lock(&bucket->lock);
	list_push_front(&bucket->chain, &dentry->hash_link);
	spin_unlock(&bucket->lock);
}

static void leave_chain(struct dentry *dentry) MUST_HOLD(&fs_tree_lock)
{
	struct bucket *bucket = bucket_of(dentry->hash);

	spin_lock(&bucket->lock);
	list_remove(&dentry->hash_link);
	spin_unlock(&bucket->lock);
}

static void hash_locked(struct dentry *dentry, u64 hash) MUST_HOLD(&fs_tree_lock)
{
	dentry->hash = hash;
	dentry_get(dentry);
	list_push_front(&by_age, &dentry->lru_link);
	if (list_empty(&dentry->child_link)) {
		list_push_back(&dentry->parent->children, &dentry->child_link);
	}
	cached++;
	enter_chain(dentry);
}

/* Take it out of the cache; the caller then owns the cache's reference. */
static void unhash_locked(struct dentry *dentry) MUST_HOLD(&fs_tree_lock)
{
	leave_chain(dentry);
	list_remove(&dentry->lru_link);
	cached--;
}

/* Somebody wants to be told of what happens to the file: who looks it up is to find the same inode. */
static bool is_marked(const struct dentry *dentry)
{
	const struct inode *inode = dentry_inode(dentry);

	return inode && inode_marked(inode);
}

/* Out of the chain if the cache's reference is the only one: with the bucket's lock no lookup adds one. */
static bool leave_chain_if_unused(struct dentry *dentry) MUST_HOLD(&fs_tree_lock)
{
	struct bucket *bucket = bucket_of(dentry->hash);
	bool unused;

	spin_lock(&bucket->lock);
	/* With acquire: the last user may have marked it before it went. */
	unused = refcount_alone(&dentry->references) && !is_marked(dentry);
	if (unused) {
		list_remove(&dentry->hash_link);
	}
	spin_unlock(&bucket->lock);
	return unused;
}

/* Unhash those whose only reference is the cache's, and collect them for put_all(). */
static void collect_locked(struct dentry *dentry, struct list *to)
	MUST_HOLD(&fs_tree_lock)
{
	if (!list_empty(&dentry->hash_link) && leave_chain_if_unused(dentry)) {
		list_remove(&dentry->lru_link);
		cached--;
		list_push_back(to, &dentry->lru_link);
	}
}

static void put_all(struct list *collected)
{
	while (!list_empty(collected)) {
		struct dentry *dentry = list_first(collected, struct dentry, lru_link);

		list_remove(&dentry->lru_link);
		dentry_put(dentry);
	}
}

static void evict_locked(struct list *to) MUST_HOLD(&fs_tree_lock)
{
	for (unsigned i = 0; i < SCAN_MAX && cached > CACHE_MAX; i++) {
		struct dentry *dentry = list_last(&by_age, struct dentry, lru_link);

		if (READ_ONCE(dentry->recently_used) ||
		    refcount_read(&dentry->references) > 1 || is_marked(dentry)) {
			WRITE_ONCE(dentry->recently_used, false);
			list_remove(&dentry->lru_link);
			list_push_front(&by_age, &dentry->lru_link);
			continue;
		}
		collect_locked(dentry, to);
	}
}

/* Hash a dentry just made, unless another lookup was faster: then give that one. Takes over `dentry`. */
static struct dentry *publish(struct dentry *dentry)
{
	u64 hash = name_hash(dentry->parent, dentry->name, dentry->name_length);
	struct list old = LIST_INIT(old);
	struct dentry *other;

	spin_lock(&fs_tree_lock);
	other = find_hashed(dentry->parent, dentry->name, dentry->name_length, hash);
	if (!other) {
		hash_locked(dentry, hash);
		evict_locked(&old);
	}
	spin_unlock(&fs_tree_lock);
	put_all(&old);
	if (!other) {
		return dentry;
	}
	dentry_put(dentry);
	return other;
}

/* The directory's inode.lock is held, shared or exclusively. */
static int look_up(struct dentry *parent, const char *name, size_t length,
		   struct dentry **out)
{
	struct inode *directory = dentry_inode(parent);
	struct dentry *dentry;
	int result;

	if (directory->removed) {
		return -ENOENT;
	}
	result = dentry_create_detached(parent, name, length, parent->super_block,
					&dentry);
	if (result < 0) {
		return result;
	}
	result = directory->operations->lookup
			 ? directory->operations->lookup(directory, dentry)
			 : -ENOTDIR;
	if (result < 0 && result != -ENOENT) {
		dentry_put(dentry);
		return result;
	}
	*out = publish(dentry);
	return 0;
}

/* A cached dentry, unless the file system says that it is no longer true. */
static struct dentry *find_valid(struct dentry *parent, const char *name, size_t length)
{
	const struct inode_operations *operations = dentry_inode(parent)->operations;
	struct dentry *dentry = dentry_find_cached(parent, name, length);

	if (dentry && operations->revalidate && !operations->revalidate(dentry)) {
		dentry_unhash(dentry);
		dentry_put(dentry);
		return NULL;
	}
	return dentry;
}

int dentry_lookup(struct dentry *parent, const char *name, size_t length,
		  struct dentry **out)
{
	struct inode *directory = dentry_inode(parent);
	int result;

	*out = find_valid(parent, name, length);
	if (*out) {
		return 0;
	}
	rwlock_lock_shared(&directory->lock);
	result = look_up(parent, name, length, out);
	rwlock_unlock_shared(&directory->lock);
	return result;
}

int dentry_lookup_locked(struct dentry *parent, const char *name, size_t length,
			 struct dentry **out)
{
	*out = find_valid(parent, name, length);
	return *out ? 0 : look_up(parent, name, length, out);
}

void dentry_unhash(struct dentry *dentry)
{
	bool was_hashed;

	spin_lock(&fs_tree_lock);
	was_hashed = !list_empty(&dentry->hash_link);
	if (was_hashed) {
		unhash_locked(dentry);
	}
	spin_unlock(&fs_tree_lock);
	if (was_hashed) {
		dentry_put(dentry);
	}
}

bool dentry_unhashed(const struct dentry *dentry)
{
	bool unhashed;

	spin_lock(&fs_tree_lock); // a rename takes it out of its chain for a moment
	unhashed = list_empty(&dentry->hash_link) && dentry->parent != dentry;
	spin_unlock(&fs_tree_lock);
	return unhashed;
}

struct dentry *dentry_parent(struct dentry *dentry)
{
	struct dentry *parent;

	spin_lock(&fs_tree_lock);
	parent = dentry->parent;
	dentry_get(parent);
	spin_unlock(&fs_tree_lock);
	return parent;
}

void dentry_prune_children(struct dentry *directory)
{
	struct list old = LIST_INIT(old);
	struct dentry *child;

	spin_lock(&fs_tree_lock);
	list_for_each(child, &directory->children, child_link) {
		collect_locked(child, &old);
	}
	spin_unlock(&fs_tree_lock);
	put_all(&old);
}

void dentry_shrink(struct super_block *super_block)
{
	struct list old = LIST_INIT(old);
	struct dentry *dentry, *following;

	// Children hold their parents: each round frees the leaves that are left.
	do {
		put_all(&old);
		spin_lock(&fs_tree_lock);
		list_for_each_safe(dentry, following, &by_age, lru_link) {
			if (!super_block || dentry->super_block == super_block) {
				collect_locked(dentry, &old);
			}
		}
		spin_unlock(&fs_tree_lock);
	} while (!list_empty(&old));
}

void dentry_drop_unused(void)
{
	dentry_shrink(NULL);
}

static void swap_names(struct dentry *a, struct dentry *b) MUST_HOLD(&fs_tree_lock)
{
	char text[sizeof(a->short_name)];
	char *a_name = a->name == a->short_name ? b->short_name : a->name;
	char *b_name = b->name == b->short_name ? a->short_name : b->name;
	u32 length = a->name_length;

	memcpy(text, a->short_name, sizeof(text));
	memcpy(a->short_name, b->short_name, sizeof(text));
	memcpy(b->short_name, text, sizeof(text));
	a->name = b_name;
	b->name = a_name;
	a->name_length = b->name_length;
	b->name_length = length;
}

static void copy_name(struct dentry *to, struct dentry *from) MUST_HOLD(&fs_tree_lock)
{
	if (to->name != to->short_name || from->name != from->short_name) {
		swap_names(to, from);
		return;
	}
	memcpy(to->short_name, from->short_name, sizeof(to->short_name));
	to->name_length = from->name_length;
}

static void move_to_parent(struct dentry *dentry, struct dentry *parent)
	MUST_HOLD(&fs_tree_lock)
{
	dentry->parent = parent;
	list_remove(&dentry->child_link);
	list_push_back(&parent->children, &dentry->child_link);
}

void dentry_move(struct dentry *dentry, struct dentry *target, bool exchange)
{
	struct dentry *drop_parent = NULL, *drop_target = NULL;
	struct dentry *old_parent, *new_parent;
	bool hashed, target_hashed;

	spin_lock(&fs_tree_lock);
	old_parent = dentry->parent;
	new_parent = target->parent;
	hashed = !list_empty(&dentry->hash_link);
	target_hashed = !list_empty(&target->hash_link);
	if (hashed) {
		leave_chain(dentry);
	}
	if (exchange) {
		if (target_hashed) {
			leave_chain(target);
		}
		swap_names(dentry, target);
		move_to_parent(target, old_parent);
		move_to_parent(dentry, new_parent);
		target->hash =
			name_hash(target->parent, target->name, target->name_length);
		if (target_hashed) {
			enter_chain(target);
		}
	} else {
		if (target_hashed) {
			unhash_locked(target);
			drop_target = target;
		}
		copy_name(dentry, target);
		dentry_get(new_parent);
		drop_parent = old_parent;
		move_to_parent(dentry, new_parent);
	}
	dentry->hash = name_hash(dentry->parent, dentry->name, dentry->name_length);
	if (hashed) {
		enter_chain(dentry);
	}
	spin_unlock(&fs_tree_lock);
	dentry_put(drop_target);
	dentry_put(drop_parent);
}
