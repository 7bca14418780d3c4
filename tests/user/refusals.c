// SPDX-License-Identifier: MIT
/*
 * P1: which errno comes first when several arguments are wrong: the descriptor, its kind, its mode,
 * then flags and memory, call by call as Linux looks.
 */
#define _GNU_SOURCE
#include "test.h"
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

enum { BAD_FD = 999 };

static int ends[2];

static void check_positions(void)
{
	char text[4];
	struct iovec vector = {text, sizeof(text)};

	CHECK_ERRNO(pread(ends[1], text, 1, 0), ESPIPE); // not EBADF
	CHECK_ERRNO(pwrite(ends[0], text, 1, 0), ESPIPE);
	CHECK_ERRNO(preadv(ends[1], &vector, 1, 0), ESPIPE);
	CHECK_ERRNO(pwritev(ends[1], UNMAPPED_ADDRESS, 1, 0), ESPIPE);
	CHECK_ERRNO(read(ends[1], text, 1), EBADF);
	CHECK_ERRNO(lseek(ends[0], 0, 77), EINVAL);
	CHECK_ERRNO(lseek(ends[0], 0, SEEK_SET), ESPIPE);
	CHECK_ERRNO(lseek(BAD_FD, 0, 77), EBADF);
	CHECK_ERRNO(syscall(SYS_preadv2, BAD_FD, &vector, 1, 0l, 0l, -1), EBADF);
	CHECK_ERRNO(syscall(SYS_pwritev2, BAD_FD, &vector, 1, 0l, 0l, -1), EBADF);
	ok("positions");
}

static void check_directories(void)
{
	char text[64];

	CHECK_ERRNO(syscall(SYS_getdents64, ends[1], text, sizeof(text)), ENOTDIR);
	CHECK_ERRNO(syscall(SYS_getdents64, BAD_FD, text, sizeof(text)), EBADF);
	CHECK_ERRNO(mknod(UNMAPPED_ADDRESS, S_IFLNK | 0600, 0), EINVAL);
	CHECK_ERRNO(mknod(UNMAPPED_ADDRESS, S_IFDIR | 0600, 0), EPERM);
	CHECK_ERRNO(mknod(UNMAPPED_ADDRESS, S_IFREG | 0600, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_renameat2, -1, UNMAPPED_ADDRESS, -1, UNMAPPED_ADDRESS, 8),
		    EINVAL);
	CHECK_ERRNO(syscall(SYS_renameat2, -1, UNMAPPED_ADDRESS, -1, UNMAPPED_ADDRESS, 3),
		    EINVAL);
	CHECK_ERRNO(syscall(SYS_renameat2, -1, UNMAPPED_ADDRESS, -1, UNMAPPED_ADDRESS, 1),
		    EFAULT);
	ok("directories");
}

static void check_copies(void)
{
	int file = open("/proc/self/exe", O_RDONLY);
	loff_t *bad = UNMAPPED_ADDRESS;

	CHECK(file >= 0);
	CHECK_ERRNO(copy_file_range(BAD_FD, bad, file, NULL, 1, 1), EBADF);
	CHECK_ERRNO(copy_file_range(file, bad, BAD_FD, NULL, 1, 1), EBADF);
	CHECK_ERRNO(copy_file_range(file, bad, file, NULL, 1, 1), EFAULT);
	CHECK_ERRNO(copy_file_range(file, NULL, file, NULL, 1, 1), EINVAL);
	CHECK_ERRNO(copy_file_range(ends[1], NULL, ends[0], NULL, 1, 0), EINVAL);
	CHECK_ERRNO(copy_file_range(file, NULL, file, NULL, 1, 0), EBADF);
	CHECK_ERRNO(sync_file_range(BAD_FD, -1, -1, 99), EBADF);
	CHECK_ERRNO(sync_file_range(ends[0], 0, 0, 99), EINVAL);
	CHECK_ERRNO(sync_file_range(ends[0], 0, 0, 0), ESPIPE);
	CHECK_EQ(sync_file_range(file, 0, 0, 0), 0);
	close(file);
	ok("copies");
}

static void check_sockets(void)
{
	CHECK_ERRNO(accept4(BAD_FD, NULL, NULL, 1), EBADF);
	CHECK_ERRNO(accept4(ends[0], NULL, NULL, 1), EINVAL);
	CHECK_ERRNO(accept4(ends[0], NULL, NULL, 0), ENOTSOCK);
	CHECK_ERRNO(sendmsg(BAD_FD, UNMAPPED_ADDRESS, 0), EBADF);
	CHECK_ERRNO(sendmsg(ends[0], UNMAPPED_ADDRESS, 0), ENOTSOCK);
	CHECK_ERRNO(recvmsg(BAD_FD, UNMAPPED_ADDRESS, 0), EBADF);
	CHECK_ERRNO(recvmsg(ends[0], UNMAPPED_ADDRESS, 0), ENOTSOCK);
	ok("sockets");
}

static void check_processes(void)
{
	CHECK_ERRNO(setpgid(-1, 0), EINVAL);
	CHECK_ERRNO(setpgid(0, -1), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_tgsigqueueinfo, 0, 0, SIGUSR1, UNMAPPED_ADDRESS),
		    EFAULT);
	CHECK_EQ(process_vm_readv(0x3ffffff, NULL, 0, NULL, 0, 0), 0);
	CHECK_ERRNO(process_vm_readv(0x3ffffff, NULL, 0, NULL, 0, 1), EINVAL);
	ok("processes");
}

int main(void)
{
	CHECK_EQ(pipe(ends), 0);
	check_positions();
	check_directories();
	check_copies();
	check_sockets();
	check_processes();
	return 0;
}
