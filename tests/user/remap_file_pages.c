// SPDX-License-Identifier: MIT
/*
 * remap_file_pages(2): pages of a shared mapping in another order, the refusals, what is brought in, what stays locked; on Heddle also
 * with each allocation failing in turn.
 */
#include "ledger.h"
#include <setjmp.h>

#define PAGE 4096ul

enum { PAGES = 8, MOST = 60 };

static sigjmp_buf landing;

static void jump_back(int signal)
{
	siglongjmp(landing, signal);
}

static int probe(volatile char *address)
{
	int signal = sigsetjmp(landing, 1);

	if (signal == 0) {
		(void)*address;
	}
	return signal;
}

static long remap(const void *start, size_t size, int protect, size_t page, int flags)
{
	return syscall(SYS_remap_file_pages, start, size, protect, page, flags);
}

/* Each page begins with its number and 'a'. */
static int make_file(void)
{
	int file = memfd_create("pages", 0);

	CHECK(file >= 0);
	CHECK_EQ(ftruncate(file, PAGES * PAGE), 0);
	for (unsigned long i = 0; i < PAGES; i++) {
		char name = (char)('a' + i);

		CHECK_EQ(pwrite(file, &name, 1, (off_t)(i * PAGE)), 1);
	}
	return file;
}

static char *map_file(int file, void *address, unsigned long pages, int protect, int type)
{
	char *memory = mmap(address, pages * PAGE, protect,
			    type | (address ? MAP_FIXED : 0), file, 0);

	CHECK(memory != MAP_FAILED);
	return memory;
}

static void expect(const char *memory, const char *names)
{
	for (unsigned long i = 0; names[i]; i++) {
		CHECK_EQ(memory[i * PAGE], names[i]);
	}
}

static void check_order(void)
{
	int file = make_file();
	char *memory = map_file(file, NULL, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);
	char got;

	expect(memory, "abcdefgh");
	for (unsigned long i = 0; i < PAGES; i++) {
		CHECK_EQ(remap(memory + i * PAGE, PAGE, 0, PAGES - 1 - i, 0), 0);
	}
	expect(memory, "hgfedcba");
	memory[PAGE] = 'G'; // is the file's seventh
	CHECK_EQ(pread(file, &got, 1, 6 * PAGE), 1);
	CHECK_EQ(got, 'G');
	CHECK_EQ(remap(memory + 2 * PAGE, 2 * PAGE, 0, 5, 0), 0); // over two areas
	expect(memory, "hGfGdcba");
	CHECK_EQ(remap(memory, PAGES * PAGE, 0, 0, 0), 0); // over all of them
	expect(memory, "abcdefGh");
	CHECK_EQ(remap(memory + PAGE + 17, 2 * PAGE + 4000, 0, 0, 0), 0); // cut to pages
	expect(memory, "aabdefGh");
	CHECK_EQ(munmap(memory, PAGES * PAGE), 0);
	close(file);
	ok("order");
}

static void check_anonymous(void)
{
	char *memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	memory[0] = 'x';
	memory[3 * PAGE] = 'y';
	CHECK_EQ(remap(memory, PAGE, 0, 3, 0), 0);
	CHECK_EQ(remap(memory + 3 * PAGE, PAGE, 0, 0, 0), 0);
	CHECK_EQ(memory[0], 'y');
	CHECK_EQ(memory[3 * PAGE], 'x');
	CHECK_EQ(remap(memory + PAGE, PAGE, 0, 4, 0), 0); // behind the end
	CHECK_EQ(probe(memory + PAGE), SIGBUS);
	CHECK_EQ(munmap(memory, 4 * PAGE), 0);
	ok("anonymous");
}

static void check_arguments(void)
{
	int file = make_file();
	char *memory = map_file(file, NULL, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);

	CHECK_ERRNO(remap(memory, PAGE, PROT_READ, 0, 0), EINVAL);
	CHECK_ERRNO(remap(memory, 0, 0, 0, 0), EINVAL);
	CHECK_ERRNO(remap(memory, PAGE - 1, 0, 0, 0), EINVAL);
	CHECK_ERRNO(remap(memory, -PAGE, 0, 0, 0), EINVAL);
	CHECK_ERRNO(remap(memory, -(size_t)memory, 0, 0, 0), EINVAL);
	CHECK_ERRNO(remap(memory, 2 * PAGE, 0, SIZE_MAX, 0), EINVAL);
	CHECK_ERRNO(remap(memory, 2 * PAGE, 0, SIZE_MAX - 2, 0), EOVERFLOW);
	CHECK_ERRNO(remap(memory, PAGE, 0, 1ul << 52, 0), EOVERFLOW);
	CHECK_ERRNO(remap(memory, PAGE, 0, INT64_MAX / PAGE, 0), EOVERFLOW);
	CHECK_EQ(remap(memory, PAGE, 0, INT64_MAX / PAGE - 1, 0), 0);
	CHECK_EQ(remap(memory, PAGE, 0, 0, ~0), 0); // flags nobody knows are no matter
	CHECK_ERRNO(remap(KERNEL_ADDRESS, PAGE, 0, 0, 0), EINVAL);
	CHECK_ERRNO(remap(UNMAPPED_ADDRESS, PAGE, 0, 0, 0), EINVAL);
	expect(memory, "abcdefgh");
	CHECK_EQ(munmap(memory, PAGES * PAGE), 0);
	close(file);
	ok("arguments");
}

static void check_areas(void)
{
	int file = make_file(), other = make_file(), closed;
	char path[40], *memory = map_file(file, NULL, PAGES, PROT_READ, MAP_SHARED);

	CHECK_ERRNO(remap(memory, (PAGES + 1) * PAGE, 0, 0, 0), EINVAL);
	CHECK_EQ(mprotect(memory + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE), 0);
	CHECK_ERRNO(remap(memory, PAGES * PAGE, 0, 0, 0), EINVAL);
	CHECK_EQ(mprotect(memory + 3 * PAGE, PAGE, PROT_READ), 0);
	CHECK_EQ(remap(memory, PAGES * PAGE, 0, 0, 0), 0);
	map_file(other, memory + 3 * PAGE, 1, PROT_READ, MAP_SHARED);
	CHECK_ERRNO(remap(memory, PAGES * PAGE, 0, 0, 0), EINVAL);
	map_file(file, memory + 3 * PAGE, 1, PROT_READ, MAP_PRIVATE);
	CHECK_ERRNO(remap(memory, PAGES * PAGE, 0, 0, 0), EINVAL);
	CHECK_ERRNO(remap(memory + 3 * PAGE, PAGE, 0, 0, 0), EINVAL);
	CHECK_EQ(munmap(memory + 3 * PAGE, PAGE), 0);
	CHECK_ERRNO(remap(memory + 2 * PAGE, 3 * PAGE, 0, 0, 0), EINVAL);
	CHECK_ERRNO(remap(memory + 3 * PAGE, PAGE, 0, 0, 0), EINVAL);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	closed = open(path, O_RDONLY);
	CHECK(closed >= 0);
	map_file(closed, memory, PAGES, PROT_READ, MAP_SHARED);
	CHECK_ERRNO(remap(memory, PAGE, 0, 1, 0), EINVAL); // not to be written by anyone
	CHECK_EQ(munmap(memory, PAGES * PAGE), 0);
	close(file);
	close(other);
	close(closed);
	ok("areas");
}

static bool resident(char *page)
{
	unsigned char there;

	CHECK_EQ(mincore(page, PAGE, &there), 0);
	return there & 1;
}

static void check_brought_in(void)
{
	char *memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	CHECK_EQ(remap(memory, PAGE, 0, 1, MAP_NONBLOCK), 0);
	CHECK(!resident(memory));
	CHECK_EQ(remap(memory, PAGE, 0, 2, 0), 0);
	CHECK(resident(memory));
	CHECK_EQ(munmap(memory, 4 * PAGE), 0);
	ok("brought_in");
}

static long locked_kilobytes(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	char line[200];
	long locked = -1;

	CHECK(status);
	while (fgets(line, sizeof(line), status)) {
		(void)sscanf(line, "VmLck: %ld", &locked);
	}
	fclose(status);
	return locked;
}

static void check_locked(void)
{
	char *memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long before = locked_kilobytes();

	CHECK(memory != MAP_FAILED);
	CHECK_EQ(mlock(memory, 2 * PAGE), 0);
	CHECK_EQ(locked_kilobytes(), before + 8);
	CHECK_EQ(remap(memory, PAGE, 0, 3, MAP_NONBLOCK), 0);
	CHECK_EQ(locked_kilobytes(), before + 8);
	CHECK(resident(memory)); // locked is brought in, whatever the flags say
	CHECK_ERRNO(remap(memory, 4 * PAGE, 0, 0, 0), EINVAL); // half of it is locked
	CHECK_EQ(munmap(memory, 4 * PAGE), 0);
	CHECK_EQ(locked_kilobytes(), before);
	ok("locked");
}

/* Each fails whole, and there is an end to it. */
static void check_no_memory(void)
{
	int control = open("/proc/heddle/fail_nth", O_WRONLY), file, failed = 0;
	struct ledger before;
	char *memory;
	bool done = false;

	if (control < 0) {
		return;
	}
	ledger_begin(&before);
	file = make_file();
	memory = map_file(file, NULL, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);
	for (int nth = 1; nth < MOST && !done; nth++) {
		long result;

		CHECK_EQ(remap(memory, PAGES * PAGE, 0, 0, 0), 0);
		fail_nth(control, nth);
		result = remap(memory + 2 * PAGE, 2 * PAGE, 0, 6, 0);
		CHECK(result == 0 || errno == ENOMEM);
		fail_nth(control, 0);
		expect(memory, result ? "abcdefgh" : "abghefgh");
		failed += result != 0;
		done = result == 0 && nth > 12;
	}
	CHECK(failed > 0 && done);
	CHECK_EQ(munmap(memory, PAGES * PAGE), 0);
	close(file);
	ledger_expect(&before);
	close(control);
	ok("no_memory");
}

int main(void)
{
	struct sigaction action = {.sa_handler = jump_back};

	sigaction(SIGBUS, &action, NULL);
	check_order();
	check_anonymous();
	check_arguments();
	check_areas();
	check_brought_in();
	check_locked();
	check_no_memory();
	return 0;
}
