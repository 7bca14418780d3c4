// SPDX-License-Identifier: MIT
/*
 * Walking a path: component by component, over mounts and symbolic links (path_resolution(7)).
 *
 * Owns      struct walk, on the caller's stack.
 * Context   thread, no lock held.
 *
 * A link's target is put in front of what is left of the name, in a buffer of its own, so that the
 * depth of links costs no stack. `current` and `root` hold references from walk_begin() to walk_end().
 */
#include "core/missing.h"
#include "fs/fs_internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include <linux/limits.h>
#include <linux/stat.h>

enum { LINKS_MAX = 40 };

static bool scoped(const struct walk *walk)
{
	return (walk->flags & (WALK_BENEATH | WALK_IN_ROOT)) != 0;
}

static void set_current(struct walk *walk, const struct path *place)
{
	path_get(place);
	path_put(&walk->current);
	walk->current = *place;
}

/* An absolute name, or the target of an absolute link. */
static int jump_to_root(struct walk *walk)
{
	if (walk->flags & WALK_BENEATH) {
		return -EXDEV;
	}
	if ((walk->flags & WALK_NO_CROSS_DEVICE) &&
	    walk->current.mount != walk->root.mount) {
		return -EXDEV;
	}
	set_current(walk, &walk->root);
	return 0;
}

/* An unscoped absolute name never looks at the start or the cwd. */
static void begin_places(struct walk *walk, bool absolute)
{
	const struct walk_context *context = walk->context;

	if (!scoped(walk) && absolute) {
		fs_info_get_root(context->fs, &walk->root);
		walk->current = walk->root;
		path_get(&walk->current);
	} else if (!scoped(walk) && !context->start) {
		fs_info_get_places(context->fs, &walk->root, &walk->current);
	} else {
		if (context->start) {
			walk->current = *context->start;
			path_get(&walk->current);
		} else {
			fs_info_get_cwd(context->fs, &walk->current);
		}
		if (scoped(walk)) {
			walk->root = walk->current;
			path_get(&walk->root);
		} else {
			fs_info_get_root(context->fs, &walk->root);
		}
	}
}

int walk_begin(struct walk *walk, const struct walk_context *context, const char *name,
	       unsigned flags)
{
	*walk = (struct walk){.context = context, .flags = flags, .rest = name};
	if (*name == '\0' && !(flags & WALK_EMPTY)) {
		return -ENOENT;
	}
	begin_places(walk, *name == '/');
	if (*name != '/') {
		return 0;
	}
	if (flags & WALK_BENEATH) {
		walk_end(walk);
		return -EXDEV;
	}
	set_current(walk, &walk->root);
	return 0;
}

void walk_end(struct walk *walk)
{
	path_put(&walk->current);
	path_put(&walk->root);
	heap_free(walk->buffer);
	walk->buffer = NULL;
}

static int go_up(struct walk *walk)
{
	struct path up;

	if (path_equal(&walk->current, &walk->root)) {
		return (walk->flags & WALK_BENEATH) ? -EXDEV : 0;
	}
	while (walk->current.dentry == walk->current.mount->root) {
		if (walk->flags & WALK_NO_CROSS_DEVICE) {
			return -EXDEV;
		}
		if (!path_leave_mount(&walk->current)) {
			return 0; // the very top, or a detached mount
		}
		if (path_equal(&walk->current, &walk->root)) {
			return 0;
		}
	}
	up.mount = walk->current.mount;
	up.dentry = dentry_parent(walk->current.dentry);
	mount_get(up.mount);
	path_cross_mounts(&up);
	path_put(&walk->current);
	walk->current = up;
	return 0;
}

/* `current` becomes what a magic link names: reference taken over. */
static int follow_magic(struct walk *walk, struct inode *inode)
{
	struct path place;
	int result;

	if (walk->flags & (WALK_NO_MAGIC_LINKS | WALK_BENEATH | WALK_IN_ROOT)) {
		return (walk->flags & WALK_NO_MAGIC_LINKS) ? -ELOOP : -EXDEV;
	}
	result =
		inode->operations->follow_link(inode, walk->context->credentials, &place);
	if (result < 0) {
		return result;
	}
	if ((walk->flags & WALK_NO_CROSS_DEVICE) && place.mount != walk->current.mount) {
		path_put(&place);
		return -EXDEV;
	}
	path_put(&walk->current);
	walk->current = place;
	walk->jumped = true;
	return 0;
}

/* Put the target in front of the rest. */
static int splice_target(struct walk *walk, struct inode *inode)
{
	size_t rest_length = strlen(walk->rest);
	char *buffer = heap_allocate(PATH_MAX + rest_length + 2);
	s64 length;

	if (!buffer) {
		return -ENOMEM;
	}
	length = inode_read_link(inode, buffer, PATH_MAX);
	if (length <= 0) {
		heap_free(buffer);
		return length < 0 ? (int)length : -ENOENT;
	}
	buffer[length] = '/';
	memcpy(buffer + length + (rest_length ? 1 : 0), walk->rest, rest_length + 1);
	heap_free(walk->buffer);
	walk->buffer = buffer;
	walk->rest = buffer;
	return buffer[0] == '/' ? jump_to_root(walk) : 0;
}

int walk_follow(struct walk *walk, struct dentry *link)
{
	struct inode *inode = dentry_inode(link);

	if ((walk->flags & WALK_NO_SYMLINKS) || walk->links++ >= LINKS_MAX) {
		return -ELOOP;
	}
	if (inode->operations->follow_link) {
		return follow_magic(walk, inode);
	}
	return splice_target(walk, inode);
}

/* `current` becomes the child `dentry` (reference taken over), or what is mounted on it. */
static int enter(struct walk *walk, struct dentry *dentry, bool cross)
{
	struct path place = {walk->current.mount, dentry};

	mount_get(place.mount);
	if (cross) {
		path_cross_mounts(&place);
	}
	if ((walk->flags & WALK_NO_CROSS_DEVICE) && place.mount != walk->current.mount) {
		path_put(&place);
		return -EXDEV;
	}
	path_put(&walk->current);
	walk->current = place;
	return 0;
}

/* One ordinary component. */
static int step(struct walk *walk, const char *name, size_t length, bool is_last)
{
	struct dentry *dentry;
	struct inode *inode;
	bool follow = !is_last || (walk->flags & WALK_FOLLOW) || walk->must_be_directory;
	int result = dentry_lookup(walk->current.dentry, name, length, &dentry);

	if (result < 0) {
		return result;
	}
	inode = dentry_inode(dentry);
	if (!inode) {
		result = -ENOENT;
	} else if (inode_is(inode, S_IFLNK) && follow) {
		result = walk_follow(walk, dentry);
	} else {
		return enter(walk, dentry,
			     !is_last || !(walk->flags & WALK_NO_MOUNT_LAST));
	}
	dentry_put(dentry);
	return result;
}

static int may_search(struct walk *walk)
{
	struct inode *directory = dentry_inode(walk->current.dentry);

	if (!inode_is(directory, S_IFDIR)) {
		return -ENOTDIR;
	}
	return fs_permission(directory, walk->context->credentials, ACCESS_EXECUTE);
}

/* Cut the next component off; its length, 0: none is left. Sets trailing_slash when only slashes follow. */
static s64 next_component(struct walk *walk, const char **name, bool *is_last)
{
	const char *p = walk->rest;
	size_t length = 0;

	while (*p == '/') {
		p++;
	}
	*name = p;
	while (p[length] && p[length] != '/') {
		length++;
	}
	if (length > NAME_MAX) {
		return -ENAMETOOLONG;
	}
	walk->rest = p + length;
	while (*walk->rest == '/') {
		walk->rest++;
	}
	*is_last = *walk->rest == '\0';
	walk->trailing_slash = *is_last && walk->rest > p + length;
	return (s64)length;
}

static int plain_step(struct walk *walk, const char *name, size_t length, bool is_last)
{
	if (length == 1 && name[0] == '.') {
		return 0;
	}
	if (length == 2 && name[0] == '.' && name[1] == '.') {
		return go_up(walk);
	}
	return step(walk, name, length, is_last);
}

int walk_to_end(struct walk *walk)
{
	bool is_last = false;
	const char *name;
	s64 length;
	int result;

	while ((length = next_component(walk, &name, &is_last)) != 0) {
		result = length < 0 ? (int)length : may_search(walk);
		if (result < 0) {
			return result;
		}
		walk->jumped = false;
		walk->must_be_directory = walk->must_be_directory || walk->trailing_slash;
		result = plain_step(walk, name, (size_t)length, is_last);
		if (result < 0) {
			return result;
		}
	}
	if ((walk->must_be_directory || (walk->flags & WALK_DIRECTORY)) &&
	    !inode_is(dentry_inode(walk->current.dentry), S_IFDIR)) {
		return -ENOTDIR;
	}
	return 0;
}

static enum walk_last last_kind(const char *name, size_t length)
{
	if (length == 1 && name[0] == '.') {
		return WALK_LAST_DOT;
	}
	return length == 2 && name[0] == '.' && name[1] == '.' ? WALK_LAST_DOTDOT
							       : WALK_LAST_NAME;
}

int walk_to_parent(struct walk *walk)
{
	bool is_last = false;
	const char *name;
	s64 length;
	int result;

	walk->last_kind = WALK_LAST_NONE;
	while ((length = next_component(walk, &name, &is_last)) != 0) {
		result = length < 0 ? (int)length : may_search(walk);
		if (result < 0) {
			return result;
		}
		if (is_last) {
			memcpy(walk->last, name, (size_t)length);
			walk->last[length] = '\0';
			walk->last_kind = last_kind(name, (size_t)length);
			return 0;
		}
		walk->jumped = false;
		result = plain_step(walk, name, (size_t)length, false);
		if (result < 0) {
			return result;
		}
	}
	return 0;
}

int path_walk(const struct walk_context *context, const char *name, unsigned walk_flags,
	      struct path *out)
{
	struct walk walk uninitialized_;
	int result = walk_begin(&walk, context, name, walk_flags);

	if (result < 0) {
		return result;
	}
	result = walk_to_end(&walk);
	if (result == 0) {
		*out = walk.current;
		path_get(out);
	} else if (result == -ENOENT && name[0] == '/') {
		missing_record(MISSING_FILE, name);
	}
	walk_end(&walk);
	return result;
}

int path_walk_parent(const struct walk_context *context, const char *name,
		     struct path *parent, char *last)
{
	struct walk walk;
	int result = walk_begin(&walk, context, name, 0);

	if (result < 0) {
		return result;
	}
	result = walk_to_parent(&walk);
	if (result == 0 && walk.last_kind != WALK_LAST_NAME) {
		result = -EEXIST;
	}
	if (result == 0) {
		*parent = walk.current;
		path_get(parent);
		string_copy(last, walk.last, sizeof(walk.last));
	}
	walk_end(&walk);
	return result;
}
