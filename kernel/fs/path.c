// SPDX-License-Identifier: MIT
/*
 * Places (mount, dentry): references, steps over mounts, and their names (R11).
 *
 * Locks     fs_tree_lock for the way up through dentries and mounts.
 */
#include "fs/path.h"

#include "fs/fs_internal.h"
#include "lib/errno.h"
#include "lib/string.h"

void path_get(const struct path *path)
{
	if (path->mount) {
		mount_get(path->mount);
	}
	dentry_get(path->dentry);
}

void path_put(struct path *path)
{
	dentry_put(path->dentry);
	mount_put(path->mount);
	*path = (struct path){0};
}

bool path_equal(const struct path *a, const struct path *b)
{
	return a->mount == b->mount && a->dentry == b->dentry;
}

/* The name is written from the end of the buffer toward its start. */
struct name_writer {
	char *buffer;
	char *at;
};

static bool prepend(struct name_writer *writer, const char *text, size_t length)
{
	if ((size_t)(writer->at - writer->buffer) < length) {
		return false;
	}
	writer->at -= length;
	memcpy(writer->at, text, length);
	return true;
}

enum climb { CLIMB_REACHED, CLIMB_UNREACHABLE, CLIMB_TOO_LONG };

static enum climb climb(struct name_writer *writer, struct path at,
			const struct path *root) MUST_HOLD(&fs_tree_lock)
{
	for (;;) {
		if (root && path_equal(&at, root)) {
			return CLIMB_REACHED;
		}
		if (at.mount && at.dentry == at.mount->root) {
			if (!at.mount->parent) {
				return root ? CLIMB_UNREACHABLE : CLIMB_REACHED;
			}
			at.dentry = at.mount->mountpoint;
			at.mount = at.mount->parent;
			continue;
		}
		if (at.dentry->parent == at.dentry) {
			return root ? CLIMB_UNREACHABLE : CLIMB_REACHED;
		}
		if (!prepend(writer, at.dentry->name, at.dentry->name_length) ||
		    !prepend(writer, "/", 1)) {
			return CLIMB_TOO_LONG;
		}
		at.dentry = at.dentry->parent;
	}
}

/* pipe:[7], socket:[8], anon_inode:[eventfd], net:[9]: no tree, the dentry's name is all. Bind mounted, it has a place. */
static bool stands_alone(const struct path *path)
{
	return !path->mount ||
	       (path->dentry->super_block->treeless && path->dentry != path->mount->root);
}

/* The names up to the root, in front of what is there; where they begin, or NULL: they do not fit. */
static char *write_way(struct name_writer *writer, const struct path *path,
		       const struct path *root, enum name_form form)
{
	static const char unreachable[] = "(unreachable)";
	char *end_of_name = writer->at;
	enum climb end;

	spin_lock(&fs_tree_lock);
	end = climb(writer, *path, root);
	spin_unlock(&fs_tree_lock);
	if (end == CLIMB_TOO_LONG ||
	    (writer->at == end_of_name && !prepend(writer, "/", 1)) ||
	    (end == CLIMB_UNREACHABLE && form == NAME_FOR_GETCWD &&
	     !prepend(writer, unreachable, sizeof(unreachable) - 1))) {
		return NULL;
	}
	return writer->at;
}

int dentry_to_name(const struct dentry *dentry, char *buffer, size_t size, char **start)
{
	static const char deleted[] = "//deleted";
	struct name_writer writer = {buffer, buffer + size};
	bool treeless = dentry->super_block->treeless, fits = prepend(&writer, "", 1);

	if (!treeless && dentry_unhashed(dentry)) {
		fits = prepend(&writer, deleted, sizeof(deleted) - 1);
	}
	char *end_of_name = writer.at;

	spin_lock(&fs_tree_lock);
	for (; fits && dentry->parent != dentry; dentry = dentry->parent) {
		fits = prepend(&writer, dentry->name, dentry->name_length) &&
		       prepend(&writer, "/", 1);
	}
	if (fits && writer.at == end_of_name) { // the root, or what hangs in no tree
		fits = prepend(&writer, dentry->name, dentry->name_length);
	}
	spin_unlock(&fs_tree_lock);
	*start = writer.at;
	return fits ? (int)(buffer + size - writer.at - 1) : -ENAMETOOLONG;
}

int path_to_name(const struct path *path, const struct path *root, char *buffer,
		 size_t size, enum name_form form, char **start)
{
	static const char deleted[] = " (deleted)";
	struct name_writer writer = {buffer, buffer + size};
	bool gone = !path->dentry->super_block->treeless && dentry_unhashed(path->dentry);

	if (gone && form == NAME_FOR_GETCWD) {
		return -ENOENT;
	}
	if (!prepend(&writer, "", 1) ||
	    (gone && path->mount && !prepend(&writer, deleted, sizeof(deleted) - 1))) {
		return -ENAMETOOLONG;
	}
	if (stands_alone(path)) {
		return prepend(&writer, path->dentry->name, path->dentry->name_length)
			       ? (*start = writer.at,
				  (int)(buffer + size - writer.at - 1))
			       : -ENAMETOOLONG;
	}
	*start = write_way(&writer, path, root, form);
	return *start ? (int)(buffer + size - *start - 1) : -ENAMETOOLONG;
}

int path_to_mount_name(struct mount *mount, const struct path *root, char *buffer,
		       size_t size, char **start)
{
	const struct path top = {mount, mount->root};
	struct name_writer writer = {buffer, buffer + size};

	*start = prepend(&writer, "", 1) ? write_way(&writer, &top, root, NAME_FOR_GETCWD)
					 : NULL;
	return *start ? (int)(buffer + size - *start - 1) : -ENAMETOOLONG;
}
