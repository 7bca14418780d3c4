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
#include "mm/heap.h"
#include <linux/limits.h>
#include <linux/mount.h>

static struct mount *nth(unsigned n, u32 *parent_id)
{
	struct mount *mount, *found = NULL;

	spin_lock(&fs_tree_lock);
	list_for_each(mount, &mounts, link) {
		if (n-- == 0) {
			found = mount;
			*parent_id = mount->parent ? mount->parent->id : 0;
			mount_get(mount);
			break;
		}
	}
	spin_unlock(&fs_tree_lock);
	return found;
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

static void options_of(const struct mount *mount, char *to, size_t size)
{
	static const struct {
		u32 flag;
		const char *text;
	} words[] = {
		{MS_NOSUID, ",nosuid"},         {MS_NODEV, ",nodev"},
		{MS_NOEXEC, ",noexec"},         {MS_NOATIME, ",noatime"},
		{MS_NODIRATIME, ",nodiratime"},
	};
	size_t length = string_copy(to, mount_writable(mount) < 0 ? "ro" : "rw", size);

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		if ((mount->flags & words[i].flag) && length < size) {
			length += string_copy(to + length, words[i].text, size - length);
		}
	}
	if (!(mount->flags & (MS_NOATIME | MS_STRICTATIME)) && length < size) {
		string_copy(to + length, ",relatime", size - length);
	}
}

static int write_line(const struct mount *mount, u32 parent_id, const char *place,
		      enum mount_text form, char *to, size_t size)
{
	struct super_block *super_block = mount->super_block;
	const char *type = super_block->type->name;
	char options[96], more[128] = "", source[128];

	options_of(mount, options, sizeof(options));
	escape(source, sizeof(source), mount->source);
	if (super_block->operations && super_block->operations->show_options) {
		(void)super_block->operations->show_options(super_block, more,
							    sizeof(more));
	}
	switch (form) {
	case MOUNT_TEXT_MOUNTINFO:
		return format_string(
			to, size, "%u %u %u:%u / %s %s - %s %s %s%s\n", mount->id,
			parent_id, device_major(super_block->device_id),
			device_minor(super_block->device_id), place, options, type,
			source, super_block->read_only ? "ro" : "rw", more);
	case MOUNT_TEXT_MOUNTSTATS:
		return format_string(to, size, "device %s mounted on %s with fstype %s\n",
				     source, place, type);
	default:
		return format_string(to, size, "%s %s %s %s%s 0 0\n", source, place, type,
				     options, more);
	}
}

int mount_describe(unsigned n, const struct path *root, enum mount_text form, char *to,
		   size_t size)
{
	u32 parent_id = 0;
	struct mount *mount = nth(n, &parent_id);
	char *buffer, *start;
	int result;

	if (!mount) {
		return 0;
	}
	buffer = heap_allocate(3 * PATH_MAX);
	if (!buffer) {
		mount_put(mount);
		return -ENOMEM;
	}
	struct path place = {mount, mount->root};

	result = path_to_name(&place, root, buffer, PATH_MAX, true, &start);
	if (result >= 0 && *start != '/') {
		result =
			-ENOENT; // not below this root: the caller goes on with the next one
	}
	if (result >= 0) {
		escape(buffer + PATH_MAX, 2 * PATH_MAX, start);
		result = write_line(mount, parent_id, buffer + PATH_MAX, form, to, size);
	}
	heap_free(buffer);
	mount_put(mount);
	return result;
}
