// SPDX-License-Identifier: MIT
/* What lower rooms ask before they hold somebody to a limit: RLIMIT_FSIZE, RLIMIT_MEMLOCK; and who writes. */
#include "syscall/file_limits.h"

#include "fs/path.h"
#include "process/signal/signal.h"
#include "syscall/syscall.h"
#include "vm/vm_space.h"
#include <asm/resource.h>
#include <linux/capability.h>

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

/* Whose rights say what a file keeps when it is written: not the opener's. */
static const struct credentials *writer(void)
{
	return current_is_user_thread() ? current_credentials() : NULL;
}

static bool may_lock_any(void)
{
	return !current_is_user_thread() || current_capable(CAP_IPC_LOCK);
}

void file_limits_init(void)
{
	vm_set_lock_privilege(may_lock_any);
	fs_set_size_limit(check_size_limit);
	fs_set_writer(writer);
}
