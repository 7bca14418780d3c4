// SPDX-License-Identifier: MIT
/*
 * P1: which errno comes first when several arguments are wrong: the descriptor, its kind, its mode,
 * then flags and memory, call by call as Linux looks.
 */
#define _GNU_SOURCE
#include "test.h"
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
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

/* socketpair: flags, descriptors, where they are told, then what is to be made. */
static void check_pairs(void)
{
	struct rlimit limit, few;
	int next = dup(0), pair[2] = {-1, -1};

	CHECK(next >= 0);
	close(next);
	CHECK_ERRNO(socketpair(77, SOCK_STREAM | 0x100, 77, UNMAPPED_ADDRESS), EINVAL);
	CHECK_ERRNO(socketpair(77, SOCK_STREAM, 77, UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(socketpair(AF_UNIX, 9, 77, UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(socketpair(77, SOCK_STREAM, 0, pair), EAFNOSUPPORT);
	CHECK(pair[0] == next && pair[1] == next + 1); // what they would have been
	CHECK_ERRNO(fcntl(next, F_GETFD), EBADF);
	CHECK_ERRNO(fcntl(next + 1, F_GETFD), EBADF);
	pair[0] = pair[1] = -1;
	CHECK_ERRNO(socketpair(AF_UNIX, 9, 0, pair), ESOCKTNOSUPPORT);
	CHECK_ERRNO(socketpair(AF_UNIX, SOCK_STREAM, 77, pair), EPROTONOSUPPORT);
	CHECK_EQ(pair[0], next);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few = (struct rlimit){(rlim_t)next + 1, limit.rlim_max};
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	pair[0] = pair[1] = -1;
	CHECK_ERRNO(socketpair(77, SOCK_STREAM, 77, UNMAPPED_ADDRESS), EMFILE);
	CHECK_ERRNO(socketpair(77, SOCK_STREAM, 77, pair), EMFILE);
	CHECK_EQ(pair[0], -1);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	CHECK(pair[0] == next && pair[1] == next + 1);
	CHECK_EQ(fcntl(pair[1], F_GETFD), FD_CLOEXEC);
	close(pair[0]);
	close(pair[1]);
	ok("pairs");
}

static long set_time(const void *time, const void *zone)
{
	return syscall(SYS_settimeofday, time, zone);
}

/* Time, zone, the right, the zone's range. Nothing here may set a clock. */
static void time_without_right(void)
{
	struct timeval good = {.tv_sec = 1000000000}, bad = {.tv_usec = -1};
	struct timeval whole = {.tv_usec = 1000000}, negative = {.tv_sec = -1};
	int zone[2] = {0, 0}, far[2] = {901, 0};

	CHECK_EQ(setresuid(12345, 12345, 12345), 0);
	CHECK_ERRNO(set_time(UNMAPPED_ADDRESS, UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(set_time(&bad, UNMAPPED_ADDRESS), EINVAL);
	CHECK_ERRNO(set_time(&whole, UNMAPPED_ADDRESS), EINVAL);
	CHECK_ERRNO(set_time(&negative, UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(set_time(&good, UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(set_time(&whole, far), EINVAL);
	CHECK_ERRNO(set_time(&negative, zone), EINVAL);
	CHECK_ERRNO(set_time(&good, far), EPERM);
	CHECK_ERRNO(set_time(NULL, far), EPERM);
	CHECK_ERRNO(set_time(NULL, NULL), EPERM);
}

/* umount2: flags, name, right; pivot_root: right, then each name. */
static void mounts_without_right(void)
{
	CHECK_EQ(setresuid(12345, 12345, 12345), 0);
	CHECK_ERRNO(umount2(UNMAPPED_ADDRESS, 16), EINVAL);
	CHECK_ERRNO(umount2("/no such", -1), EINVAL);
	CHECK_ERRNO(umount2(UNMAPPED_ADDRESS, 0), EFAULT);
	CHECK_ERRNO(umount2("/no such", 5), ENOENT);
	CHECK_ERRNO(umount2("/", 5), EPERM);
	CHECK_ERRNO(syscall(SYS_pivot_root, UNMAPPED_ADDRESS, UNMAPPED_ADDRESS), EPERM);
	CHECK_ERRNO(syscall(SYS_pivot_root, "/no such", UNMAPPED_ADDRESS), EPERM);
}

static void check_rights(void)
{
	int far[2] = {0, 0};

	if (getuid() != 0) {
		return;
	}
	must_pass_in_child(time_without_right);
	must_pass_in_child(mounts_without_right);
	for (int minutes = 901; minutes <= 100000; minutes *= 10) {
		far[0] = minutes;
		CHECK_ERRNO(set_time(NULL, far), EINVAL);
		far[0] = -minutes;
		CHECK_ERRNO(set_time(NULL, far), EINVAL);
	}
	CHECK_ERRNO(syscall(SYS_pivot_root, "/no such", UNMAPPED_ADDRESS), ENOENT);
	CHECK_ERRNO(syscall(SYS_pivot_root, "/proc/self/exe", UNMAPPED_ADDRESS), ENOTDIR);
	CHECK_ERRNO(syscall(SYS_pivot_root, "/", UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(syscall(SYS_pivot_root, "/", "/no such"), ENOENT);
	CHECK_ERRNO(umount2("/no such", 5), ENOENT);
	CHECK_ERRNO(umount2("/proc/self/exe", 5), EINVAL);
	CHECK_ERRNO(umount2(UNMAPPED_ADDRESS, 5), EFAULT);
	ok("rights");
}

int main(void)
{
	CHECK_EQ(pipe(ends), 0);
	check_positions();
	check_directories();
	check_copies();
	check_sockets();
	check_processes();
	check_pairs();
	check_rights();
	return 0;
}
