// SPDX-License-Identifier: MIT
/*
 * Overlay: listing directories: the names of all layers, each once, less what whiteouts hide.
 *
 * Owns      struct listing: made when a directory file is read from its start, kept in file->data until it is read from the start again.
 * Context   the reader's position lock is held, or the overlay directory's inode.lock; the layers' locks are taken inside it.
 */
#include "fs/overlay/overlay_internal.h"

#include "fs/page_file.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "mm/heap.h"
#include <linux/fcntl.h>
#include <linux/stat.h>

enum { TYPE_CHARACTER = 2, TYPE_DIRECTORY = 4, FIRST_BUCKETS = 64 };

struct entry {
	struct entry *next;      /* of its bucket */
	struct entry *following; /* in the order found */
	u64 inode_number;
	u8 type;
	bool hidden; /* a whiteout: lower layers' entries of this name do not show */
	u16 length;
	char name[];
};

struct listing {
	struct entry **buckets;
	size_t bucket_count, count;
	struct entry *first, *last;
	/* where a reader is: entry number `at_index` is `at` */
	struct entry *at;
	u64 at_index;
};

struct collector {
	struct directory_context context; /* must be first */
	struct listing *listing;
	struct dentry *directory; /* the layer's */
	bool in_upper;
	size_t seen; /* entries in this call */
	int error;
};

static void listing_free(struct listing *listing)
{
	struct entry *entry = listing ? listing->first : NULL;

	while (entry) {
		struct entry *following = entry->following;

		heap_free(entry);
		entry = following;
	}
	if (listing) {
		heap_free(listing->buckets);
		heap_free(listing);
	}
}

static struct entry **bucket_of(struct listing *listing, const char *name, size_t length)
{
	return &listing->buckets[hash_bytes(name, length) % listing->bucket_count];
}

static bool known(struct listing *listing, const char *name, size_t length)
{
	for (struct entry *entry = *bucket_of(listing, name, length); entry;
	     entry = entry->next) {
		if (entry->length == length && memcmp(entry->name, name, length) == 0) {
			return true;
		}
	}
	return false;
}

static int grow(struct listing *listing)
{
	size_t count = listing->bucket_count ? listing->bucket_count * 4 : FIRST_BUCKETS;
	struct entry **buckets = heap_allocate_array(count, sizeof(*buckets));

	if (!buckets) {
		return -ENOMEM;
	}
	heap_free(listing->buckets);
	listing->buckets = buckets;
	listing->bucket_count = count;
	for (struct entry *entry = listing->first; entry; entry = entry->following) {
		struct entry **bucket = bucket_of(listing, entry->name, entry->length);

		entry->next = *bucket;
		*bucket = entry;
	}
	return 0;
}

static int add(struct listing *listing, const char *name, size_t length, u64 number,
	       unsigned type, bool hidden)
{
	struct entry *entry, **bucket;
	int error = listing->count >= listing->bucket_count ? grow(listing) : 0;

	if (error) {
		return error;
	}
	entry = heap_allocate(sizeof(*entry) + length + 1);
	if (!entry) {
		return -ENOMEM;
	}
	entry->inode_number = number;
	entry->type = (u8)type;
	entry->hidden = hidden;
	entry->length = (u16)length;
	memcpy(entry->name, name, length);
	bucket = bucket_of(listing, name, length);
	entry->next = *bucket;
	*bucket = entry;
	if (listing->last) {
		listing->last->following = entry;
	} else {
		listing->first = entry;
	}
	listing->last = entry;
	listing->count++;
	return 0;
}

static bool collect(struct directory_context *context, const char *name, size_t length,
		    u64 position_after, u64 inode_number, unsigned type)
{
	struct collector *collector = (struct collector *)context;
	bool dot = name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'));

	context->position = position_after;
	collector->seen++;
	if (!dot && !known(collector->listing, name, length)) {
		/* whether a device is a whiteout is asked later, without the layer's lock */
		collector->error =
			add(collector->listing, name, length, inode_number, type, false);
	}
	return collector->error == 0;
}

/* Read one layer's directory to its end. */
static int collect_layer(struct listing *listing, const struct path *path,
			 const struct credentials *credentials)
{
	struct collector collector = {.context = {.emit = collect}, .listing = listing};
	struct file *file;
	int error = fs_open_path(path, O_RDONLY | O_DIRECTORY, credentials, &file);

	if (error) {
		return error;
	}
	do {
		collector.seen = 0;
		error = file->operations->iterate(file, &collector.context);
	} while (!error && !collector.error && collector.seen > 0);
	file_put(file);
	return error ? error : collector.error;
}

/* Among the entries from `from` on: mark those devices that are whiteouts. */
static int mark_whiteouts(struct entry *from, struct dentry *directory)
{
	for (struct entry *entry = from; entry; entry = entry->following) {
		struct dentry *dentry;
		int error;

		if (entry->type != TYPE_CHARACTER) {
			continue;
		}
		error = dentry_lookup(directory, entry->name, entry->length, &dentry);
		if (error) {
			return error;
		}
		entry->hidden =
			dentry_inode(dentry) && overlay_is_whiteout(dentry_inode(dentry));
		dentry_put(dentry);
	}
	return 0;
}

static int collect_and_mark(struct listing *listing, const struct path *path,
			    const struct credentials *credentials)
{
	struct entry *before = listing->last;
	int error = collect_layer(listing, path, credentials);

	return error ? error
		     : mark_whiteouts(before ? before->following : listing->first,
				      path->dentry);
}

static int listing_create(struct inode *directory, struct listing **out)
{
	const struct overlay *overlay = overlay_of(directory);
	const struct overlay_node *node = overlay_node(directory);
	struct path upper = {overlay->upper.mount, overlay_upper(directory)};
	struct listing *listing = heap_allocate(sizeof(*listing));
	int error = listing ? grow(listing) : -ENOMEM;

	if (!error && upper.dentry) {
		error = collect_and_mark(listing, &upper, overlay->credentials);
	}
	for (unsigned i = 0; i < node->lower_count && !error; i++) {
		struct path lower = {overlay->lower[node->lower[i].layer].mount,
				     node->lower[i].dentry};

		error = collect_and_mark(listing, &lower, overlay->credentials);
	}
	if (error) {
		listing_free(listing);
		return error;
	}
	*out = listing;
	return 0;
}

/* Positions: 0 ".", 1 "..", then entry number + 2. */
static bool emit_dots(struct file *file, struct directory_context *context)
{
	const struct overlay_node *node = overlay_node(file->inode);
	u64 own = file->inode->attributes.inode_number;

	if (context->position == 0) {
		if (!context->emit(context, ".", 1, 1, own, TYPE_DIRECTORY)) {
			return false;
		}
		context->position = 1;
	}
	if (context->position == 1) {
		u64 above = node->parent ? node->parent->attributes.inode_number : own;

		if (!context->emit(context, "..", 2, 2, above, TYPE_DIRECTORY)) {
			return false;
		}
		context->position = 2;
	}
	return true;
}

static void seek_listing(struct listing *listing, u64 index)
{
	if (!listing->at || index < listing->at_index) {
		listing->at = listing->first;
		listing->at_index = 0;
	}
	while (listing->at && listing->at_index < index) {
		listing->at = listing->at->following;
		listing->at_index++;
	}
}

static int overlay_iterate(struct file *file, struct directory_context *context)
{
	struct listing *listing = file->data;
	int error;

	if (context->position == 0 || !listing) {
		error = listing_create(file->inode, &listing);
		if (error) {
			return error;
		}
		listing_free(file->data);
		file->data = listing;
	}
	if (!emit_dots(file, context)) {
		return 0;
	}
	seek_listing(listing, context->position - 2);
	while (listing->at) {
		struct entry *entry = listing->at;

		if (!entry->hidden && !context->emit(context, entry->name, entry->length,
						     listing->at_index + 3,
						     entry->inode_number, entry->type)) {
			return 0;
		}
		listing->at = entry->following;
		listing->at_index++;
		context->position = listing->at_index + 2;
	}
	return 0;
}

static void overlay_directory_release(struct file *file)
{
	listing_free(file->data);
}

int overlay_check_empty(struct inode *directory)
{
	struct listing *listing;
	int error = listing_create(directory, &listing);

	if (error) {
		return error;
	}
	for (struct entry *entry = listing->first; entry && !error;
	     entry = entry->following) {
		error = entry->hidden ? 0 : -ENOTEMPTY;
	}
	listing_free(listing);
	return error;
}

int overlay_remove_whiteouts(struct inode *directory)
{
	struct path upper = {overlay_of(directory)->upper.mount,
			     overlay_upper(directory)};
	struct listing *listing = heap_allocate(sizeof(*listing));
	int error = listing ? grow(listing) : -ENOMEM;

	if (!error) {
		error = collect_and_mark(listing, &upper,
					 overlay_of(directory)->credentials);
	}
	for (struct entry *entry = listing ? listing->first : NULL; entry && !error;
	     entry = entry->following) {
		if (entry->hidden) {
			error = directory_unlink(upper.dentry, entry->name, NULL);
		}
	}
	listing_free(listing);
	return error;
}

static int overlay_directory_sync(struct file *file, bool data_only)
{
	return 0; /* the upper layer's directories are in memory or synced with their file system */
}

const struct file_operations overlay_directory_file_operations = {
	.iterate = overlay_iterate,
	.seek = generic_seek,
	.sync = overlay_directory_sync,
	.release = overlay_directory_release,
};
