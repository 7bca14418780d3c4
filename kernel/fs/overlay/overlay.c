// SPDX-License-Identifier: MIT
/*
 * Overlay: mounting.
 *
 * Owns      the type "overlay", struct overlay.
 *
 * Options   lowerdir=A[:B…] (topmost first), upperdir=U, workdir=W (checked to be there; copies are made in place). Commas and colons in
 *           names are escaped with a backslash.
 * Stacks    a layer may be an overlay's, twice at most: what recurses into layers then fits into a kernel stack (S1).
 */
#include "fs/overlay/overlay.h"

#include "fs/mount.h"
#include "fs/overlay/overlay_internal.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/heap.h"
#include <asm/statfs.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/stat.h>

static void put_lower(struct overlay *overlay)
{
	for (unsigned i = 0; i < overlay->lower_count; i++) {
		path_put(&overlay->lower[i]);
	}
	heap_free(overlay->lower);
	overlay->lower = NULL;
	overlay->lower_count = 0;
}

static void overlay_free(struct overlay *overlay)
{
	path_put(&overlay->upper);
	put_lower(overlay);
	credentials_put(overlay->credentials);
	heap_free(overlay);
}

static void overlay_unmount(struct super_block *super_block)
{
	overlay_free(super_block->data);
}

static int overlay_statfs(struct super_block *super_block, struct statfs *out)
{
	struct overlay *overlay = super_block->data;
	const struct path *of =
		overlay->upper.mount ? &overlay->upper : &overlay->lower[0];
	int error = fs_statfs(of, out);

	out->f_type = OVERLAYFS_SUPER_MAGIC;
	return error;
}

static int overlay_show_options(struct super_block *super_block, char *to, size_t size)
{
	const struct overlay *overlay = super_block->data;

	return format_string(to, size, ",%s", overlay->options);
}

static const struct super_block_operations overlay_super_operations = {
	.destroy_inode = overlay_destroy_inode,
	.unmount = overlay_unmount,
	.statfs = overlay_statfs,
	.show_options = overlay_show_options,
};

/* Copy one name out of `text`, up to an unescaped `end` or the end; returns where it stopped. */
static const char *cut(const char *text, char end, char *to, size_t size)
{
	size_t length = 0;

	while (*text && *text != end && *text != ',') {
		if (*text == '\\' && text[1]) {
			text++;
		}
		if (length + 1 < size) {
			to[length++] = *text;
		}
		text++;
	}
	to[length] = 0;
	return text;
}

/* A layer, through a mount of its own: what is unmounted or mounted there later is nothing to the overlay. */
static int resolve(const struct walk_context *context, const char *name, struct path *out)
{
	struct mount *own;
	int error = path_walk(context, name, WALK_FOLLOW | WALK_DIRECTORY, out);

	if (error) {
		return error;
	}
	error = out->mount ? mount_create(out->dentry, out->mount->source,
					  atomic_load(&out->mount->flags), &own)
			   : -EINVAL;
	if (error) {
		path_put(out);
		return error;
	}
	mount_put(out->mount);
	out->mount = own;
	return 0;
}

/* How many names a lowerdir= has. */
static unsigned count_names(const char *value)
{
	unsigned count = 1;

	for (; *value && *value != ','; value++) {
		if (*value == '\\' && value[1]) {
			value++;
		} else if (*value == ':') {
			count++;
		}
	}
	return count;
}

static int add_lower(struct overlay *overlay, const struct walk_context *context,
		     const char *value, char *name)
{
	unsigned count = count_names(value);

	if (count > OVERLAY_LAYERS_MAX) {
		return -EINVAL;
	}
	put_lower(overlay); // the last lowerdir= counts
	overlay->lower = heap_allocate_array(count, sizeof(*overlay->lower));
	if (!overlay->lower) {
		return -ENOMEM;
	}
	for (;;) {
		int error;

		value = cut(value, ':', name, PATH_MAX);
		error = resolve(context, name, &overlay->lower[overlay->lower_count]);
		if (error) {
			return error;
		}
		overlay->lower_count++;
		if (*value != ':') {
			return 0;
		}
		value++;
	}
}

/* Where it writes must not be an overlay's. */
static int resolve_writable(const struct walk_context *context, const char *name,
			    struct path *out)
{
	int error = resolve(context, name, out);

	if (!error && out->mount->super_block->operations == &overlay_super_operations) {
		path_put(out);
		return -EINVAL;
	}
	return error;
}

static int parse_option(struct overlay *overlay, const struct walk_context *context,
			const char *option, char *name)
{
	struct path work;
	int error;

	if (strncmp(option, "lowerdir=", 9) == 0) {
		return add_lower(overlay, context, option + 9, name);
	}
	if (strncmp(option, "upperdir=", 9) == 0) {
		cut(option + 9, ',', name, PATH_MAX);
		return overlay->upper.mount
			       ? -EINVAL
			       : resolve_writable(context, name, &overlay->upper);
	}
	if (strncmp(option, "workdir=", 8) == 0) {
		cut(option + 8, ',', name, PATH_MAX);
		error = resolve_writable(context, name, &work);
		if (!error) {
			path_put(&work);
		}
		return error;
	}
	return -EINVAL;
}

static int parse_options(struct overlay *overlay, const struct walk_context *context,
			 const char *data)
{
	char *name = heap_allocate(PATH_MAX);
	int error = name ? 0 : -ENOMEM;

	while (!error && data && *data) {
		if (*data != ',') {
			error = parse_option(overlay, context, data, name);
		}
		while (*data && *data != ',') {
			data += *data == '\\' && data[1] ? 2 : 1;
		}
		data += *data == ',';
	}
	heap_free(name);
	return error ? error : overlay->lower_count > 0 ? 0 : -EINVAL;
}

/* The root: the layers' roots, merged. */
static int make_root(struct super_block *super_block, struct overlay *overlay)
{
	struct overlay_backing *lower =
		heap_allocate_array(overlay->lower_count, sizeof(*lower));
	struct inode *inode;
	int error;

	if (!lower) {
		return -ENOMEM;
	}
	for (unsigned i = 0; i < overlay->lower_count; i++) {
		lower[i] = (struct overlay_backing){overlay->lower[i].dentry, i};
		dentry_get(lower[i].dentry);
	}
	if (overlay->upper.dentry) {
		dentry_get(overlay->upper.dentry);
	}
	error = overlay_make_inode(super_block, overlay->upper.dentry, lower,
				   overlay->lower_count, NULL, "", &inode);
	heap_free(lower);
	if (error) {
		return error;
	}
	return dentry_create_root(super_block, inode, &super_block->root);
}

/* Of the layers, how many file systems the one with most stands on. */
static unsigned depth_below(const struct overlay *overlay)
{
	unsigned depth =
		overlay->upper.mount ? overlay->upper.mount->super_block->stack_depth : 0;

	for (unsigned i = 0; i < overlay->lower_count; i++) {
		depth = MAX(depth, overlay->lower[i].mount->super_block->stack_depth);
	}
	return depth;
}

static int build(struct overlay *overlay, const struct file_system_type *type,
		 struct super_block **out)
{
	static const enum lock_rank ranks[FILE_SYSTEM_STACK_MAX + 1] = {
		RANK_NONE, RANK_OVERLAY_COPY_1, RANK_OVERLAY_COPY_2};
	struct super_block *super_block;
	int error = super_block_create(type, &overlay_super_operations, &super_block);

	if (error) {
		overlay_free(overlay);
		return error;
	}
	super_block->data = overlay;
	super_block->read_only = overlay->upper.mount == NULL;
	error = super_block_stack(super_block, depth_below(overlay));
	if (!error) {
		mutex_init(&overlay->copy_lock, ranks[super_block->stack_depth],
			   "overlay.copy_lock");
		error = make_root(super_block, overlay);
	}
	if (error) {
		super_block_put(super_block);
		return error;
	}
	*out = super_block;
	return 0;
}

static int overlay_mount(const struct file_system_type *type,
			 const struct walk_context *context, const char *source,
			 unsigned long flags, const char *data, struct super_block **out)
{
	struct overlay *overlay = heap_allocate(sizeof(*overlay));
	int error;

	if (!overlay) {
		return -ENOMEM;
	}
	overlay->credentials = credentials_get(context->credentials);
	string_copy(overlay->options, data ? data : "", sizeof(overlay->options));
	error = parse_options(overlay, context, data);
	if (!error && overlay->upper.mount && mount_writable(overlay->upper.mount)) {
		error = -EINVAL;
	}
	if (error) {
		overlay_free(overlay);
		return error;
	}
	return build(overlay, type, out);
}

static struct file_system_type overlay_type = {
	.name = "overlay",
	.mount_at = overlay_mount,
	.flags = FILE_SYSTEM_NODEV | FILE_SYSTEM_FOR_ALL,
};

void overlay_init(void)
{
	file_system_register(&overlay_type);
}
