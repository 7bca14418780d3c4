// SPDX-License-Identifier: MIT
/*
 * Inflating a gzip member piece by piece, by zlib (compiled from its own source package, freestanding).
 *
 * Owns      struct gzip_source: the library's state and one buffer of output.
 */
#include "fs/initramfs/initramfs.h"

#include "lib/errno.h"
#include "mm/heap.h"
#define Z_SOLO /* as the library is compiled: no C library behind it */
#include <zlib.h>

enum {
	OUTPUT_SIZE = 64 * 1024,
	GZIP_WINDOW = 15 + 16 /* the largest window, gzip header wanted */
};

struct gzip_source {
	struct byte_source bytes; /* must be first */
	z_stream stream;
	size_t input_size;
	bool ended;
	u8 output[OUTPUT_SIZE];
};

static void *zlib_allocate(void *opaque, unsigned count, unsigned size)
{
	return heap_allocate_array(count, size);
}

static void zlib_free(void *opaque, void *memory)
{
	heap_free(memory);
}

static int refill(struct byte_source *source)
{
	struct gzip_source *gzip = (struct gzip_source *)source;
	int result;

	if (gzip->ended) {
		return 0;
	}
	gzip->stream.next_out = gzip->output;
	gzip->stream.avail_out = OUTPUT_SIZE;
	result = inflate(&gzip->stream, Z_NO_FLUSH);
	if (result != Z_OK && result != Z_STREAM_END) {
		return result == Z_MEM_ERROR ? -ENOMEM : -EINVAL;
	}
	gzip->ended = result == Z_STREAM_END;
	source->at = gzip->output;
	source->available = OUTPUT_SIZE - gzip->stream.avail_out;
	if (source->available == 0 && !gzip->ended) {
		return -EINVAL; // the input ends inside the member
	}
	return 0;
}

int gzip_source_create(const u8 *data, size_t size, struct gzip_source **out)
{
	struct gzip_source *gzip = heap_allocate(sizeof(*gzip));
	int result;

	if (!gzip) {
		return -ENOMEM;
	}
	gzip->bytes.refill = refill;
	gzip->input_size = MIN(size, (size_t)UINT32_MAX);
	gzip->stream.zalloc = zlib_allocate;
	gzip->stream.zfree = zlib_free;
	gzip->stream.next_in = (u8 *)(uintptr_t)data;
	gzip->stream.avail_in = (unsigned)gzip->input_size;
	result = inflateInit2(&gzip->stream, GZIP_WINDOW);
	if (result != Z_OK) {
		heap_free(gzip);
		return result == Z_MEM_ERROR ? -ENOMEM : -EINVAL;
	}
	*out = gzip;
	return 0;
}

struct byte_source *gzip_source_bytes(struct gzip_source *gzip)
{
	return &gzip->bytes;
}

size_t gzip_source_used(const struct gzip_source *gzip)
{
	return gzip->input_size - gzip->stream.avail_in;
}

void gzip_source_destroy(struct gzip_source *gzip)
{
	inflateEnd(&gzip->stream);
	heap_free(gzip);
}
