// SPDX-License-Identifier: MIT
/*
 * Unpacking cpio archives in the "new ASCII" format: a header of hexadecimal fields, the name, the
 * data, each padded to four bytes.
 *
 * A damaged archive gives -EINVAL where the damage is; what was unpacked before it stays. Names that
 * lead upward ("..") are refused. Hard links have one inode number and the data in the last of them.
 */
#include "fs/initramfs/initramfs.h"

#include "core/log.h"
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
};

/* Names of files with several links, until the archive ends. */
struct seen_link {
	struct seen_link *next;
	u32 inode_number, device_major, device_minor;
	char name[];
};

struct unpacker {
	const struct walk_context *context;
	struct byte_source *source;
	struct seen_link *links;
	struct entry entry;
	u64 data_left; /* of the entry's data, in the source */
	char name[NAME_MAX_SIZE];
};

static void (*file_told)(const char *name);

void cpio_tell_files(void (*told)(const char *name))
{
	file_told = told;
}

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

/* What lies between something of `size` bytes and the next multiple of four. */
static u64 padding(u64 size)
{
	return ALIGN_UP(size, 4) - size;
}

/* Header and name of the next entry; the source stands at its data. */
static int read_entry(struct unpacker *unpacker)
{
	struct entry *entry = &unpacker->entry;
	u32 *const fields[] = {
		&entry->inode_number,  &entry->mode,          &entry->uid,
		&entry->gid,           &entry->links,         &entry->modified,
		&entry->size,          &entry->device_major,  &entry->device_minor,
		&entry->special_major, &entry->special_minor, &entry->name_size,
	};
	u8 header[HEADER_SIZE];
	int result = source_read(unpacker->source, header, sizeof(header));

	if (result < 0) {
		return result;
	}
	if (memcmp(header, "07070", MAGIC_SIZE - 1) != 0 ||
	    (header[5] != '1' && header[5] != '2')) {
		return -EINVAL;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!parse_field(header + MAGIC_SIZE + i * FIELD_SIZE, fields[i])) {
			return -EINVAL;
		}
	}
	if (entry->name_size == 0 || entry->name_size > NAME_MAX_SIZE) {
		return -EINVAL;
	}
	result = source_read(unpacker->source, unpacker->name, entry->name_size);
	if (result < 0) {
		return result;
	}
	unpacker->data_left = entry->size;
	if (unpacker->name[entry->name_size - 1] != '\0') {
		return -EINVAL;
	}
	return source_skip(unpacker->source, padding(HEADER_SIZE + entry->name_size));
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

static int write_piece(struct unpacker *unpacker, struct file *file, u64 *position)
{
	struct byte_source *source = unpacker->source;
	struct io_buffer io;
	s64 written;
	int result = source_peek(source);

	if (result < 0) {
		return result == -ENODATA ? -EINVAL : result;
	}
	io_buffer_init_kernel(&io, (void *)(uintptr_t)source->at,
			      MIN(source->available, unpacker->data_left));
	written = file_write(file, &io, position);
	if (written <= 0) {
		return written < 0 ? (int)written : -ENOSPC;
	}
	unpacker->data_left -= (u64)written;
	return source_skip(source, (u64)written);
}

static int write_data(struct unpacker *unpacker)
{
	struct file *file;
	u64 position = 0;
	int result =
		fs_open(unpacker->context, unpacker->name, O_CREAT | O_WRONLY | O_TRUNC,
			unpacker->entry.mode & 07777, 0, &file);

	if (result < 0) {
		return result;
	}
	while (unpacker->data_left > 0 && result == 0) {
		result = write_piece(unpacker, file, &position);
	}
	file_put(file);
	return result;
}

static int link_to_seen(struct unpacker *unpacker, bool *linked)
{
	const struct entry *entry = &unpacker->entry;
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
				result =
					fs_link(&path, unpacker->context, unpacker->name);
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
	memcpy(seen->name, unpacker->name, entry->name_size);
	seen->next = unpacker->links;
	unpacker->links = seen;
	return 0;
}

static int make_regular(struct unpacker *unpacker)
{
	bool linked;
	int result = link_to_seen(unpacker, &linked);

	if (result < 0 || (linked && unpacker->entry.size == 0)) {
		return result;
	}
	return write_data(unpacker);
}

static int make_link(struct unpacker *unpacker)
{
	u32 size = unpacker->entry.size;
	char *target;
	int result;

	if (size == 0 || size >= NAME_MAX_SIZE) {
		return -EINVAL;
	}
	target = heap_allocate((size_t)size + 1);
	if (!target) {
		return -ENOMEM;
	}
	result = source_read(unpacker->source, target, size);
	if (result == 0) {
		unpacker->data_left = 0;
		result = fs_symbolic_link(unpacker->context, target, unpacker->name);
	}
	heap_free(target);
	return result;
}

static int set_attributes(struct unpacker *unpacker)
{
	const struct entry *entry = &unpacker->entry;
	struct inode_attributes attributes = {
		.mode = entry->mode,
		.uid = entry->uid,
		.gid = entry->gid,
		.modified = (nsec_t)entry->modified * NSEC_PER_SEC,
	};
	unsigned which = ATTRIBUTE_UID | ATTRIBUTE_GID | ATTRIBUTE_MODIFIED;
	struct path path;
	int result = path_walk(unpacker->context, unpacker->name, 0, &path);

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

static int make_entry(struct unpacker *unpacker)
{
	const struct walk_context *context = unpacker->context;
	const struct entry *entry = &unpacker->entry;
	const char *name = unpacker->name;
	int result;

	if (leads_upward(name)) {
		return -EINVAL;
	}
	// A later entry replaces an earlier one of its name, but for directories, which are merged.
	if ((entry->mode & S_IFMT) != S_IFDIR) {
		(void)fs_unlink(context, name);
	}
	switch (entry->mode & S_IFMT) {
	case S_IFREG:
		result = make_regular(unpacker);
		break;
	case S_IFDIR:
		result = fs_make_directory(context, name, entry->mode & 07777);
		result = result == -EEXIST ? 0 : result;
		break;
	case S_IFLNK:
		result = make_link(unpacker);
		break;
	default:
		result = fs_make_node(
			context, name, entry->mode,
			device_number(entry->special_major, entry->special_minor));
		break;
	}
	if (result == 0) {
		result = set_attributes(unpacker);
	}
	return result < 0 ? result : source_skip(unpacker->source, unpacker->data_left);
}

static int unpack_entries(struct unpacker *unpacker)
{
	for (;;) {
		int result = read_entry(unpacker);

		if (result < 0) {
			return result;
		}
		if (strcmp(unpacker->name, "TRAILER!!!") == 0) {
			return 0;
		}
		result = make_entry(unpacker);
		if (result < 0) {
			log_error("initramfs: %s: error %d", unpacker->name, -result);
			return result;
		}
		if (file_told && (unpacker->entry.mode & S_IFMT) == S_IFREG &&
		    unpacker->entry.links < 2) {
			file_told(unpacker->name);
		}
		// The last entry may lack its padding only if the archive ends there: that is damage too.
		result = source_skip(unpacker->source, padding(unpacker->entry.size));
		if (result < 0) {
			return result;
		}
	}
}

int cpio_unpack(const struct walk_context *context, struct byte_source *source)
{
	struct unpacker *unpacker = heap_allocate(sizeof(*unpacker));
	int result;

	if (!unpacker) {
		return -ENOMEM;
	}
	unpacker->context = context;
	unpacker->source = source;
	result = unpack_entries(unpacker);
	while (unpacker->links) {
		struct seen_link *seen = unpacker->links;

		unpacker->links = seen->next;
		heap_free(seen);
	}
	heap_free(unpacker);
	return result;
}
