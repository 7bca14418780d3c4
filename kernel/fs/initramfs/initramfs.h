// SPDX-License-Identifier: MIT
/* The parts of the initramfs reader. */
#pragma once

#include "fs/path.h"

/* One cpio archive (newc, with or without checksums) of `size` bytes, written below context's root. *used: its length. */
int cpio_unpack(const struct walk_context *context, const u8 *archive, size_t size,
		size_t *used) must_check;
/* Inflate a gzip member into memory of the heap's or frames: -EINVAL (not gzip, damaged), -ENOMEM. *used: of the input. */
int gzip_unpack(const u8 *data, size_t size, u8 **out, size_t *out_size,
		size_t *used) must_check;
void gzip_free(u8 *data, size_t size);
