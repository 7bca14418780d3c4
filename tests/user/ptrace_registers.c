// SPDX-License-Identifier: MIT
/*
 * G2: registers of a tracee: sets and their sizes, what is refused, what is set is there when it goes on; and whatever is set harms nobody but
 * the tracee.
 * deadline: 40
 */
#include "ptrace.h"
#include <sys/time.h>
#ifndef NT_ARM_TLS
#	define NT_ARM_TLS 0x401
#endif

enum { LARGEST = 4096, NO_SUCH_SET = 0x7777 };

static void call_for_good(void)
{
	traced_first();
	for (;;) {
		syscall(SYS_getppid);
	}
}

static pid_t start_stopped(void)
{
	pid_t child = start_child(call_for_good);

	EXPECT_STATUS(child, STOPPED_BY(SIGSTOP));
	CHECK_EQ(trace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD), 0);
	return child;
}

static void next_call(pid_t child)
{
	CHECK_EQ(trace(PTRACE_SYSCALL, child, 0, 0), 0);
	EXPECT_STATUS(child, CALL_STOP);
}

static long get(pid_t child, unsigned long set, void *to, size_t *size)
{
	struct iovec range = {to, *size};
	long result = trace_to(PTRACE_GETREGSET, child, set, &range);

	*size = range.iov_len;
	return result;
}

static long put(pid_t child, unsigned long set, void *from, size_t size)
{
	struct iovec range = {from, size};

	return trace_to(PTRACE_SETREGSET, child, set, &range);
}

static void check_sizes(void)
{
	static unsigned char image[LARGEST];
	pid_t child = start_stopped();
	struct iovec range = {image, 8};
	size_t size = LARGEST;

	CHECK_EQ(get(child, NT_PRSTATUS, image, &size), 0);
	CHECK_EQ(size, sizeof(struct user_regs_struct));
	size = 16;
	memset(image, 0xaa, sizeof(image));
	CHECK_EQ(get(child, NT_PRSTATUS, image, &size), 0);
	CHECK_EQ(size, 16);
	CHECK_EQ(image[16], 0xaa);
	size = 9;
	CHECK_ERRNO(get(child, NT_PRSTATUS, image, &size), EINVAL);
	size = 8;
	CHECK_ERRNO(get(child, NO_SUCH_SET, image, &size), EINVAL);
	CHECK_ERRNO(get(child, NT_PRSTATUS, KERNEL_ADDRESS, &size), EFAULT);
	CHECK_ERRNO(trace_to(PTRACE_GETREGSET, child, NT_PRSTATUS, KERNEL_ADDRESS),
		    EFAULT);
	CHECK_ERRNO(put(child, NT_PRSTATUS, KERNEL_ADDRESS, 8), EFAULT);
	CHECK_EQ(trace_to(PTRACE_SETREGSET, child, NT_PRSTATUS, &range), 0);
	size = LARGEST;
	CHECK_EQ(get(child, NT_PRFPREG, image, &size), 0);
#if defined(__x86_64__)
	CHECK_EQ(size, 512);
	CHECK_EQ(trace_to(PTRACE_GETREGS, child, 0, image), 0);
	CHECK_EQ(trace_to(PTRACE_GETFPREGS, child, 0, image), 0);
#elif defined(__aarch64__)
	CHECK_EQ(size, 528);
	size = LARGEST;
	CHECK_EQ(get(child, NT_ARM_TLS, image, &size), 0);
	CHECK(size >= 8);
#else
	CHECK_EQ(size, 264);
#endif
	end_child(child);
	ok("sizes");
}

#ifdef __x86_64__
static void check_one(pid_t child, size_t offset, unsigned long value, int wanted)
{
	struct user_regs_struct registers, after;

	CHECK_EQ(trace_to(PTRACE_GETREGS, child, 0, &registers), 0);
	if (wanted) {
		CHECK_ERRNO(trace(PTRACE_POKEUSR, child, offset, value), wanted);
		*(unsigned long *)((char *)&registers + offset) = value;
		CHECK_ERRNO(trace_to(PTRACE_SETREGS, child, 0, &registers), wanted);
	} else {
		CHECK_EQ(trace(PTRACE_POKEUSR, child, offset, value), 0);
		CHECK_EQ(trace_to(PTRACE_GETREGS, child, 0, &after), 0);
		CHECK_EQ(*(unsigned long *)((char *)&after + offset), value);
		CHECK_EQ(trace_to(PTRACE_SETREGS, child, 0, &registers), 0);
	}
}

#	define REGISTER(name) offsetof(struct user_regs_struct, name)

static void check_refused(void)
{
	pid_t child = start_stopped();
	struct user_regs_struct registers;
	unsigned char image[512];
	unsigned long value;
	unsigned bad = ~0u;

	check_one(child, REGISTER(cs), 0x10, EIO);
	check_one(child, REGISTER(cs), 0, EIO);
	check_one(child, REGISTER(ss), 0x18, EIO);
	check_one(child, REGISTER(fs_base), 1ul << 63, EIO);
	check_one(child, REGISTER(gs_base), 1ul << 47, EIO);
	check_one(child, REGISTER(fs_base), 0x123450000, 0);
	check_one(child, REGISTER(gs_base), 0x123450000, 0);
	check_one(child, REGISTER(r15), ~0ul, 0);
	check_one(child, REGISTER(rsp), 1ul << 63, 0);
	CHECK_EQ(trace(PTRACE_POKEUSR, child, REGISTER(eflags), ~0ul), 0);
	CHECK_EQ(trace_to(PTRACE_GETREGS, child, 0, &registers), 0);
	CHECK_EQ(registers.eflags & ~0x54dd5ul, 0x202); // what is not the program's stays
	CHECK_EQ(trace(PTRACE_POKEUSR, child, REGISTER(eflags), 0x202), 0);
	CHECK_ERRNO(trace_to(PTRACE_PEEKUSR, child, 4, &value), EIO);
	CHECK_ERRNO(trace_to(PTRACE_PEEKUSR, child, sizeof(struct user) + 16, &value),
		    EIO);
	CHECK_ERRNO(trace_to(PTRACE_PEEKUSR, child, -8ul, &value), EIO);
	CHECK_EQ(trace_to(PTRACE_PEEKUSR, child, REGISTER(orig_rax), &value), 0);
	CHECK_EQ(trace_to(PTRACE_GETFPREGS, child, 0, image), 0);
	memcpy(image + 24, &bad, sizeof(bad)); // MXCSR
	CHECK_ERRNO(trace_to(PTRACE_SETFPREGS, child, 0, image), EINVAL);
	end_child(child);
	ok("refused");
}
#elif defined(__aarch64__)
static void check_refused(void)
{
	pid_t child = start_stopped();
	struct user_regs_struct registers;
	size_t size = sizeof(registers);

	CHECK_EQ(get(child, NT_PRSTATUS, &registers, &size), 0);
	registers.pstate |= 5; // EL1
	CHECK_ERRNO(put(child, NT_PRSTATUS, &registers, size), EINVAL);
	registers.pstate &= ~5ul;
	registers.pstate |= 0x80; // interrupts off
	CHECK_ERRNO(put(child, NT_PRSTATUS, &registers, size), EINVAL);
	end_child(child);
	ok("refused");
}
#else
static void check_refused(void)
{
}
#endif

/* ---- what is set stays ---- */

static unsigned seed = 1;

static unsigned draw(void)
{
	seed = seed * 1103515245u + 12345u;
	return seed >> 16;
}

static void fill(unsigned char *image, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		image[i] = (unsigned char)draw();
	}
}

/* The vectors alone, by byte. */
#if defined(__x86_64__)
enum { VECTORS_AT = 160, VECTORS_SIZE = 256 };
#elif defined(__aarch64__)
enum { VECTORS_AT = 0, VECTORS_SIZE = 512 };
#else
enum { VECTORS_AT = 0, VECTORS_SIZE = 256 };
#endif

static void check_vectors_stay(void)
{
	static unsigned char image[LARGEST], after[LARGEST];
	pid_t child = start_stopped();
	size_t size = LARGEST;

	next_call(child);
	for (int i = 0; i < 5; i++) {
		CHECK_EQ(get(child, NT_PRFPREG, image, &size), 0);
		fill(image + VECTORS_AT, VECTORS_SIZE);
		CHECK_EQ(put(child, NT_PRFPREG, image, size), 0);
		next_call(child);
		next_call(child);
		next_call(child);
		CHECK_EQ(get(child, NT_PRFPREG, after, &size), 0);
		CHECK_EQ(memcmp(image + VECTORS_AT, after + VECTORS_AT, VECTORS_SIZE), 0);
	}
	end_child(child);
	ok("vectors");
}

/* ---- anything at all ---- */

/* What it does then nobody knows: it has no rights, and not on the host. */
static void be_spoilt(void)
{
	CHECK_EQ(syscall(SYS_setresgid, 65534, 65534, 65534), 0);
	CHECK_EQ(syscall(SYS_setresuid, 65534, 65534, 65534), 0);
	call_for_good();
}

static void spoil(pid_t child, unsigned long set)
{
	static unsigned char image[LARGEST];
	size_t size = LARGEST;

	if (get(child, set, image, &size)) {
		return;
	}
	for (unsigned count = 1 + draw() % 6; count; count--) {
		size_t at = (draw() % (size / 4)) * 4;

		switch (draw() % 4) {
		case 0:
			fill(image + at, 4);
			break;
		case 1:
			memset(image + at, 0xff, 4);
			break;
		case 2:
			memset(image + at, 0, 4);
			break;
		default:
			image[at + 3] ^= 0x80;
		}
	}
	(void)put(child, set, image, size);
}

static void grow_impatient(int signal)
{
	(void)signal;
}

static void be_impatient_every(suseconds_t microseconds)
{
	struct timeval after = {.tv_usec = microseconds};

	CHECK_EQ(setitimer(ITIMER_REAL, &(struct itimerval){after, after}, NULL), 0);
}

/* A call of any number may be one that sleeps, such as read(2) of the console: a signal ends that. */
static int await_spoilt(pid_t child)
{
	int status;
	pid_t found;

	be_impatient_every(200000);
	while ((found = waitpid(child, &status, __WALL)) < 0 && errno == EINTR) {
		kill(child, SIGSTOP);
	}
	be_impatient_every(0);
	CHECK_EQ(found, child);
	return status;
}

static void spoil_one(void)
{
	static const unsigned long sets[] = {NT_PRSTATUS, NT_PRSTATUS, NT_PRFPREG,
					     0x202,       0x401,       0x404};
	static const int ways[] = {PTRACE_SYSCALL, PTRACE_CONT, PTRACE_SINGLESTEP};
	pid_t child = start_child(be_spoilt);
	int status = 0;

	EXPECT_STATUS(child, STOPPED_BY(SIGSTOP));
	for (unsigned i = 0; i < 6; i++) {
		spoil(child, sets[draw() % 6]);
		if (trace(ways[i < 5 ? 0 : draw() % 3], child, 0, 0) && errno == EIO) {
			CHECK_EQ(trace(PTRACE_SYSCALL, child, 0, 0), 0);
		}
		if (i == 5) {
			break; // it may go on for good
		}
		status = await_spoilt(child);
		if (!WIFSTOPPED(status)) {
			return;
		}
	}
	kill(child, SIGKILL);
	while (waitpid(child, &status, __WALL) == child && WIFSTOPPED(status)) {
	}
}

int main(void)
{
	const char *soak = getenv("HEDDLE_SOAK");
	int rounds = 60 * (soak ? atoi(soak) : 1);

	if (getenv("HEDDLE_SEED")) {
		seed = (unsigned)atoi(getenv("HEDDLE_SEED"));
	}
	check_sizes();
	check_refused();
	check_vectors_stay();
	CHECK_EQ(sigaction(SIGALRM, &(struct sigaction){.sa_handler = grow_impatient},
			   NULL),
		 0);
	for (int i = 0; i < rounds && getenv("HEDDLE_TEST_GUEST"); i++) {
		spoil_one();
	}
	ok("anything");
	return 0;
}
