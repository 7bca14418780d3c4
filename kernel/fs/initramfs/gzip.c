// SPDX-License-Identifier: MIT
/* gzip archives: not read yet. */
#include "fs/initramfs/initramfs.h"
#include "lib/errno.h"

int gzip_unpack(const u8 *data, size_t size, u8 **out, size_t *out_size, size_t *used)
{
	*used = 0;
	return -ENOSYS;
}

void gzip_free(u8 *data, size_t size)
{
}
