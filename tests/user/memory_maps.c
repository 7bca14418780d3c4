// SPDX-License-Identifier: MIT
/*
 * mmap, munmap, mprotect, mremap, madvise, msync and brk: effects, splits, and Linux's errno for
 * each bad argument. (Issue part 3; S4 for the main stack.)
 * libc: musl
 */
#include "raw.h"
#include <setjmp.h>
#include <sys/resource.h>

#define PAGE 4096ul

static sigjmp_buf landing;

static void jump_back(int signal)
{
	siglongjmp(landing, signal);
}

/* The signal a write to (or read of) the address raises; 0 if none. */
static int probe(volatile char *address, bool write)
{
	int signal = sigsetjmp(landing, 1);

	if (signal == 0) {
		if (write) {
			*address = 1;
		} else {
			(void)*address;
		}
	}
	return signal;
}

static char *map(size_t pages, int protection)
{
	char *memory =
		mmap(NULL, pages * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	return memory;
}

static void check_protection_splits(void)
{
	char *memory = map(8, PROT_READ | PROT_WRITE);

	memset(memory, 7, 8 * PAGE);
	CHECK_EQ(mprotect(memory + 2 * PAGE, 2 * PAGE, PROT_READ), 0);
	CHECK_EQ(probe(memory + 2 * PAGE, true), SIGSEGV);
	CHECK_EQ(probe(memory + 2 * PAGE, false), 0);
	CHECK_EQ(probe(memory + 4 * PAGE, true), 0);
	CHECK_EQ(mprotect(memory + 3 * PAGE, PAGE, PROT_NONE), 0);
	CHECK_EQ(probe(memory + 3 * PAGE, false), SIGSEGV);
	CHECK_EQ(mprotect(memory, 8 * PAGE, PROT_READ | PROT_WRITE), 0);
	CHECK_EQ(probe(memory + 3 * PAGE, true), 0);
	CHECK_EQ(memory[3 * PAGE + 1], 7);
	CHECK_EQ(munmap(memory + PAGE, PAGE), 0);
	CHECK_EQ(probe(memory + PAGE, false), SIGSEGV);
	CHECK_EQ(probe(memory, false), 0);
	CHECK_EQ(memory[2 * PAGE], 7);
	CHECK_ERRNO(mprotect(memory, 8 * PAGE, PROT_READ), ENOMEM); // a hole
	CHECK_ERRNO(syscall(SYS_mprotect, memory + 1, PAGE, PROT_READ), EINVAL);
	CHECK_EQ(munmap(memory, 8 * PAGE), 0); // holes are fine
	CHECK_EQ(munmap(memory, 8 * PAGE), 0);
	ok("protection_splits");
}

static void check_fixed(void)
{
	char *memory = map(4, PROT_READ | PROT_WRITE);
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;

	memset(memory, 9, 4 * PAGE);
	CHECK(mmap(memory + PAGE, PAGE, PROT_READ, flags | MAP_FIXED, -1, 0) ==
	      memory + PAGE);
	CHECK_EQ(memory[PAGE], 0);
	CHECK_EQ(memory[0], 9);
	CHECK_ERRNO(
		(long)mmap(memory, PAGE, PROT_READ, flags | MAP_FIXED_NOREPLACE, -1, 0),
		EEXIST);
	CHECK_EQ(munmap(memory, 4 * PAGE), 0);
	CHECK(mmap(memory, PAGE, PROT_READ, flags | MAP_FIXED_NOREPLACE, -1, 0) ==
	      memory);
	CHECK_EQ(munmap(memory, PAGE), 0);
	CHECK_ERRNO((long)mmap((void *)1, PAGE, PROT_READ, flags | MAP_FIXED, -1, 0),
		    EINVAL);
	CHECK_ERRNO((long)mmap(KERNEL_ADDRESS, PAGE, PROT_READ, flags | MAP_FIXED, -1, 0),
		    ENOMEM);
	ok("fixed");
}

static void check_bad_arguments(void)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;

	CHECK_ERRNO((long)mmap(NULL, 0, PROT_READ, flags, -1, 0), EINVAL);
	CHECK_ERRNO((long)mmap(NULL, SIZE_MAX, PROT_READ, flags, -1, 0), ENOMEM);
	CHECK_ERRNO((long)mmap(NULL, 1ul << 60, PROT_READ, flags, -1, 0), ENOMEM);
	CHECK_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL);
	CHECK_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0), EBADF);
	CHECK_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 0x7fffffff, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_mmap, NULL, PAGE, PROT_READ, flags, -1, 1), EINVAL);
	CHECK_ERRNO(munmap((void *)1, PAGE), EINVAL);
	CHECK_ERRNO(munmap((void *)PAGE, 0), EINVAL);
	CHECK_ERRNO(munmap(KERNEL_ADDRESS, PAGE), EINVAL);
	CHECK_ERRNO(munmap((void *)PAGE, SIZE_MAX & ~(PAGE - 1)), EINVAL);
	CHECK_ERRNO(madvise((void *)1, PAGE, MADV_DONTNEED), EINVAL);
	CHECK_ERRNO(msync((void *)PAGE, PAGE, MS_SYNC), ENOMEM);
	CHECK_ERRNO(msync((void *)PAGE, PAGE, 64), EINVAL);
	CHECK_ERRNO(msync((void *)PAGE, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	ok("bad_arguments");
}

static void check_file_modes(void)
{
	int reading, writing;

	reading = open("modes", O_RDONLY | O_CREAT, 0600);
	writing = open("modes", O_WRONLY);
	CHECK(reading >= 0 && writing >= 0);
	CHECK_ERRNO((long)mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, reading, 0), EACCES);
	CHECK_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, writing, 0), EACCES);
	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, reading, 0) !=
	      MAP_FAILED);
	char *shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, reading, 0);
	CHECK(shared != MAP_FAILED);
	CHECK_ERRNO(mprotect(shared, PAGE, PROT_READ | PROT_WRITE), EACCES);
	CHECK_EQ(probe(shared, false), SIGBUS); // beyond the end of the file
	close(reading);
	close(writing);
	ok("file_modes");
}

static void check_file_sharing(void)
{
	int fd = open("shared", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char text[6] = "";
	char *shared, *private;

	CHECK_EQ(write(fd, "hello", 5), 5);
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
      private
	= mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(shared != MAP_FAILED && private != MAP_FAILED);
	CHECK_EQ(memcmp(private, "hello\0\0", 7), 0);
	shared[0] = 'J';
	CHECK_EQ(private[0], 'J'); // not copied yet
      private
	[1] = 'u';
	CHECK_EQ(shared[1], 'e');
	CHECK_EQ(msync(shared, PAGE, MS_SYNC), 0);
	CHECK_EQ(pread(fd, text, 5, 0), 5);
	CHECK_EQ(strcmp(text, "Jello"), 0);
	CHECK_EQ(pwrite(fd, "C", 1, 0), 1);
	CHECK_EQ(shared[0], 'C');
	CHECK_EQ(ftruncate(fd, 3 * PAGE), 0);
	CHECK_EQ(ftruncate(fd, 0), 0);
	CHECK_EQ(probe(shared, false), SIGBUS);
	close(fd);
	ok("file_sharing");
}

static void check_remap(void)
{
	char *memory = map(4, PROT_READ | PROT_WRITE), *moved, *target;

	for (int i = 0; i < 4; i++) {
		memory[(size_t)i * PAGE] = (char)('a' + i);
	}
	moved = mremap(memory, 4 * PAGE, 2 * PAGE, 0);
	CHECK(moved == memory);
	CHECK_EQ(probe(memory + 3 * PAGE, false), SIGSEGV);
	moved = mremap(memory, 2 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	CHECK(moved != MAP_FAILED && moved[0] == 'a' && moved[PAGE] == 'b');
	CHECK_EQ(moved[63 * PAGE], 0);
	target = map(8, PROT_READ);
	memory = mremap(moved, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			target + PAGE);
	CHECK(memory == target + PAGE && memory[0] == 'a');
	CHECK_EQ(probe(moved, false), SIGSEGV);
	CHECK_ERRNO((long)mremap(memory + 1, PAGE, PAGE, 0), EINVAL);
	CHECK_ERRNO((long)mremap(memory, PAGE, 0, 0), EINVAL);
	CHECK_ERRNO((long)mremap(UNMAPPED_ADDRESS - 0x10 + PAGE, PAGE, PAGE * 2, 0),
		    EFAULT);
	CHECK_ERRNO((long)mremap(memory, PAGE, PAGE, 77), EINVAL);
	ok("remap");
}

static void check_advice(void)
{
	char *memory = map(4, PROT_READ | PROT_WRITE);
	int fd = open("advice", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *file;

	memset(memory, 5, 4 * PAGE);
	CHECK_EQ(madvise(memory + PAGE, PAGE, MADV_DONTNEED), 0);
	CHECK_EQ(memory[PAGE], 0);
	CHECK_EQ(memory[2 * PAGE], 5);
	CHECK_EQ(write(fd, "file", 4), 4);
	file = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	file[0] = 'F';
	CHECK_EQ(madvise(file, PAGE, MADV_DONTNEED), 0);
	CHECK_EQ(file[0], 'f');
	CHECK_ERRNO(madvise(memory, PAGE, 12345), EINVAL);
	CHECK_EQ(munmap(memory, PAGE), 0);
	CHECK_ERRNO(madvise(memory, PAGE * 2, MADV_DONTNEED), ENOMEM);
	close(fd);
	ok("advice");
}

static void check_break(void)
{
	char *start = (char *)syscall(SYS_brk, 0);
	char *next = (char *)syscall(SYS_brk, start + 5 * PAGE);

	CHECK(next == start + 5 * PAGE);
	memset(start, 3, 5 * PAGE);
	CHECK((char *)syscall(SYS_brk, start + PAGE) == start + PAGE);
	CHECK((char *)syscall(SYS_brk, 1) ==
	      start + PAGE); // refused: the answer is the old break
	CHECK((char *)syscall(SYS_brk, start + 5 * PAGE) == start + 5 * PAGE);
	CHECK_EQ(start[4 * PAGE - 1], 0); // given back and zeroed
	CHECK((char *)syscall(SYS_brk, start) == start);
	ok("break");
}

static volatile int *frames; /* shared: how many were made */

static int deep(int depth)
{
	volatile char block[4096];

	block[0] = (char)depth;
	*frames += 1;
	return depth == 0 ? 0 : deep(depth - 1) + block[0] - (char)depth;
}

static void overflow_stack(void)
{
	struct rlimit limit = {1 << 20, 1 << 20};

	CHECK_EQ(setrlimit(RLIMIT_STACK, &limit), 0);
	deep(1 << 20);
}

enum { BELOW = 4 << 20 };

/* Something readable four megabytes below; touch the stack this far above it. */
static void touch_above(size_t distance)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0) & ~(PAGE - 1);
	char *low = (char *)(here - BELOW);

	CHECK(mmap(low, PAGE, PROT_READ,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == low);
	*(volatile char *)(low + PAGE + distance) = 1;
}

static void touch_beyond_gap(void)
{
	touch_above(3 << 19);
}

static void touch_in_gap(void)
{
	touch_above(1 << 19);
}

/* S4: a megabyte is kept between the stack and what lies below it. */
static void check_stack_gap(void)
{
	must_pass_in_child(touch_beyond_gap);
	CHECK_EQ(WTERMSIG(in_child(touch_in_gap)), SIGSEGV);
	ok("stack_gap");
}

/* S4: the stack grows on demand as far as the limit, and no further. */
static void check_stack_growth(void)
{
	frames = shared_page();
	CHECK_EQ(WTERMSIG(in_child(overflow_stack)), SIGSEGV);
	CHECK(*frames > 200 && *frames < (1 << 20) / 4096);
	CHECK_EQ(deep(1500), 0); // six megabytes
	ok("stack_growth");
}

int main(void)
{
	static char signal_stack[65536];
	stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof(signal_stack)};
	struct sigaction action = {.sa_handler = jump_back, .sa_flags = SA_ONSTACK};

	check_stack_gap();
	check_stack_growth();
	CHECK_EQ(sigaltstack(&stack, NULL), 0);
	CHECK_EQ(sigaction(SIGSEGV, &action, NULL), 0);
	CHECK_EQ(sigaction(SIGBUS, &action, NULL), 0);
	check_protection_splits();
	check_fixed();
	check_bad_arguments();
	check_file_modes();
	check_file_sharing();
	check_remap();
	check_advice();
	check_break();
	return 0;
}
