// SPDX-License-Identifier: MIT
/* signalfd(2): a new descriptor, or another mask for one that is there. */
#include "process/signal/signalfd.h"

#include "fs/file.h"
#include "fs/file_table.h"
#include "process/signal/signal.h"
#include "syscall/syscall.h"
#include <asm/unistd.h>
#include <linux/signalfd.h>

static long make(signal_mask mask, u32 flags)
{
	struct file *file;
	int err = signalfd_create(mask, flags & SFD_NONBLOCK, &file);

	return err ? err : current_install_file(file, flags & SFD_CLOEXEC);
}

static long change(int fd, signal_mask mask)
{
	struct fd_reference reference;
	long result = fd_begin(current_files(), fd, &reference);

	if (!result) {
		result = signalfd_set_mask(reference.file, mask);
		fd_end(&reference);
	}
	return result ? result : fd;
}

static long signalfd(int fd, vaddr_t user_mask, u64 size, u32 flags)
{
	signal_mask mask;
	int err = signal_mask_from_user(&mask, user_mask, size);

	if (!err && (flags & ~(u32)(SFD_CLOEXEC | SFD_NONBLOCK))) {
		err = -EINVAL;
	}
	if (err) {
		return err;
	}
	return fd == -1 ? make(mask, flags) : change(fd, mask);
}

long sys_signalfd4(const struct syscall_arguments *a)
{
	return signalfd((int)a->arg[0], a->arg[1], a->arg[2], (u32)a->arg[3]);
}

#ifdef __NR_signalfd
long sys_signalfd(const struct syscall_arguments *a)
{
	return signalfd((int)a->arg[0], a->arg[1], a->arg[2], 0);
}
#endif
