// SPDX-License-Identifier: MIT
/*
 * C7: memory that is locked: mlock, mlock2, mlockall, MAP_LOCKED and the limit on them; what mincore may tell; advice that
 * changes what fork copies or brings pages in; msync's refusals.
 * libc: musl
 */
#include "raw.h"
#include <grp.h>
#include <sys/resource.h>
#include <sys/stat.h>

#ifndef MLOCK_ONFAULT
#	define MLOCK_ONFAULT 1
#endif
#ifndef MCL_ONFAULT
#	define MCL_ONFAULT 4
#endif
#ifndef MADV_WIPEONFORK
#	define MADV_WIPEONFORK 18
#	define MADV_KEEPONFORK 19
#endif
#ifndef MADV_COLD
#	define MADV_COLD    20
#	define MADV_PAGEOUT 21
#endif
#ifndef MADV_POPULATE_READ
#	define MADV_POPULATE_READ  22
#	define MADV_POPULATE_WRITE 23
#endif

enum { PAGE = 4096 };
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)
#define BOTH    (PROT_READ | PROT_WRITE)

static char *map(size_t pages, int protect, int flags)
{
	return mmap(NULL, pages * PAGE, protect, flags, -1, 0);
}

/* A line of /proc/self/status, in pages. */
static long status_pages(const char *name)
{
	static char text[8192];
	int file = open("/proc/self/status", O_RDONLY);
	ssize_t got = read(file, text, sizeof(text) - 1);
	char *line;
	long size = -1;

	CHECK(got > 0);
	text[got] = 0;
	close(file);
	line = strstr(text, name);
	CHECK(line && sscanf(strchr(line, ':') + 1, "%ld", &size) == 1);
	return size / 4;
}

static long locked_pages(void)
{
	return status_pages("\nVmLck");
}

static int resident(const char *memory, size_t pages)
{
	unsigned char vector[64];
	int count = 0;

	CHECK(pages <= sizeof(vector));
	CHECK_EQ(mincore((void *)memory, pages * PAGE, vector), 0);
	for (size_t i = 0; i < pages; i++) {
		count += vector[i] & 1;
	}
	return count;
}

static int lock_on_fault(char *memory, size_t size)
{
	return (int)syscall(SYS_mlock2, memory, size, MLOCK_ONFAULT);
}

static void set_limit(int resource, rlim_t limit)
{
	struct rlimit both = {limit, limit};

	CHECK_EQ(setrlimit(resource, &both), 0);
}

/* ---- locking ---- */

static void see_none_locked(void)
{
	CHECK_EQ(locked_pages(), 0); // fork does not inherit locks
}

static void lock_ranges(void)
{
	char *memory = map(16, BOTH, PRIVATE);

	CHECK_EQ(locked_pages(), 0);
	CHECK_EQ(resident(memory, 16), 0);
	CHECK_EQ(mlock(memory + 4 * PAGE + 100, 2 * PAGE), 0); // touches three pages
	CHECK_EQ(locked_pages(), 3);
	CHECK_EQ(resident(memory, 16), 3);
	CHECK_EQ(mlock(memory, 8 * PAGE), 0);
	CHECK_EQ(locked_pages(), 8);
	CHECK_EQ(munlock(memory + PAGE, PAGE), 0);
	CHECK_EQ(locked_pages(), 7);
	CHECK_EQ(resident(memory, 16), 8); // they stay until somebody needs them
	CHECK_EQ(lock_on_fault(memory + 8 * PAGE, 8 * PAGE), 0);
	CHECK_EQ(locked_pages(), 15);
	CHECK_EQ(resident(memory, 16), 8);
	memory[9 * PAGE] = 1;
	CHECK_EQ(resident(memory, 16), 9);
	must_pass_in_child(see_none_locked);
	CHECK_ERRNO(madvise(memory, PAGE, MADV_DONTNEED), EINVAL);
	CHECK_ERRNO(madvise(memory, PAGE, MADV_COLD), EINVAL);
	CHECK_ERRNO(madvise(memory, PAGE, MADV_PAGEOUT), EINVAL);
	CHECK_ERRNO(madvise(memory, PAGE, MADV_FREE), EINVAL);
	CHECK_ERRNO(msync(memory, PAGE, MS_INVALIDATE | MS_ASYNC), EBUSY);
	CHECK_EQ(msync(memory, PAGE, MS_SYNC), 0);
	CHECK_EQ(munmap(memory + 8 * PAGE, 8 * PAGE), 0);
	CHECK_EQ(locked_pages(), 7);
	CHECK_ERRNO(mlock(memory, 16 * PAGE), ENOMEM); // a hole
	CHECK_EQ(locked_pages(), 8);
	CHECK_ERRNO(munlock(memory, 16 * PAGE), ENOMEM);
	CHECK_EQ(locked_pages(), 0);
	CHECK_EQ(munlock(memory, 8 * PAGE), 0);
	CHECK_EQ(locked_pages(), 0);
	CHECK_EQ(mlock(memory, 0), 0);
	CHECK_ERRNO(mlock(memory, (size_t)-PAGE), EINVAL); // around the end
	CHECK_ERRNO(mlock(KERNEL_ADDRESS, PAGE), ENOMEM);
	CHECK_ERRNO(syscall(SYS_mlock2, memory, PAGE, 2), EINVAL);
	CHECK_EQ(mprotect(memory, 8 * PAGE, PROT_NONE), 0);
	CHECK_ERRNO(mlock(memory, 8 * PAGE), ENOMEM); // no page can come in
	CHECK_EQ(munmap(memory, 8 * PAGE), 0);
	memory = map(4, BOTH, PRIVATE | MAP_LOCKED);
	CHECK_EQ(locked_pages(), 4);
	CHECK_EQ(resident(memory, 4), 4);
	memory = mremap(memory, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
	CHECK(memory != MAP_FAILED);
	CHECK_EQ(locked_pages(), 8);
	CHECK_EQ(resident(memory, 8), 8);
	CHECK_EQ(munmap(memory, 8 * PAGE), 0);
	CHECK_EQ(locked_pages(), 0);
}

/* What lies before the first hole is locked all the same, but not brought in. */
static void lock_before_a_hole(void)
{
	char *memory = map(16, BOTH, PRIVATE);

	CHECK_EQ(munmap(memory + 4 * PAGE, 2 * PAGE), 0);
	CHECK_EQ(munmap(memory + 10 * PAGE, PAGE), 0);
	CHECK_EQ(mprotect(memory + PAGE, PAGE, PROT_READ),
		 0); // areas 0, 1, 2-3, 6-9, 11-15
	CHECK_ERRNO(mlock(memory + 4 * PAGE, 6 * PAGE), ENOMEM); // begins in the hole
	CHECK_EQ(locked_pages(), 0);
	CHECK_ERRNO(mlock(memory + PAGE / 2, 8 * PAGE), ENOMEM);
	CHECK_EQ(locked_pages(), 4);
	CHECK_EQ(resident(memory, 4), 0);
	memory[0] = 1;
	CHECK_ERRNO(msync(memory, PAGE, MS_INVALIDATE), EBUSY);
	CHECK_EQ(msync(memory + 6 * PAGE, PAGE, MS_INVALIDATE), 0);
	CHECK_ERRNO(munlock(memory + 2 * PAGE, 8 * PAGE), ENOMEM);
	CHECK_EQ(locked_pages(), 2);
	CHECK_ERRNO(lock_on_fault(memory + 7 * PAGE, 4 * PAGE),
		    ENOMEM); // hole at the end
	CHECK_EQ(locked_pages(), 5);
	CHECK_ERRNO(mlock(memory + 11 * PAGE, (size_t)1 << 60), ENOMEM);
	CHECK(locked_pages() >= 5 + 5);
	CHECK_ERRNO(munlock(memory + 11 * PAGE, (size_t)1 << 60), ENOMEM);
	CHECK_EQ(locked_pages(), 5);
	CHECK_ERRNO(munlock(memory, 16 * PAGE), ENOMEM);
	CHECK_EQ(locked_pages(), 3);
}

static void lock_everything(void)
{
	char *before = map(8, BOTH, PRIVATE), *after, *end = sbrk(0);

	CHECK_ERRNO(mlockall(0), EINVAL);
	CHECK_ERRNO(mlockall(8), EINVAL);
	CHECK_ERRNO(mlockall(MCL_ONFAULT), EINVAL);
	CHECK_EQ(mlockall(MCL_FUTURE), 0);
	CHECK_EQ(locked_pages(), 0);
	after = map(8, BOTH, PRIVATE);
	CHECK_EQ(resident(before, 8), 0);
	CHECK_EQ(resident(after, 8), 8);
	CHECK_EQ(locked_pages(), 8);
	CHECK_EQ(syscall(SYS_brk, end + 4 * PAGE), (long)(end + 4 * PAGE));
	CHECK(locked_pages() >= 8 + 4);
	CHECK_EQ(mlockall(MCL_FUTURE | MCL_ONFAULT), 0);
	after = map(8, BOTH, PRIVATE);
	CHECK_EQ(resident(after, 8), 0);
	CHECK(locked_pages() >= 16 + 4);
	CHECK_EQ(mlockall(MCL_CURRENT | MCL_ONFAULT), 0);
	CHECK_EQ(resident(before, 8), 0);
	CHECK_EQ(resident(after, 8), 0);
	CHECK(locked_pages() > status_pages("\nVmStk"));
	CHECK_EQ(mlockall(MCL_CURRENT), 0);
	CHECK_EQ(resident(before, 8), 8);
	CHECK_EQ(resident(after, 8), 8);
	after = map(8, BOTH, PRIVATE); // MCL_FUTURE is over
	CHECK_EQ(resident(after, 8), 0);
	must_pass_in_child(see_none_locked);
	CHECK_EQ(munlockall(), 0);
	CHECK_EQ(locked_pages(), 0);
}

/* ---- the limit ---- */

static void become_nobody(void)
{
	CHECK_EQ(setgroups(0, NULL), 0);
	CHECK_EQ(setresgid(5000, 5000, 5000), 0);
	CHECK_EQ(setresuid(5000, 5000, 5000), 0);
}

static void limited(void)
{
	char *memory = map(32, BOTH, PRIVATE), *first, *end = sbrk(0);

	set_limit(RLIMIT_MEMLOCK, 8 * PAGE);
	CHECK_EQ(mlock(memory, 32 * PAGE), 0); // root may
	CHECK_EQ(munlock(memory, 32 * PAGE), 0);
	become_nobody();
	CHECK_ERRNO(mlock(memory, 9 * PAGE), ENOMEM);
	CHECK_EQ(locked_pages(), 0);
	CHECK_EQ(munmap(memory + 10 * PAGE, 2 * PAGE), 0);
	CHECK_ERRNO(mlock(memory + 6 * PAGE, 9 * PAGE),
		    ENOMEM); // a hole counts for the limit
	CHECK_EQ(locked_pages(), 0);
	CHECK_ERRNO(mlock(memory + 6 * PAGE, 6 * PAGE), ENOMEM);
	CHECK_EQ(locked_pages(), 4);
	CHECK_EQ(munlock(memory + 6 * PAGE, 4 * PAGE), 0);
	CHECK_EQ(mlock(memory, 6 * PAGE), 0);
	CHECK_EQ(mlock(memory, 8 * PAGE), 0); // six of them are locked already
	CHECK_EQ(locked_pages(), 8);
	CHECK_ERRNO(lock_on_fault(memory + 8 * PAGE, PAGE), ENOMEM);
	CHECK(map(1, BOTH, PRIVATE | MAP_LOCKED) == MAP_FAILED && errno == EAGAIN);
	CHECK_EQ(munlock(memory, 4 * PAGE), 0);
	first = map(4, BOTH, PRIVATE | MAP_LOCKED);
	CHECK(first != MAP_FAILED);
	CHECK(mremap(first, 4 * PAGE, 5 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(mlockall(MCL_FUTURE), 0);
	CHECK(map(1, BOTH, PRIVATE) == MAP_FAILED && errno == EAGAIN);
	CHECK_EQ(syscall(SYS_brk, end + 4 * PAGE), (long)end);
	CHECK_ERRNO(mlockall(MCL_CURRENT), ENOMEM);
	CHECK_EQ(munlockall(), 0);
	set_limit(RLIMIT_MEMLOCK, 0);
	CHECK_ERRNO(mlock(memory, PAGE), EPERM);
	CHECK_ERRNO(mlockall(MCL_FUTURE), EPERM);
	CHECK_EQ(munlock(memory, PAGE), 0);
	CHECK_ERRNO(syscall(SYS_mmap, NULL, PAGE, BOTH, PRIVATE | MAP_LOCKED, -1, 0),
		    EPERM);
}

/* ---- mincore ---- */

static void residence(void)
{
	unsigned char vector[16];
	char *memory = map(8, BOTH, PRIVATE), text[PAGE] = "";
	int file = open("cached", O_RDWR | O_CREAT | O_TRUNC, 0644);

	CHECK_ERRNO(mincore(memory + 1, PAGE, vector), EINVAL);
	CHECK_ERRNO(mincore(memory, PAGE, KERNEL_ADDRESS), EFAULT);
	CHECK_ERRNO(mincore(memory, PAGE, UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(mincore(KERNEL_ADDRESS, PAGE, vector), ENOMEM);
	CHECK_EQ(mincore(memory, 0, UNMAPPED_ADDRESS), 0);
	memory[2 * PAGE] = 1;
	vector[3] = 77;
	CHECK_EQ(mincore(memory, 2 * PAGE + 1, vector), 0);
	CHECK(vector[0] == 0 && vector[1] == 0 && vector[2] == 1 && vector[3] == 77);
	CHECK_EQ(munmap(memory + 4 * PAGE, PAGE), 0);
	CHECK_ERRNO(mincore(memory, 8 * PAGE, vector), ENOMEM);
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(write(file, text, PAGE), PAGE);
	}
	CHECK_EQ(ftruncate(file, 8 * PAGE), 0);
	memory = mmap(NULL, 8 * PAGE, PROT_READ, MAP_SHARED, file, 0);
	CHECK_EQ(mincore(memory, 8 * PAGE, vector), 0); // cached, not mapped yet
	CHECK(vector[0] == 1 && vector[3] == 1 && vector[5] == 0);
	close(file);
	file = open("cached", O_RDONLY);
	CHECK(file >= 0);
	become_nobody();
	memory = mmap(NULL, 8 * PAGE, PROT_READ, MAP_SHARED, file, 0);
	CHECK_EQ(mincore(memory, 8 * PAGE, vector), 0);
	for (int i = 0; i < 8; i++) {
		CHECK_EQ(vector[i], 1); // whoever cannot write the file learns nothing
	}
}

/* ---- advice ---- */

static char *advised;

static void read_advised(void)
{
	CHECK_EQ(*(volatile char *)advised, 0);
}

static void end_with_advised(void)
{
	_exit(*(volatile char *)advised);
}

static void see_wiped(void)
{
	CHECK_EQ(*(volatile char *)advised, 0);
	*advised = 5;
	must_pass_in_child(read_advised); // its children too
}

static void advice(void)
{
	char *memory = map(8, BOTH, PRIVATE);
	char *shared = map(8, BOTH, MAP_SHARED | MAP_ANONYMOUS);
	int file = open("cached", O_RDWR | O_CREAT | O_TRUNC, 0644);
	char *mapped;

	CHECK_EQ(ftruncate(file, 2 * PAGE), 0);
	mapped = mmap(NULL, 8 * PAGE, BOTH, MAP_SHARED, file, 0);
	advised = memory;
	*memory = 3;
	CHECK_EQ(madvise(memory, PAGE, MADV_WIPEONFORK), 0);
	CHECK_ERRNO(madvise(shared, PAGE, MADV_WIPEONFORK), EINVAL);
	CHECK_ERRNO(madvise(mapped, PAGE, MADV_WIPEONFORK), EINVAL);
	must_pass_in_child(see_wiped);
	CHECK_EQ(*memory, 3);
	CHECK_EQ(madvise(memory, PAGE, MADV_KEEPONFORK), 0);
	CHECK_EQ(in_child(end_with_advised), 3 << 8);
	CHECK_EQ(madvise(memory, PAGE, MADV_DONTFORK), 0);
	CHECK_EQ(in_child(end_with_advised) & 0x7f, SIGSEGV);
	*memory = 0;
	CHECK_EQ(madvise(memory, PAGE, MADV_DOFORK), 0);
	must_pass_in_child(read_advised);
	CHECK_EQ(madvise(memory, 8 * PAGE, MADV_COLD), 0);
	CHECK_EQ(madvise(memory, 8 * PAGE, MADV_PAGEOUT), 0);
	CHECK_EQ(resident(memory + PAGE, 4), 0);
	CHECK_EQ(madvise(memory + PAGE, 2 * PAGE, MADV_POPULATE_READ), 0);
	CHECK_EQ(madvise(memory + 3 * PAGE, PAGE, MADV_POPULATE_WRITE), 0);
	CHECK_EQ(resident(memory + PAGE, 4), 3);
	CHECK_EQ(mprotect(memory, PAGE, PROT_READ), 0);
	CHECK_EQ(madvise(memory, PAGE, MADV_POPULATE_READ), 0);
	CHECK_ERRNO(madvise(memory, PAGE, MADV_POPULATE_WRITE), EINVAL);
	CHECK_EQ(mprotect(memory, PAGE, PROT_NONE), 0);
	CHECK_ERRNO(madvise(memory, PAGE, MADV_POPULATE_READ), EINVAL);
	CHECK_EQ(madvise(mapped, 2 * PAGE, MADV_POPULATE_WRITE), 0);
	CHECK_ERRNO(madvise(mapped, 4 * PAGE, MADV_POPULATE_READ), EFAULT); // its end
	CHECK_EQ(munmap(memory + 4 * PAGE, PAGE), 0);
	for (int kind = MADV_COLD; kind <= MADV_POPULATE_WRITE; kind++) {
		CHECK_ERRNO(madvise(memory + 3 * PAGE, 3 * PAGE, kind), ENOMEM);
		CHECK_ERRNO(madvise(memory + 1, PAGE, kind), EINVAL);
		CHECK_ERRNO(madvise(memory, (size_t)-PAGE, kind), EINVAL);
		CHECK_EQ(madvise(memory, 0, kind), 0);
	}
	CHECK_ERRNO(madvise(memory + 3 * PAGE, 3 * PAGE, MADV_DONTFORK), ENOMEM);
	CHECK_ERRNO(madvise(memory, 0, 12345), EINVAL);
}

static void synchronization(void)
{
	char *memory = map(4, BOTH, PRIVATE);

	CHECK_EQ(munmap(memory + PAGE, PAGE), 0);
	CHECK_ERRNO(msync(memory + 1, PAGE, MS_SYNC), EINVAL);
	CHECK_ERRNO(msync(memory, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	CHECK_ERRNO(msync(memory, PAGE, 8), EINVAL);
	CHECK_ERRNO(msync(memory, 4 * PAGE, MS_SYNC), ENOMEM);
	CHECK_ERRNO(msync(memory, (size_t)-PAGE, MS_SYNC), ENOMEM);
	CHECK_EQ(msync(memory, 0, MS_SYNC), 0);
	CHECK_EQ(msync(memory, PAGE, 0), 0);
	CHECK_EQ(msync(memory, PAGE, MS_INVALIDATE), 0);
}

int main(void)
{
	if (getuid()) {
		skip("not root");
	}
	must_pass_in_child(lock_ranges);
	ok("ranges");
	must_pass_in_child(lock_before_a_hole);
	ok("holes");
	must_pass_in_child(lock_everything);
	ok("everything");
	must_pass_in_child(limited);
	ok("limit");
	must_pass_in_child(residence);
	ok("mincore");
	must_pass_in_child(advice);
	ok("advice");
	must_pass_in_child(synchronization);
	ok("msync");
	unlink("cached");
	return 0;
}
