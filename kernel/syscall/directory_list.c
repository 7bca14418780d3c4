// SPDX-License-Identifier: MIT
/* getdents(2), getdents64(2). */
#include "syscall/file_support.h"

#include "abi/dirent.h"
#include "lib/string.h"
#include "mm/usercopy.h"

enum form { FORM_OLD, FORM_64 };

struct listing {
	struct directory_context context;
	enum form form;
	vaddr_t to;
	u64 left;
	u64 used;
	int error;
};

/* An entry is written whole or not at all: built here, names are at most 255 bytes. */
union entry {
	struct linux_dirent64 new;
	struct linux_dirent old;
	char bytes[sizeof(struct linux_dirent64) + 264];
};

static size_t entry_header(enum form form)
{
	return form == FORM_64 ? offsetof(struct linux_dirent64, d_name)
			       : offsetof(struct linux_dirent, d_name);
}

static bool emit(struct directory_context *context, const char *name, size_t length,
		 u64 position_after, u64 inode_number, unsigned type)
{
	struct listing *listing = container_of(context, struct listing, context);
	size_t header = entry_header(listing->form);
	size_t size = ALIGN_UP(header + length + (listing->form == FORM_64 ? 1 : 2),
			       (size_t)DIRECTORY_ENTRY_ALIGN);
	union entry entry;

	if (length > 255) {
		listing->error = -EIO;
		return false;
	}
	if (size > listing->left) {
		listing->error = listing->used ? 0 : -EINVAL;
		return false;
	}
	memset(&entry, 0, size);
	if (listing->form == FORM_64) {
		entry.new.d_ino = inode_number;
		entry.new.d_off = (s64)position_after;
		entry.new.d_reclen = (u16)size;
		entry.new.d_type = (u8)type;
	} else {
		entry.old.d_ino = inode_number;
		entry.old.d_off = position_after;
		entry.old.d_reclen = (u16)size;
		entry.bytes[size - 1] = (char)type;
	}
	memcpy(entry.bytes + header, name, length);
	if (user_write(listing->to + listing->used, &entry, size)) {
		listing->error = -EFAULT;
		return false;
	}
	listing->used += size;
	listing->left -= size;
	return true;
}

static long list_directory(const struct syscall_arguments *a, enum form form)
{
	struct listing listing = {.context.emit = emit,
				  .form = form,
				  .to = a->arg[1],
				  .left = (u32)a->arg[2]};
	struct fd_reference reference;
	long result = fd_begin(current_files(), (int)a->arg[0], &reference);

	if (result < 0) {
		return result;
	}
	result = file_iterate(reference.file, &listing.context);
	fd_end(&reference);
	if (result < 0) {
		return result;
	}
	return listing.used ? (long)listing.used : listing.error;
}

long sys_getdents(const struct syscall_arguments *a)
{
	return list_directory(a, FORM_OLD);
}

long sys_getdents64(const struct syscall_arguments *a)
{
	return list_directory(a, FORM_64);
}
