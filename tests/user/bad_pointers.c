// SPDX-License-Identifier: MIT
/*
 * Bad system call arguments get Linux's errno and never hurt the kernel: wild, kernel and
 * non-canonical pointers, huge lengths, negative descriptors, unknown numbers.
 * libc: musl
 */
#include "raw.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/utsname.h>

static void *const wild[] = {
	(void *)0x10ul,
	(void *)0xffff800000001000ul,
	(void *)0x8000000000000000ul,
	(void *)0xfffffffffffff000ul,
	(void *)0x00007ffffffff000ul,
	(void *)0x0000800000000000ul,
	(void *)0xffffffff80000000ul,
};
#define WILD (sizeof(wild) / sizeof(wild[0]))

static int zero, null, ends[2];

static void check_reads_and_writes(void)
{
	for (size_t i = 0; i < WILD; i++) {
		CHECK_ERRNO(read(zero, wild[i], 64), EFAULT);
		CHECK_ERRNO(write(ends[1], wild[i], 64), EFAULT);
		CHECK_ERRNO(syscall(SYS_getrandom, wild[i], 16, 0), EFAULT);
		CHECK_ERRNO(pipe(wild[i]), EFAULT);
	}
	// The last byte of a mapping, and one more.
	char *edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	CHECK_EQ(munmap(edge + 4096, 4096), 0);
	CHECK_EQ(write(ends[1], edge + 4092, 4), 4);
	CHECK_EQ(read(ends[0], edge + 4092, 4), 4);
	CHECK_ERRNO(write(ends[1], edge + 4096, 4), EFAULT);
	CHECK_ERRNO(syscall(SYS_uname, edge + 4096 - 8), EFAULT);
	CHECK_EQ(mprotect(edge, 4096, PROT_READ), 0);
	CHECK_ERRNO(read(zero, edge, 4), EFAULT);
	ok("reads_and_writes");
}

/* poll of no descriptors reads nothing, but the address is looked at when the results would be written. */
static void check_poll_of_none(void)
{
	const struct timespec none = {0};
	char *nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(nowhere != MAP_FAILED);
	CHECK_EQ(syscall(SYS_ppoll, nowhere, 0, &none, NULL, 8), 0);
	CHECK_EQ(munmap(nowhere, 4096), 0);
	CHECK_EQ(syscall(SYS_ppoll, nowhere, 0, &none, NULL, 8), 0);
	CHECK_EQ(syscall(SYS_ppoll, NULL, 0, &none, NULL, 8), 0);
	for (size_t i = 0; i < WILD; i++) {
		if ((uintptr_t)wild[i] >> 63) {
			CHECK_ERRNO(syscall(SYS_ppoll, wild[i], 0, &none, NULL, 8),
				    EFAULT);
		}
	}
	ok("poll of none");
}

static void nothing(int signal)
{
}

/* What was found is written when a signal ended the wait, too. */
static void check_interrupted_poll(void)
{
	struct pollfd entry = {.fd = ends[0], .events = POLLIN, .revents = 0x7f};
	sigset_t blocked, before;

	signal(SIGUSR1, nothing);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &blocked, &before), 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_ERRNO(ppoll(&entry, 1, NULL, &before), EINTR);
	CHECK_EQ(entry.revents, 0);
	CHECK_EQ(sigprocmask(SIG_SETMASK, &before, NULL), 0);
	ok("interrupted poll");
}

/* Calls that newer architectures do not have. */
static void check_old_calls(void)
{
#ifdef SYS_poll
	char buffer[256];

	for (size_t i = 0; i < WILD; i++) {
		CHECK_ERRNO(syscall(SYS_poll, wild[i], 1, 0), EFAULT);
		CHECK_ERRNO(syscall(SYS_select, 5, wild[i], NULL, NULL, NULL), EFAULT);
	}
	CHECK_ERRNO(syscall(SYS_poll, buffer, 0x7fffffffu, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_select, -1, NULL, NULL, NULL, NULL), EINVAL);
#endif
	ok("old_calls");
}

static void check_structures(void)
{
	for (size_t i = 0; i < WILD; i++) {
		CHECK_ERRNO(syscall(SYS_fstat, zero, wild[i]), EFAULT);
		CHECK_ERRNO(syscall(SYS_uname, wild[i]), EFAULT);
		CHECK_ERRNO(syscall(SYS_nanosleep, wild[i], NULL), EFAULT);
		CHECK_ERRNO(syscall(SYS_getcwd, wild[i], 64), EFAULT);
		CHECK_ERRNO(syscall(SYS_readv, zero, wild[i], 1), EFAULT);
		CHECK_ERRNO(syscall(SYS_ppoll, wild[i], 1, NULL, NULL, 8), EFAULT);
		CHECK_ERRNO(syscall(SYS_pselect6, 5, wild[i], NULL, NULL, NULL, NULL),
			    EFAULT);
		CHECK_ERRNO(syscall(SYS_getrlimit, 0, wild[i]), EFAULT);
		CHECK_ERRNO(syscall(SYS_sysinfo, wild[i]), EFAULT);
		CHECK_ERRNO(syscall(SYS_getrusage, 0, wild[i]), EFAULT);
		CHECK_ERRNO(syscall(SYS_clock_gettime, 2, wild[i]), EFAULT);
		CHECK_ERRNO(syscall(SYS_sigaltstack, wild[i], NULL), EFAULT);
	}
	ok("structures");
}

static void check_strings(void)
{
	for (size_t i = 0; i < WILD; i++) {
		CHECK_ERRNO(syscall(SYS_openat, AT_FDCWD, wild[i], O_RDONLY), EFAULT);
		CHECK_ERRNO(syscall(SYS_mkdirat, AT_FDCWD, wild[i], 0), EFAULT);
		CHECK_ERRNO(syscall(SYS_unlinkat, AT_FDCWD, wild[i], 0), EFAULT);
		CHECK_ERRNO(syscall(SYS_renameat2, AT_FDCWD, wild[i], AT_FDCWD, "x", 0),
			    EFAULT);
		CHECK_ERRNO(syscall(SYS_chdir, wild[i]), EFAULT);
		CHECK_ERRNO(syscall(SYS_readlinkat, AT_FDCWD, wild[i], zero, 1), EFAULT);
	}
	ok("strings");
}

/* A string of `length` bytes at `place` is what a symbolic link shows of it. */
static void check_string_at(char *place, size_t length, const char *link)
{
	static const char bytes[] = "\x01\x80\xff\x7f\x81\x02z\xfe\x10";
	char shown[64];

	for (size_t i = 0; i < length; i++) {
		place[i] = bytes[i % (sizeof(bytes) - 1)];
	}
	place[length] = 0;
	CHECK_EQ(symlink(place, link), 0);
	CHECK_EQ(readlink(link, shown, sizeof(shown)), length);
	CHECK(memcmp(shown, place, length) == 0);
	CHECK_EQ(unlink(link), 0);
}

/* Strings that end with a page, or with what is mapped, or lie in two pages. */
static void check_string_ends(void)
{
	char folder[] = "/tmp/string-ends-XXXXXX", link[64];
	char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *end = pages + 2 * 4096;

	CHECK(mkdtemp(folder));
	snprintf(link, sizeof(link), "%s/link", folder);
	CHECK_EQ(munmap(end, 4096), 0);
	for (size_t length = 1; length < 40; length++) {
		check_string_at(end - length - 1, length, link);
		check_string_at(pages + length, length, link);
		for (size_t before = 1; before < length; before += 3) {
			check_string_at(pages + 4096 - before, length, link);
		}
		memset(end - length, 'x', length);
		CHECK_ERRNO(symlink(end - length, link), EFAULT);
	}
	CHECK_EQ(rmdir(folder), 0);
	ok("string_ends");
}

static void check_lengths(void)
{
	static char buffer[64];
	struct iovec vector[2] = {{buffer, 64}, {buffer, SIZE_MAX}};

	CHECK_ERRNO(read(zero, buffer, SIZE_MAX), EFAULT);
	CHECK_EQ(write(null, buffer, 0), 0);
	CHECK_ERRNO(readv(zero, vector, 2),
		    EINVAL); // the lengths add up to more than fits
	CHECK_ERRNO(syscall(SYS_readv, zero, vector, -1), EINVAL);
	CHECK_ERRNO(syscall(SYS_readv, zero, vector, 1025), EINVAL);
	CHECK_ERRNO(syscall(SYS_getcwd, buffer, 1), ERANGE);
	CHECK_ERRNO(syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", buffer, 0),
		    EINVAL);
	CHECK_ERRNO(syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", buffer, -1),
		    EINVAL);
	CHECK_ERRNO(syscall(SYS_ppoll, buffer, 0x7fffffffu, NULL, NULL, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_pselect6, -1, NULL, NULL, NULL, NULL, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_getgroups, -1, buffer), EINVAL);
	ok("lengths");
}

static void check_descriptors(void)
{
	static const int bad[] = {-1, -100, 999, 0x7fffffff, (int)0x80000000};
	char buffer[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_ERRNO(read(bad[i], buffer, 1), EBADF);
		CHECK_ERRNO(write(bad[i], buffer, 1), EBADF);
		CHECK_ERRNO(close(bad[i]), EBADF);
		CHECK_ERRNO(fcntl(bad[i], F_GETFD), EBADF);
		CHECK_ERRNO(lseek(bad[i], 0, SEEK_SET), EBADF);
		CHECK_ERRNO(dup(bad[i]), EBADF);
		CHECK_ERRNO(dup2(0, bad[i] == 999 ? -5 : bad[i]), EBADF);
		CHECK_ERRNO(ftruncate(bad[i], 0), EBADF);
		CHECK_ERRNO(fchdir(bad[i]), EBADF);
		CHECK_ERRNO(syscall(SYS_ioctl, bad[i], 0x5401, buffer), EBADF);
		CHECK_ERRNO(syscall(SYS_epoll_pwait, bad[i], buffer, 1, 0, NULL, 8),
			    EBADF);
		CHECK_ERRNO(syscall(SYS_fstat, bad[i], buffer), EBADF);
	}
	CHECK_ERRNO(syscall(SYS_openat, -5, "x", O_RDONLY), EBADF);
	CHECK_ERRNO(syscall(SYS_openat, zero, "x", O_RDONLY), ENOTDIR);
	ok("descriptors");
}

static void check_unknown_numbers(void)
{
	CHECK_ERRNO(syscall(-1), ENOSYS);
	CHECK_ERRNO(syscall(1000), ENOSYS);
	CHECK_ERRNO(syscall(0x7fffffff), ENOSYS);
	CHECK_ERRNO(syscall(0x40000000L | 3000), ENOSYS);
	ok("unknown_numbers");
}

int main(void)
{
	zero = open("/dev/zero", O_RDONLY);
	null = open("/dev/null", O_RDWR);
	CHECK(zero >= 0 && null >= 0);
	CHECK_EQ(pipe(ends), 0);
	check_reads_and_writes();
	check_structures();
	check_poll_of_none();
	check_interrupted_poll();
	check_old_calls();
	check_strings();
	check_string_ends();
	check_lengths();
	check_descriptors();
	check_unknown_numbers();
	return 0;
}
