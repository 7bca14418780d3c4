// SPDX-License-Identifier: MIT
/*
 * Copies between the kernel and a program's memory at every alignment of either side: what arrives, what stays, and how many
 * bytes are said to have come through where the program's memory ends. By a file in memory, whose pages the kernel copies from and to.
 * libc: musl
 */
#include "test.h"

enum { PAGE = 4096, FILE_SIZE = 3 * PAGE, REACH = 72, BEYOND = 40, GUARD = 0xee };

static int file;
static unsigned char *seen; /* the file, mapped */

static const size_t sizes[] = {1,  2,  7,  8,  9,  15, 16, 17, 23, 24, 31,   32,   33,
			       39, 40, 41, 47, 63, 64, 65, 71, 72, 95, 1000, 4097, 5001};

static unsigned char pattern(size_t at)
{
	return (unsigned char)(at * 7 + at / 256 * 13 + 1);
}

static void fill(unsigned char *to, size_t size, size_t from)
{
	for (size_t i = 0; i < size; i++) {
		to[i] = pattern(from + i);
	}
}

static bool is_pattern(const unsigned char *at, size_t size, size_t from)
{
	for (size_t i = 0; i < size; i++) {
		if (at[i] != pattern(from + i)) {
			return false;
		}
	}
	return true;
}

static bool is_all(const unsigned char *at, size_t size, unsigned char value)
{
	for (size_t i = 0; i < size; i++) {
		if (at[i] != value) {
			return false;
		}
	}
	return true;
}

static void one_read(unsigned char *buffer, size_t offset, size_t align, size_t size)
{
	unsigned char *to = buffer + 8 + align;

	memset(buffer, GUARD, size + 32);
	CHECK_EQ(pread(file, to, size, (off_t)offset), size);
	CHECK(is_pattern(to, size, offset));
	CHECK(is_all(buffer, 8 + align, GUARD) && is_all(to + size, 8, GUARD));
}

static void one_write(unsigned char *buffer, size_t offset, size_t align, size_t size)
{
	unsigned char *from = buffer + 8 + align;

	memset(seen, GUARD, FILE_SIZE);
	fill(from, size, size);
	CHECK_EQ(pwrite(file, from, size, (off_t)offset), size);
	CHECK(is_pattern(seen + offset, size, size));
	CHECK(is_all(seen, offset, GUARD) && is_all(seen + offset + size, 8, GUARD));
}

static void check_alignments(void)
{
	unsigned char *buffer = aligned_alloc(64, 2 * PAGE);

	CHECK(buffer != NULL);
	fill(seen, FILE_SIZE, 0);
	for (size_t offset = 0; offset < 8; offset++) {
		for (size_t align = 0; align < 8; align++) {
			for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
				one_read(buffer, offset, align, sizes[i]);
			}
		}
	}
	for (size_t offset = 0; offset < 8; offset++) {
		for (size_t align = 0; align < 8; align++) {
			for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
				one_write(buffer, offset, align, sizes[i]);
			}
		}
	}
	free(buffer);
	ok("alignments");
}

/* A page with nothing behind it. */
static unsigned char *edge(void)
{
	unsigned char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(pages != MAP_FAILED);
	CHECK_EQ(munmap(pages + PAGE, PAGE), 0);
	return pages + PAGE;
}

static void check_count(long got, size_t reach)
{
	if (reach == 0) {
		CHECK(got == -1 && errno == EFAULT);
	} else {
		CHECK_EQ(got, reach);
	}
}

/* `reach` bytes of the program's are there; more are asked for. */
static void check_ends(void)
{
	unsigned char *end = edge();

	for (size_t offset = 0; offset < 8; offset++) {
		fill(seen, FILE_SIZE, 0);
		for (size_t reach = 0; reach <= REACH; reach++) {
			memset(end - PAGE, GUARD, PAGE);
			check_count(
				pread(file, end - reach, reach + BEYOND, (off_t)offset),
				reach);
			CHECK(is_pattern(end - reach, reach, offset));
			CHECK(is_all(end - reach - 8, 8, GUARD));
		}
		for (size_t reach = 0; reach <= REACH; reach++) {
			memset(seen, GUARD, PAGE);
			fill(end - reach, reach, 5);
			check_count(
				pwrite(file, end - reach, reach + BEYOND, (off_t)offset),
				reach);
			CHECK(is_pattern(seen + offset, reach, 5));
			CHECK(is_all(seen + offset + reach, BEYOND + 8, GUARD));
		}
	}
	ok("ends");
}

int main(void)
{
	file = memfd_create("copies", MFD_CLOEXEC);
	CHECK(file >= 0);
	CHECK_EQ(ftruncate(file, FILE_SIZE), 0);
	seen = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(seen != MAP_FAILED);
	check_alignments();
	check_ends();
	return 0;
}
