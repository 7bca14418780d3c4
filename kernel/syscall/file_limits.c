// SPDX-License-Identifier: MIT
/* RLIMIT_FSIZE: what fs/ asks before a regular file grows. */
#include "syscall/file_limits.h"

#include "fs/path.h"
#include "process/signal/signal.h"
#include "syscall/syscall.h"
#include <asm/resource.h>

static int check_size_limit(u64 position, u64 *count)
{
	u64 limit;

	if (!current_is_user_thread()) {
		return 0; /* the initramfs is unpacked by nobody */
	}
	limit = current_limit(RLIMIT_FSIZE);
	if (position >= limit) {
		signal_send_current(SIGXFSZ);
		return -EFBIG;
	}
	*count = MIN(*count, limit - position);
	return 0;
}

void file_limits_init(void)
{
	fs_set_size_limit(check_size_limit);
}
