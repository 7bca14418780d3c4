// SPDX-License-Identifier: MIT
/*
 * Overlay: finding names in the layers, and the inodes they become.
 *
 * Context   the overlay directory's inode.lock is held by fs/; layers are looked at through dentry_lookup(), which takes theirs.
 */
#include "fs/overlay/overlay_internal.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include <linux/stat.h>

/* Inode numbers of things that are only in the upper layer, which counts from 1 as a lower one may. */
#define UPPER_NUMBER (1ULL << 62)

enum { FEW = 2 };

struct found {
	struct dentry *upper;
	struct overlay_backing
		*lower; /* room for what each layer of the parent may have */
	unsigned lower_count;
	struct overlay_backing few[FEW]; /* where `lower` points if that is enough */
};

bool overlay_is_whiteout(const struct inode *inode)
{
	return (inode->attributes.mode & S_IFMT) == S_IFCHR &&
	       inode->attributes.special_device == 0;
}

static bool is_directory(const struct dentry *dentry)
{
	return (dentry_inode(dentry)->attributes.mode & S_IFMT) == S_IFDIR;
}

static bool is_opaque(struct dentry *dentry)
{
	struct inode *inode = dentry_inode(dentry);
	char value = 0;

	return inode->operations->get_xattr &&
	       inode->operations->get_xattr(inode, OVERLAY_OPAQUE, &value, 1) == 1 &&
	       value == 'y';
}

struct dentry *overlay_real(const struct inode *inode)
{
	struct dentry *upper = overlay_upper(inode);

	return upper ? upper : overlay_node(inode)->lower[0].dentry;
}

struct inode *overlay_real_inode(const struct inode *inode)
{
	return dentry_inode(overlay_real(inode));
}

void overlay_real_path(const struct inode *inode, struct path *out)
{
	const struct overlay *overlay = overlay_of(inode);
	const struct overlay_node *node = overlay_node(inode);
	struct dentry *upper = overlay_upper(inode);

	out->dentry = upper ? upper : node->lower[0].dentry;
	out->mount =
		upper ? overlay->upper.mount : overlay->lower[node->lower[0].layer].mount;
}

int overlay_get_attributes(struct inode *inode, struct inode_attributes *out)
{
	const struct overlay_node *node = overlay_node(inode);
	int error = inode_get_attributes(overlay_real_inode(inode), out);

	if (error) {
		return error;
	}
	out->inode_number = inode->attributes.inode_number;
	out->device_id = 0; /* the overlay's own */
	if (node->lower_count + (overlay_upper(inode) != NULL) > 1 &&
	    (out->mode & S_IFMT) == S_IFDIR) {
		out->link_count = 1; /* a merged directory: "not counted" */
	}
	return 0;
}

void overlay_refresh(struct inode *inode)
{
	struct inode_attributes attributes;

	if (overlay_get_attributes(inode, &attributes) == 0) {
		attributes.device_id = inode->attributes.device_id;
		inode->attributes = attributes;
	}
}

static void free_node(struct overlay_node *node)
{
	heap_free(node->name);
	heap_free(node->lower);
	heap_free(node);
}

static int allocate_node(const struct overlay_backing *lower, unsigned count,
			 const char *name, struct overlay_node **out)
{
	struct overlay_node *node = heap_allocate(sizeof(*node));

	if (!node) {
		return -ENOMEM;
	}
	node->name = heap_duplicate_string(name);
	node->lower = count ? heap_duplicate(lower, count * sizeof(*lower)) : NULL;
	if (!node->name || (count && !node->lower)) {
		free_node(node);
		return -ENOMEM;
	}
	node->lower_count = count;
	*out = node;
	return 0;
}

static void put_backings(struct dentry *upper, const struct overlay_backing *lower,
			 unsigned count)
{
	dentry_put(upper);
	for (unsigned i = 0; i < count; i++) {
		dentry_put(lower[i].dentry);
	}
}

void overlay_destroy_inode(struct inode *inode)
{
	struct overlay_node *node = overlay_node(inode);

	if (!node) {
		return;
	}
	put_backings(node->upper, node->lower, node->lower_count);
	if (node->parent) {
		inode_put(node->parent);
	}
	free_node(node);
	inode->data = NULL;
}

static void set_operations(struct inode *inode)
{
	bool directory = (inode->attributes.mode & S_IFMT) == S_IFDIR;

	inode->operations =
		directory ? &overlay_directory_operations : &overlay_other_operations;
	inode->file_operations =
		directory ? &overlay_directory_file_operations : &overlay_file_operations;
}

int overlay_make_inode(struct super_block *super_block, struct dentry *upper,
		       const struct overlay_backing *lower, unsigned lower_count,
		       struct inode *parent, const char *name, struct inode **out)
{
	struct overlay_node *node;
	struct inode *inode, *numbered;
	int error = allocate_node(lower, lower_count, name, &node);

	if (!error) {
		error = inode_create(super_block, &inode);
		if (error) {
			free_node(node);
		}
	}
	if (error) {
		put_backings(upper, lower, lower_count);
		return error;
	}
	node->upper = upper;
	node->parent = parent;
	if (parent) {
		inode_get(parent);
	}
	inode->data = node;
	numbered = dentry_inode(lower_count ? lower[lower_count - 1].dentry : upper);
	if (lower_count && (numbered->attributes.mode & S_IFMT) != S_IFDIR) {
		numbered = dentry_inode(lower[0].dentry);
	}
	inode->attributes.inode_number =
		numbered->attributes.inode_number | (lower_count ? 0 : UPPER_NUMBER);
	overlay_refresh(inode);
	set_operations(inode);
	*out = inode;
	return 0;
}

static int found_init(struct found *found, const struct inode *directory)
{
	unsigned most = overlay_node(directory)->lower_count;

	memset(found, 0, sizeof(*found));
	found->lower = most <= FEW ? found->few
				   : heap_allocate_array(most, sizeof(*found->lower));
	return found->lower ? 0 : -ENOMEM;
}

/* The references are somebody else's by now. */
static void found_fini(struct found *found)
{
	if (found->lower != found->few) {
		heap_free(found->lower);
	}
}

/* Look in the upper layer; *go_on: the lower ones count too. */
static int find_upper(struct inode *directory, const char *name, struct found *found,
		      bool *go_on)
{
	struct dentry *parent = overlay_upper(directory), *dentry;
	int error;

	*go_on = true;
	if (!parent) {
		return 0;
	}
	error = dentry_lookup(parent, name, strlen(name), &dentry);
	if (error) {
		return error;
	}
	if (!dentry_inode(dentry)) {
		dentry_put(dentry);
		return 0;
	}
	if (overlay_is_whiteout(dentry_inode(dentry))) {
		dentry_put(dentry);
		*go_on = false;
		return 0;
	}
	found->upper = dentry;
	*go_on = is_directory(dentry) && !is_opaque(dentry);
	return 0;
}

/* One lower layer's answer; *go_on as above. */
static int find_in_lower(const struct overlay_node *parent, unsigned index,
			 const char *name, struct found *found, bool *go_on)
{
	bool merging = found->upper || found->lower_count;
	struct dentry *dentry;
	int error =
		dentry_lookup(parent->lower[index].dentry, name, strlen(name), &dentry);

	if (error) {
		return error;
	}
	if (!dentry_inode(dentry)) {
		dentry_put(dentry);
		return 0;
	}
	if (overlay_is_whiteout(dentry_inode(dentry)) ||
	    (merging && !is_directory(dentry))) {
		dentry_put(dentry);
		*go_on = false;
		return 0;
	}
	*go_on = is_directory(dentry) && !is_opaque(dentry);
	found->lower[found->lower_count++] =
		(struct overlay_backing){dentry, parent->lower[index].layer};
	return 0;
}

static int find_lower(struct inode *directory, const char *name, struct found *found)
{
	const struct overlay_node *parent = overlay_node(directory);
	bool go_on = true;
	int error = 0;

	for (unsigned i = 0; i < parent->lower_count && go_on && !error; i++) {
		error = find_in_lower(parent, i, name, found, &go_on);
	}
	return error;
}

int overlay_lower_has(struct inode *directory, const char *name)
{
	struct found found;
	struct dentry *upper = overlay_upper(directory);
	int result = found_init(&found, directory);

	if (result < 0) {
		return result;
	}
	if (!upper || !is_opaque(upper)) {
		result = find_lower(directory, name, &found);
	}
	if (result == 0) {
		result = found.lower_count > 0;
	}
	put_backings(NULL, found.lower, found.lower_count);
	found_fini(&found);
	return result;
}

/* Ask the layers; on failure nothing is held. */
static int find(struct inode *directory, const char *name, struct found *found)
{
	bool go_on;
	int error = find_upper(directory, name, found, &go_on);

	if (!error && go_on) {
		error = find_lower(directory, name, found);
	}
	if (error) {
		put_backings(found->upper, found->lower, found->lower_count);
	}
	return error;
}

int overlay_lookup(struct inode *directory, struct dentry *dentry)
{
	struct found found;
	struct inode *inode;
	int error = found_init(&found, directory);

	if (error) {
		return error;
	}
	error = find(directory, dentry->name, &found);
	if (!error && (found.upper || found.lower_count > 0)) {
		error = overlay_make_inode(directory->super_block, found.upper,
					   found.lower, found.lower_count, directory,
					   dentry->name, &inode);
		if (!error) {
			dentry_set_inode(dentry, inode);
		}
	}
	found_fini(&found);
	return error;
}
