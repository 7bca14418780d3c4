// SPDX-License-Identifier: MIT
/*
 * issue part 6: a write through a shared mapping of a file is a change of it: st_mtime and st_ctime move when its page is first written.
 */
#include "test.h"
#include <sys/stat.h>

#define SIZE \
	(1 << 20) /* the page that is only read is far from the one that is written */

static long long ns(struct timespec time)
{
	return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static struct stat look(int fd)
{
	struct stat status;

	CHECK_EQ(fstat(fd, &status), 0);
	return status;
}

/* Until what Linux stamps files with has moved on. */
static void let_time_pass(void)
{
	long long start = now_ns();

	while (now_ns() - start < 30000000) {
	}
}

int main(void)
{
	int fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct stat first, second;
	char *shared, *private;

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, SIZE), 0);
	shared = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
      private
	= mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(shared != MAP_FAILED && private != MAP_FAILED);
	first = look(fd);
	let_time_pass();
      private
	[0] = 1;
	CHECK_EQ(((volatile char *)shared)[SIZE / 2], 0);
	second = look(fd);
	CHECK_EQ(ns(second.st_mtim), ns(first.st_mtim));
	CHECK_EQ(ns(second.st_ctim), ns(first.st_ctim));
	shared[0] = 1;
	CHECK_EQ(msync(shared, SIZE, MS_SYNC), 0);
	second = look(fd);
	CHECK(ns(second.st_mtim) > ns(first.st_mtim));
	CHECK(ns(second.st_ctim) > ns(first.st_ctim));
	ok("times");
	return 0;
}
