// SPDX-License-Identifier: MIT
/*
 * Issue part 3: out of memory ends a process, never the kernel: a child that takes all there is
 * dies (or is refused), and the machine goes on. On the host a limit stands in for the end of
 * the memory.
 * deadline: 60
 * libc: musl
 */
#include "raw.h"
#include <sys/resource.h>

static bool in_guest(void)
{
	return getenv("HEDDLE_TEST_GUEST") != NULL;
}

static void eat_memory(void)
{
	for (;;) {
		char *block = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (block == MAP_FAILED) {
			_exit(errno == ENOMEM ? 99 : 1);
		}
		for (size_t i = 0; i < 1 << 20; i += 4096) {
			block[i] = 1;
		}
	}
}

static void eat_limited(void)
{
	struct rlimit limit = {64 << 20, 64 << 20};

	CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
	eat_memory();
}

static void eat_tmpfs(void)
{
	static char block[65536];
	int fd = open("big", O_RDWR | O_CREAT | O_TRUNC, 0600);

	memset(block, 1, sizeof(block));
	for (;;) {
		ssize_t length = write(fd, block, sizeof(block));

		if (length < 0) {
			CHECK(errno == ENOSPC || errno == ENOMEM);
			break;
		}
	}
	CHECK_EQ(ftruncate(fd, 0), 0);
}

static void check_still_alive(void)
{
	char *block = mmap(NULL, 16 << 20, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(block != MAP_FAILED);
	memset(block, 1, 16 << 20);
	CHECK_EQ(munmap(block, 16 << 20), 0);
}

int main(void)
{
	int status = in_child(eat_limited);

	CHECK_EQ(WEXITSTATUS(status), 99);
	ok("limit");
	if (!in_guest()) {
		return 0;
	}
	for (int i = 0; i < 2; i++) {
		status = in_child(eat_memory);
		CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
		      WEXITSTATUS(status) == 99);
		check_still_alive();
	}
	ok("anonymous");
	status = in_child(eat_tmpfs);
	CHECK(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
	unlink("big");
	check_still_alive();
	ok("tmpfs");
	return 0;
}
