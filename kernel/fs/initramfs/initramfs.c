// SPDX-License-Identifier: MIT
/*
 * The initramfs: one or several cpio archives, each plain or gzip, with zeros between them.
 *
 * Context   boot, thread context.
 */
#include "fs/initramfs/initramfs.h"

#include "core/log.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { GZIP_FIRST = 0x1f, GZIP_SECOND = 0x8b };

int source_peek(struct byte_source *source)
{
	while (source->available == 0) {
		int result = source->refill(source);

		if (result < 0) {
			return result;
		}
		if (source->available == 0) {
			return -ENODATA;
		}
	}
	return source->at[0];
}

/* Take up to `size` bytes that are there; `to` may be NULL. */
static size_t take(struct byte_source *source, void *to, u64 size)
{
	size_t piece = MIN(size, (u64)source->available);

	if (to) {
		memcpy(to, source->at, piece);
	}
	source->at += piece;
	source->available -= piece;
	return piece;
}

int source_read(struct byte_source *source, void *to, size_t size)
{
	u8 *at = to;

	while (size > 0) {
		int result = source_peek(source);
		size_t piece;

		if (result < 0) {
			return result == -ENODATA ? -EINVAL : result;
		}
		piece = take(source, at, size);
		at += piece;
		size -= piece;
	}
	return 0;
}

int source_skip(struct byte_source *source, u64 size)
{
	while (size > 0) {
		int result = source_peek(source);

		if (result < 0) {
			return result == -ENODATA ? -EINVAL : result;
		}
		size -= take(source, NULL, size);
	}
	return 0;
}

static int no_refill(struct byte_source *source)
{
	return 0;
}

/* Archives one behind the other, with zeros between them, until the source ends. */
static int unpack_archives(const struct walk_context *context, struct byte_source *source)
{
	for (;;) {
		int next = source_peek(source);

		if (next < 0) {
			return next == -ENODATA ? 0 : next;
		}
		if (next == 0) {
			take(source, NULL, 1);
			continue;
		}
		next = cpio_unpack(context, source);
		if (next < 0) {
			return next;
		}
	}
}

static int unpack_gzip(const struct walk_context *context, struct byte_source *input)
{
	struct gzip_source *gzip;
	int result = gzip_source_create(input->at, input->available, &gzip);

	if (result < 0) {
		return result;
	}
	result = unpack_archives(context, gzip_source_bytes(gzip));
	take(input, NULL, gzip_source_used(gzip));
	gzip_source_destroy(gzip);
	return result;
}

static int unpack_all(const struct walk_context *context, const u8 *archive, size_t size)
{
	struct byte_source input = {archive, size, no_refill};
	int result = 0;

	while (result == 0 && input.available > 0) {
		if (input.at[0] == 0) {
			take(&input, NULL, 1);
		} else if (input.available >= 2 && input.at[0] == GZIP_FIRST &&
			   input.at[1] == GZIP_SECOND) {
			result = unpack_gzip(context, &input);
		} else {
			result = cpio_unpack(context, &input);
		}
	}
	if (result < 0) {
		log_error("initramfs: damaged or unknown near byte %zu of %zu (error %d)",
			  size - input.available, size, -result);
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
