// SPDX-License-Identifier: MIT
/* The parts of the initramfs reader: where bytes come from, and what is made of them. */
#pragma once

#include "fs/path.h"

/* Bytes in order: `available` of them at `at`; refill() brings more, or leaves 0 at the end. -EINVAL: damaged. */
struct byte_source {
	const u8 *at;
	size_t available;
	int (*refill)(struct byte_source *source);
};

/* Exactly `size` bytes; -EINVAL if the source ends before. */
int source_read(struct byte_source *source, void *to, size_t size) must_check;
int source_skip(struct byte_source *source, u64 size) must_check;
/* The next byte without taking it: 0 … 255, -ENODATA at the end, or an error. */
int source_peek(struct byte_source *source) must_check;

/* Inflates the gzip member at *input's start; ends where the member ends. */
struct gzip_source;
int gzip_source_create(const u8 *data, size_t size, struct gzip_source **out) must_check;
struct byte_source *gzip_source_bytes(struct gzip_source *gzip);
size_t gzip_source_used(const struct gzip_source *gzip); /* of the input, so far */
void gzip_source_destroy(struct gzip_source *gzip);

/* From now on `told` is called with the name of each regular file that is complete and has no other link. Boot, before any unpacking. */
void cpio_tell_files(void (*told)(const char *name));
/* One cpio archive (newc, with or without checksums), written below context's root. */
int cpio_unpack(const struct walk_context *context,
		struct byte_source *source) must_check;
