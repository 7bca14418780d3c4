// SPDX-License-Identifier: MIT
/*
 * The initramfs: one or several cpio archives, each plain or gzip, with zeros between them.
 *
 * Context   boot, thread context.
 */
#include "fs/initramfs/initramfs.h"

#include "core/log.h"
#include "lib/errno.h"

enum { GZIP_FIRST = 0x1f, GZIP_SECOND = 0x8b };

static int unpack_gzip(const struct walk_context *context, const u8 *at, size_t size,
		       size_t *used)
{
	size_t plain_size, done = 0, plain_used;
	u8 *plain;
	int result = gzip_unpack(at, size, &plain, &plain_size, used);

	if (result < 0) {
		return result;
	}
	while (result == 0 && done < plain_size) {
		if (plain[done] == 0) {
			done++;
			continue;
		}
		result = cpio_unpack(context, plain + done, plain_size - done,
				     &plain_used);
		done += plain_used;
	}
	gzip_free(plain, plain_size);
	return result;
}

static int unpack_all(const struct walk_context *context, const u8 *archive, size_t size)
{
	size_t at = 0, used = 0;
	int result = 0;

	while (result == 0 && at < size) {
		if (archive[at] == 0) {
			at++;
			continue;
		}
		if (size - at >= 2 && archive[at] == GZIP_FIRST &&
		    archive[at + 1] == GZIP_SECOND) {
			result = unpack_gzip(context, archive + at, size - at, &used);
		} else {
			result = cpio_unpack(context, archive + at, size - at, &used);
		}
		at += used;
	}
	if (result < 0) {
		log_error("initramfs: damaged or unknown at byte %zu (error %d)", at,
			  -result);
	}
	return result;
}

int initramfs_unpack(const struct path *root, const void *archive, size_t size)
{
	struct walk_context context = {0};
	struct credentials *credentials;
	int result = credentials_create_root(&credentials);

	if (result < 0) {
		return result;
	}
	result = fs_info_create(root, &context.fs);
	if (result == 0) {
		(void)fs_info_set_umask(context.fs, 0);
		context.credentials = credentials;
		result = unpack_all(&context, archive, size);
		fs_info_leave(context.fs);
	}
	credentials_put(credentials);
	return result;
}
