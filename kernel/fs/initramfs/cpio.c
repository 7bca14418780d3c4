// SPDX-License-Identifier: MIT
/*
 * Unpacking cpio archives in the "new ASCII" format: a header of hexadecimal fields, the name, the
 * data, each padded to four bytes.
 *
 * A damaged archive gives -EINVAL where the damage is; what was unpacked before it stays. Names that
 * lead upward ("..") are refused. Hard links have one inode number and the data in the last of them.
 */
#include "fs/initramfs/initramfs.h"

#include "fs/device.h"
#include "fs/directory.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include <asm/fcntl.h>
#include <linux/stat.h>

enum { HEADER_SIZE = 110, FIELD_SIZE = 8, MAGIC_SIZE = 6, NAME_MAX_SIZE = 4096 };

struct entry {
	u32 inode_number, mode, uid, gid, links, modified, size;
	u32 device_major, device_minor, special_major, special_minor, name_size;
	const char *name;
	const u8 *data;
};

/* Names of files with several links, until the archive ends. */
struct seen_link {
	struct seen_link *next;
	u32 inode_number, device_major, device_minor;
	char name[];
};

struct unpacker {
	const struct walk_context *context;
	struct seen_link *links;
};

static bool parse_field(const u8 *text, u32 *out)
{
	u32 value = 0;

	for (unsigned i = 0; i < FIELD_SIZE; i++) {
		u8 c = text[i];

		if (c >= '0' && c <= '9') {
			value = value * 16 + (u32)(c - '0');
		} else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
			value = value * 16 + (u32)((c | 0x20) - 'a' + 10);
		} else {
			return false;
		}
	}
	*out = value;
	return true;
}

/* The entry at `at`; *next is where the following one starts. */
static int parse_entry(const u8 *archive, size_t size, size_t at, struct entry *entry,
		       size_t *next)
{
	u32 *const fields[] = {
		&entry->inode_number,  &entry->mode,          &entry->uid,
		&entry->gid,           &entry->links,         &entry->modified,
		&entry->size,          &entry->device_major,  &entry->device_minor,
		&entry->special_major, &entry->special_minor, &entry->name_size,
	};
	size_t data;

	if (size - at < HEADER_SIZE ||
	    memcmp(archive + at, "07070", MAGIC_SIZE - 1) != 0 ||
	    (archive[at + 5] != '1' && archive[at + 5] != '2')) {
		return -EINVAL;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!parse_field(archive + at + MAGIC_SIZE + i * FIELD_SIZE, fields[i])) {
			return -EINVAL;
		}
	}
	at += HEADER_SIZE;
	if (entry->name_size == 0 || entry->name_size > NAME_MAX_SIZE ||
	    size - at < entry->name_size || archive[at + entry->name_size - 1] != '\0') {
		return -EINVAL;
	}
	entry->name = (const char *)archive + at;
	data = ALIGN_UP(at + entry->name_size, (size_t)4);
	if (data > size || size - data < entry->size) {
		return -EINVAL;
	}
	entry->data = archive + data;
	*next = MIN(ALIGN_UP(data + entry->size, (size_t)4), size);
	return 0;
}

static bool leads_upward(const char *name)
{
	for (const char *p = name; *p;) {
		if (p[0] == '.' && p[1] == '.' && (p[2] == '/' || p[2] == '\0')) {
			return true;
		}
		while (*p && *p != '/') {
			p++;
		}
		while (*p == '/') {
			p++;
		}
	}
	return false;
}

static int write_data(struct unpacker *unpacker, const struct entry *entry)
{
	struct io_buffer io;
	struct file *file;
	u64 position = 0;
	s64 written = 0;
	int result = fs_open(unpacker->context, entry->name, O_CREAT | O_WRONLY | O_TRUNC,
			     entry->mode & 07777, 0, &file);

	if (result < 0) {
		return result;
	}
	io_buffer_init_kernel(&io, (void *)(uintptr_t)entry->data, entry->size);
	while (io.remaining > 0 && written >= 0) {
		written = file_write(file, &io, &position);
		written = written == 0 ? -ENOSPC : written;
	}
	file_put(file);
	return written < 0 ? (int)written : 0;
}

static int link_to_seen(struct unpacker *unpacker, const struct entry *entry,
			bool *linked)
{
	struct seen_link *seen;
	struct path path;
	int result;

	*linked = false;
	if (entry->links < 2) {
		return 0;
	}
	for (seen = unpacker->links; seen; seen = seen->next) {
		if (seen->inode_number == entry->inode_number &&
		    seen->device_major == entry->device_major &&
		    seen->device_minor == entry->device_minor) {
			result = path_walk(unpacker->context, seen->name, 0, &path);
			if (result == 0) {
				result = fs_link(&path, unpacker->context, entry->name);
				path_put(&path);
			}
			*linked = result == 0;
			return result;
		}
	}
	seen = heap_allocate(sizeof(*seen) + entry->name_size);
	if (!seen) {
		return -ENOMEM;
	}
	seen->inode_number = entry->inode_number;
	seen->device_major = entry->device_major;
	seen->device_minor = entry->device_minor;
	memcpy(seen->name, entry->name, entry->name_size);
	seen->next = unpacker->links;
	unpacker->links = seen;
	return 0;
}

static int make_regular(struct unpacker *unpacker, const struct entry *entry)
{
	bool linked;
	int result = link_to_seen(unpacker, entry, &linked);

	if (result < 0 || (linked && entry->size == 0)) {
		return result;
	}
	return write_data(unpacker, entry);
}

static int make_link(struct unpacker *unpacker, const struct entry *entry)
{
	char *target = heap_allocate((size_t)entry->size + 1);
	int result;

	if (!target) {
		return entry->size ? -ENOMEM : -EINVAL;
	}
	memcpy(target, entry->data, entry->size);
	result = fs_symbolic_link(unpacker->context, target, entry->name);
	heap_free(target);
	return result;
}

static int set_attributes(struct unpacker *unpacker, const struct entry *entry)
{
	struct inode_attributes attributes = {
		.mode = entry->mode,
		.uid = entry->uid,
		.gid = entry->gid,
		.modified = (nsec_t)entry->modified * NSEC_PER_SEC,
	};
	unsigned which = ATTRIBUTE_UID | ATTRIBUTE_GID | ATTRIBUTE_MODIFIED;
	struct path path;
	int result = path_walk(unpacker->context, entry->name, 0, &path);

	if (result < 0) {
		return result;
	}
	if ((entry->mode & S_IFMT) != S_IFLNK) {
		which |= ATTRIBUTE_MODE;
	}
	result = inode_set_attributes(dentry_inode(path.dentry), &attributes, which);
	path_put(&path);
	return result;
}

static int make_entry(struct unpacker *unpacker, const struct entry *entry)
{
	u64 device = device_number(entry->special_major, entry->special_minor);
	int result;

	if (leads_upward(entry->name)) {
		return -EINVAL;
	}
	// A later entry replaces an earlier one of its name, but for directories, which are merged.
	if ((entry->mode & S_IFMT) != S_IFDIR) {
		(void)fs_unlink(unpacker->context, entry->name);
	}
	switch (entry->mode & S_IFMT) {
	case S_IFREG:
		result = make_regular(unpacker, entry);
		break;
	case S_IFDIR:
		result = fs_make_directory(unpacker->context, entry->name,
					   entry->mode & 07777);
		result = result == -EEXIST ? 0 : result;
		break;
	case S_IFLNK:
		result = make_link(unpacker, entry);
		break;
	default:
		result =
			fs_make_node(unpacker->context, entry->name, entry->mode, device);
		break;
	}
	return result < 0 ? result : set_attributes(unpacker, entry);
}

int cpio_unpack(const struct walk_context *context, const u8 *archive, size_t size,
		size_t *used)
{
	struct unpacker unpacker = {.context = context};
	struct entry entry;
	size_t at = 0, next;
	int result = 0;

	while (result == 0) {
		result = parse_entry(archive, size, at, &entry, &next);
		if (result < 0) {
			break;
		}
		at = next;
		if (strcmp(entry.name, "TRAILER!!!") == 0) {
			break;
		}
		result = make_entry(&unpacker, &entry);
	}
	while (unpacker.links) {
		struct seen_link *seen = unpacker.links;

		unpacker.links = seen->next;
		heap_free(seen);
	}
	*used = at;
	return result;
}
