// SPDX-License-Identifier: MIT
/*
 * D5: vm.max_map_count, which the stacks of a million threads need more of: who has as many areas gets ENOMEM from mprotect and
 * mremap and keeps what he has; what is unmapped makes room again.
 * oracle: guest
 */
#include "test.h"

enum { PAGE = 4096, MOST = 200, PAGES = 2 * MOST };

static const char setting[] = "/proc/sys/vm/max_map_count";

static long most(void)
{
	char text[32] = "";
	int fd = open(setting, O_RDONLY);

	CHECK(fd >= 0);
	CHECK(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return atol(text);
}

static int set_most(const char *value)
{
	int fd = open(setting, O_WRONLY), err;

	CHECK(fd >= 0);
	err = write(fd, value, strlen(value)) < 0 ? errno : 0;
	close(fd);
	return err;
}

/* Every other page becomes one for reading alone, an area each: how many can be, until an error. */
static int cut(char *start)
{
	for (int i = 0; i < PAGES; i += 2) {
		if (mprotect(start + (size_t)i * PAGE, PAGE, PROT_READ)) {
			CHECK_EQ(errno, ENOMEM);
			return i;
		}
	}
	return PAGES;
}

int main(void)
{
	long before = most();
	char *start = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int reached;

	CHECK(start != MAP_FAILED);
	CHECK_EQ(before, 65530);
	CHECK_EQ(set_most("-1"), EINVAL);
	CHECK_EQ(set_most("x"), EINVAL);
	CHECK_EQ(most(), before);
	CHECK_EQ(set_most("200"), 0);
	reached = cut(start);
	CHECK(reached > MOST / 2 && reached < MOST);
	start[(size_t)reached * PAGE] = 1; // as it was
	CHECK(mremap(start, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
	CHECK_EQ(errno, ENOMEM);
	CHECK_EQ(munmap(start, 8 * PAGE), 0);
	CHECK_EQ(mprotect(start + (size_t)reached * PAGE, PAGE, PROT_READ), 0);
	ok("at_most");
	CHECK_EQ(set_most("65530"), 0);
	CHECK_EQ(mprotect(start + (PAGES - 2) * PAGE, PAGE, PROT_READ), 0);
	ok("again");
	return 0;
}
