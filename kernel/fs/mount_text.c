// SPDX-License-Identifier: MIT
/*
 * Mounts as text: the lines of /proc/PID/mounts, mountinfo and mountstats.
 *
 * Locks     fs_tree_lock for finding a mount; its text is made with a reference.
 */
#include "fs/device.h"
#include "fs/fs_internal.h"
#include "fs/mount_internal.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include <linux/limits.h>
#include <linux/mount.h>

/* A mount as it was under the lock. */
struct seen {
	struct mount *mount; /* a reference */
	u32 parent, group, master, from;
	bool unbindable;
};

/* The nearest ring above that has somebody in the reader's namespace, when the master's own has nobody. */
static u32 nearest_group(const struct mount *mount,
			 const struct mount_namespace *namespace) MUST_HOLD(&fs_tree_lock)
{
	for (struct mount *master = mount->master; master; master = master->master) {
		struct mount *peer;

		if (master->namespace == namespace) {
			return master->group;
		}
		list_for_each(peer, &master->peers, peers) {
			if (peer->namespace == namespace) {
				return master->group;
			}
		}
	}
	return 0;
}

static bool see_nth(struct mount_namespace *namespace, unsigned n, struct seen *seen)
{
	struct mount *mount;

	*seen = (struct seen){0};
	spin_lock(&fs_tree_lock);
	list_for_each(mount, &namespace->mounts, link) {
		if (n-- == 0) {
			mount_get(mount);
			seen->mount = mount;
			seen->parent = (mount->parent ? mount->parent : mount)->id;
			seen->group = mount->shared ? mount->group : 0;
			seen->master = mount->master ? mount->master->group : 0;
			seen->from = nearest_group(mount, namespace);
			seen->unbindable = mount->unbindable;
			break;
		}
	}
	spin_unlock(&fs_tree_lock);
	return seen->mount != NULL;
}

/* Spaces, tabs, newlines and backslashes in octal, as getmntent(3) reads them. Returns the length. */
static size_t escape(char *to, size_t size, const char *text)
{
	size_t length = 0;

	for (; *text && length + 5 < size; text++) {
		if (strchr(" \t\n\\", *text)) {
			length += (size_t)format_string(to + length, size - length,
							"\\%03o", (unsigned)*text);
		} else {
			to[length++] = *text;
		}
	}
	to[length] = '\0';
	return length;
}

static void options_of(const struct mount *mount, enum mount_text form, char *to,
		       size_t size)
{
	// mountinfo shows the mount alone here, and the file system behind it later.
	bool read_only = form == MOUNT_TEXT_MOUNTINFO ? (mount->flags & MS_RDONLY) != 0
						      : mount_writable(mount) < 0;
	static const struct {
		u32 flag;
		const char *text;
	} words[] = {
		{MS_NOSUID, ",nosuid"},         {MS_NODEV, ",nodev"},
		{MS_NOEXEC, ",noexec"},         {MS_NOATIME, ",noatime"},
		{MS_NODIRATIME, ",nodiratime"}, {MS_NOSYMFOLLOW, ",nosymfollow"},
	};
	size_t length = string_copy(to, read_only ? "ro" : "rw", size);

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		if ((mount->flags & words[i].flag) && length < size) {
			length += string_copy(to + length, words[i].text, size - length);
		}
	}
	if (!(mount->flags & (MS_NOATIME | MS_STRICTATIME)) && length < size) {
		string_copy(to + length, ",relatime", size - length);
	}
}

/* mountinfo's optional fields, each with a space behind it. */
static void relations_of(const struct seen *seen, char *to, size_t size)
{
	size_t length = 0;

	*to = '\0';
	if (seen->group) {
		length += (size_t)format_string(to, size, "shared:%u ", seen->group);
	}
	if (seen->master) {
		length += (size_t)format_string(to + length, size - length, "master:%u ",
						seen->master);
	}
	if (seen->from && seen->from != seen->master) {
		length += (size_t)format_string(to + length, size - length,
						"propagate_from:%u ", seen->from);
	}
	if (seen->unbindable) {
		format_string(to + length, size - length, "unbindable ");
	}
}

static int write_mountinfo(const struct seen *seen, const char *top, const char *place,
			   const char *source, const char *options, const char *more,
			   char *to, size_t size)
{
	const struct mount *mount = seen->mount;
	const struct super_block *super_block = mount->super_block;
	char relations[80];

	relations_of(seen, relations, sizeof(relations));
	return format_string(to, size, "%u %u %u:%u %s %s %s %s- %s %s %s%s\n", mount->id,
			     seen->parent, device_major(super_block->device_id),
			     device_minor(super_block->device_id), top, place, options,
			     relations, super_block->type->name, source,
			     super_block->read_only ? "ro" : "rw", more);
}

static int write_line(const struct seen *seen, const char *top, const char *place,
		      enum mount_text form, char *to, size_t size)
{
	const struct mount *mount = seen->mount;
	struct super_block *super_block = mount->super_block;
	const char *type = super_block->type->name;
	char options[96], more[128] = "", source[128];

	options_of(mount, form, options, sizeof(options));
	escape(source, sizeof(source), mount->source);
	if (super_block->operations && super_block->operations->show_options) {
		(void)super_block->operations->show_options(super_block, more,
							    sizeof(more));
	}
	switch (form) {
	case MOUNT_TEXT_MOUNTINFO:
		return write_mountinfo(seen, top, place, source, options, more, to, size);
	case MOUNT_TEXT_MOUNTSTATS:
		return format_string(to, size, "device %s mounted on %s with fstype %s\n",
				     source, place, type);
	default:
		return format_string(to, size, "%s %s %s %s%s 0 0\n", source, place, type,
				     options, more);
	}
}

/* Room for one line's parts. */
struct names {
	char raw[PATH_MAX], place[2 * PATH_MAX], top[2 * PATH_MAX];
};

/* Which part of its file system it shows. */
static int name_top(const struct mount *mount, struct names *names)
{
	char *start;
	int result = dentry_to_name(mount->root, names->raw, sizeof(names->raw), &start);

	if (result >= 0) {
		escape(names->top, sizeof(names->top), start);
	}
	return result;
}

static int name_place(struct mount *mount, const struct path *root, struct names *names)
{
	char *start;
	int result =
		path_to_mount_name(mount, root, names->raw, sizeof(names->raw), &start);

	if (result >= 0 && *start != '/') {
		return -ENOENT; // not below this root: the caller goes on with the next one
	}
	if (result >= 0) {
		escape(names->place, sizeof(names->place), start);
	}
	return result;
}

int mount_describe(struct mount_namespace *namespace, unsigned n, const struct path *root,
		   enum mount_text form, char *to, size_t size, void *scratch)
{
	struct names *names = scratch;
	struct seen seen;
	int result;

	STATIC_ASSERT(sizeof(struct names) == MOUNT_TEXT_SCRATCH);
	if (!see_nth(namespace, n, &seen)) {
		return 0;
	}
	result = name_place(seen.mount, root, names);
	if (result >= 0) {
		result = name_top(seen.mount, names);
	}
	if (result >= 0) {
		result = write_line(&seen, names->top, names->place, form, to, size);
	}
	mount_put_unmarked(seen.mount);
	return result;
}
