// SPDX-License-Identifier: MIT
/*
 * C1: what clone and clone3 refuse: sizes of the structure, unknown flags, flags that contradict each
 * other, exit signals, stacks, thread pointers, lists of wanted numbers, cgroups, pidfds. Each with
 * Linux's errno, no child left behind and no descriptor taken.
 */
#include "raw.h"
#include <sys/resource.h>

#ifndef CLONE_INTO_CGROUP
#	define CLONE_INTO_CGROUP 0x200000000ULL
#endif
#ifndef CLONE_NEWTIME
#	define CLONE_NEWTIME 0x00000080
#endif

enum { PAGE = 4096, NOBODY = 65534 };

static char child_stack[65536] __attribute__((aligned(16)));

static int end_with_seven(void *unused)
{
	(void)unused;
	return 7;
}

/* clone3 of `size` bytes at `args`. A child that should not be ends at once. */
static long call(void *args, size_t size)
{
	long result = syscall(SYS_clone3, args, size);

	if (result == 0) {
		_exit(0);
	}
	return result;
}

static void expect_no_child(void)
{
	CHECK_ERRNO(waitpid(-1, NULL, __WALL), ECHILD);
}

static void refuse(struct clone_args args, int wanted)
{
	CHECK_ERRNO(call(&args, sizeof(args)), wanted);
	expect_no_child();
}

static void accept_call(void *args, size_t size)
{
	int status;
	long child = call(args, size);

	CHECK(child > 0);
	CHECK_EQ(waitpid((pid_t)child, &status, __WALL), child);
	CHECK_EQ(status, 0);
}

/* ---- the structure ---- */

static void check_sizes(void)
{
	char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct clone_args *args = (struct clone_args *)pages;
	static const size_t refused[] = {0, 1, 8, 63, 4097, 8192, (size_t)-1};
	static const size_t taken[] = {64, 65, 72, 80, 81, 88, 89, 96, 128, 4095, 4096};

	CHECK(pages != MAP_FAILED);
	args->exit_signal = SIGCHLD;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		CHECK_ERRNO(call(args, refused[i]), refused[i] < 64 ? EINVAL : E2BIG);
	}
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		accept_call(args, taken[i]);
	}
	// Every byte of the tail is looked at, and only those.
	for (size_t at = 88; at < PAGE; at += at < 200 ? 1 : 131) {
		pages[at] = 1;
		CHECK_ERRNO(call(args, PAGE), E2BIG);
		CHECK_ERRNO(call(args, at + 1), E2BIG);
		accept_call(args, at);
		pages[at] = 0;
	}
	pages[PAGE - 1] = 1;
	CHECK_ERRNO(call(args, PAGE), E2BIG);
	expect_no_child();
	CHECK_EQ(munmap(pages, 2 * PAGE), 0);
	ok("sizes");
}

static void check_addresses(void)
{
	char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct clone_args args = {.exit_signal = SIGCHLD};

	CHECK(pages != MAP_FAILED);
	CHECK_EQ(munmap(pages + PAGE, PAGE), 0);
	memcpy(pages + PAGE - 64, &args, 64);
	CHECK_ERRNO(call(pages + PAGE - 64, 80), EFAULT);
	CHECK_ERRNO(call(pages + PAGE - 64, 4096), EFAULT);
	CHECK_ERRNO(call(pages + PAGE - 63, 64), EFAULT);
	accept_call(pages + PAGE - 64, 64);
	CHECK_ERRNO(call(NULL, 64), EFAULT);
	CHECK_ERRNO(call(UNMAPPED_ADDRESS, 88), EFAULT);
	CHECK_ERRNO(call(KERNEL_ADDRESS, 88), EFAULT);
	CHECK_ERRNO(call(NON_CANONICAL, 88), EFAULT);
	// The size is looked at before the address.
	CHECK_ERRNO(call(NULL, 63), EINVAL);
	CHECK_ERRNO(call(NULL, 4097), E2BIG);
	expect_no_child();
	CHECK_EQ(munmap(pages, PAGE), 0);
	ok("addresses");
}

/* ---- flags ---- */

static void check_unknown_flags(void)
{
	for (int bit = 40; bit < 64; bit++) {
		refuse((struct clone_args){.flags = 1ull << bit, .exit_signal = SIGCHLD},
		       EINVAL);
	}
	for (int bit = 0; bit < 8; bit++) {
		if (1 << bit != CLONE_NEWTIME) { // the old call has its signal there
			refuse((struct clone_args){.flags = 1ull << bit}, EINVAL);
		}
	}
	refuse((struct clone_args){.flags = CLONE_DETACHED, .exit_signal = SIGCHLD},
	       EINVAL);
	refuse((struct clone_args){.flags = SIGCHLD}, EINVAL);
	ok("unknown_flags");
}

static const uint64_t contradictions[] = {
	CLONE_THREAD,
	CLONE_THREAD | CLONE_VM,
	CLONE_THREAD | CLONE_SIGHAND,
	CLONE_SIGHAND,
	CLONE_SIGHAND | CLONE_FILES | CLONE_FS,
	CLONE_FS | CLONE_NEWNS,
	CLONE_FS | CLONE_NEWUSER,
	CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_NEWUSER,
	CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_NEWPID,
	CLONE_NEWIPC | CLONE_SYSVSEM,
};

static void check_contradictions(void)
{
	for (size_t i = 0; i < sizeof(contradictions) / sizeof(contradictions[0]); i++) {
		uint64_t flags = contradictions[i];
		uint64_t signal = flags & CLONE_THREAD ? 0 : SIGCHLD;

		refuse((struct clone_args){.flags = flags, .exit_signal = signal},
		       EINVAL);
		CHECK_ERRNO(syscall(SYS_clone, flags | signal, 0, 0, 0, 0), EINVAL);
		CHECK_ERRNO(syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0), EINVAL);
	}
	refuse((struct clone_args){.flags =
					   CLONE_VM | CLONE_SIGHAND | CLONE_CLEAR_SIGHAND,
				   .exit_signal = SIGCHLD},
	       EINVAL);
	refuse((struct clone_args){.flags = CLONE_SIGHAND | CLONE_CLEAR_SIGHAND,
				   .exit_signal = SIGCHLD},
	       EINVAL);
	expect_no_child();
	ok("contradictions");
}

static void check_exit_signals(void)
{
	static const uint64_t wild[] = {65,         100,        127,
					128,        255,        256,
					1ull << 31, 1ull << 32, SIGCHLD | 1ull << 40,
					~0ull};
	int status;
	long child;

	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		refuse((struct clone_args){.exit_signal = wild[i]}, EINVAL);
	}
	refuse((struct clone_args){.flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM,
				   .exit_signal = SIGCHLD},
	       EINVAL);
	refuse((struct clone_args){.flags = CLONE_PARENT, .exit_signal = SIGCHLD},
	       EINVAL);
	// The old call takes any byte for a signal; one that is none is not sent.
	for (int signal = 65; signal < 256; signal += 38) {
		child = syscall(SYS_clone, signal, 0, 0, 0, 0);
		if (child == 0) {
			_exit(3);
		}
		CHECK(child > 0);
		CHECK_EQ(waitpid((pid_t)child, &status, __WALL), child);
		CHECK_EQ(status, 3 << 8);
	}
	ok("exit_signals");
}

/* ---- stack and thread pointer ---- */

static void check_stack_fields(void)
{
	const struct {
		uint64_t stack, size;
	} wild[] = {
		{0x1000, 0},
		{0, 0x1000},
		{0, ~0ull},
		{0x1000, ~0ull},
		{0x1000, ~0ull - 0x1000},
		{0xffff800000000000, 4096},
		{0x8000000000000000, 4096},
		{~0ull, 1},
		{USER_TOP, 0x10000},
	};

	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		refuse((struct clone_args){.flags = CLONE_VM,
					   .exit_signal = SIGCHLD,
					   .stack = wild[i].stack,
					   .stack_size = wild[i].size},
		       EINVAL);
	}
	ok("stack_fields");
}

/* A stack nobody has mapped is the child's own trouble: its first push ends it, and nobody else. */
static void check_unmapped_stacks(void)
{
	const uint64_t places[] = {0x10000, (USER_TOP - 1) & ~0xfffffffful};
	int status;

	for (size_t i = 0; i < 2; i++) {
		struct clone_args args = {
			.exit_signal = SIGCHLD, .stack = places[i], .stack_size = 4096};
		long child = clone3_call(&args, sizeof(args), end_with_seven, NULL);

		CHECK(child > 0);
		CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	}
	ok("unmapped_stacks");
}

static long clone_with_tls(uint64_t tls)
{
	struct clone_args args = {
		.flags = CLONE_SETTLS,
		.exit_signal = SIGCHLD,
		.tls = tls,
		.stack = (uintptr_t)child_stack,
		.stack_size = sizeof(child_stack),
	};

	return clone3_call(&args, sizeof(args), end_with_seven, NULL);
}

static void check_thread_pointers(void)
{
	int status;
	long child;

#ifdef __x86_64__ /* elsewhere any value will do */
	CHECK_EQ(clone_with_tls(0x8000000000000000), -EPERM);
	CHECK_EQ(clone_with_tls(0xffff800000000000), -EPERM);
	CHECK_EQ(clone_with_tls(0x7ffffffff000), -EPERM);
	CHECK_EQ(clone_with_tls(~0ull), -EPERM);
	expect_no_child();
#endif
	child = clone_with_tls(0x10); // nothing there, but it could be
	CHECK(child > 0);
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(status, 7 << 8);
	ok("thread_pointers");
}

/* ---- pidfds and numbers written to memory ---- */

static int lowest_descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY);

	CHECK(fd >= 0);
	close(fd);
	return fd;
}

static void check_pidfds(void)
{
	int before = lowest_descriptor(), word = -1;
	struct clone_args args = {.flags = CLONE_PIDFD | CLONE_PARENT_SETTID,
				  .exit_signal = SIGCHLD,
				  .pidfd = (uintptr_t)&word,
				  .parent_tid = (uintptr_t)&word};
	struct rlimit limit, none;

	refuse(args, EINVAL); // both into one place
	args.flags = CLONE_PIDFD | CLONE_DETACHED;
	refuse(args, EINVAL);
	args.flags = CLONE_PIDFD;
	args.pidfd = (uintptr_t)UNMAPPED_ADDRESS;
	refuse(args, EFAULT);
	args.pidfd = (uintptr_t)KERNEL_ADDRESS;
	refuse(args, EFAULT);
	CHECK_ERRNO(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0,
			    &word, 0, 0),
		    EINVAL);
	CHECK_ERRNO(syscall(SYS_clone, CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, 0, &word,
			    0, 0),
		    EINVAL);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){.rlim_cur = (rlim_t)before, .rlim_max = limit.rlim_max};
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	args.pidfd = (uintptr_t)&word;
	refuse(args, EMFILE);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_EQ(lowest_descriptor(), before);
	CHECK_EQ(word, -1);
	ok("pidfds");
}

/* Where the numbers go is not checked: a bad place costs the caller the number, not the child its life. */
static void check_number_places(void)
{
	struct clone_args args = {
		.flags = CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID,
		.exit_signal = SIGCHLD,
		.parent_tid = (uintptr_t)UNMAPPED_ADDRESS,
		.child_tid = (uintptr_t)UNMAPPED_ADDRESS,
	};

	accept_call(&args, sizeof(args));
	args.parent_tid = args.child_tid = (uintptr_t)KERNEL_ADDRESS;
	accept_call(&args, sizeof(args));
	args.parent_tid = args.child_tid = (uintptr_t)NON_CANONICAL;
	accept_call(&args, sizeof(args));
	ok("number_places");
}

/* ---- wanted numbers ---- */

static struct clone_args wanting(const pid_t *list, uint64_t count)
{
	return (struct clone_args){.exit_signal = SIGCHLD,
				   .set_tid = (uintptr_t)list,
				   .set_tid_size = count};
}

/* How many pid namespaces this process is in: the fields of NSpid. */
static int pid_levels(void)
{
	char text[4096], *at;
	int fd = open("/proc/self/status", O_RDONLY), levels = 0;
	ssize_t length = read(fd, text, sizeof(text) - 1);

	close(fd);
	CHECK(length > 0);
	text[length] = 0;
	at = strstr(text, "\nNSpid:");
	CHECK(at != NULL);
	for (at += 7; *at && *at != '\n'; at++) {
		levels += *at == '\t';
	}
	return levels;
}

static int maximum_number(void)
{
	char text[32] = {0};
	int fd = open("/proc/sys/kernel/pid_max", O_RDONLY);

	CHECK(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return atoi(text);
}

static void check_number_lists(void)
{
	pid_t list[40];

	for (int i = 0; i < 40; i++) {
		list[i] = 1;
	}
	refuse(wanting(list, 0), EINVAL);
	refuse(wanting(NULL, 1), EINVAL);
	refuse(wanting(list, 33), EINVAL);
	refuse(wanting(list, 1ull << 32), EINVAL);
	refuse(wanting(list, ~0ull), EINVAL);
	refuse(wanting(UNMAPPED_ADDRESS, 1), EFAULT);
	refuse(wanting(KERNEL_ADDRESS, 1), EFAULT);
	refuse(wanting(list, (uint64_t)pid_levels() + 1), EINVAL);
	refuse(wanting(list, 32), EINVAL);
	for (int i = 0; i < 5; i++) {
		list[0] = (const pid_t[]){0, -1, INT32_MIN, INT32_MAX, 1 << 22}[i];
		refuse(wanting(list, 1), EINVAL);
	}
	list[0] = maximum_number();
	refuse(wanting(list, 1), EINVAL);
	list[0] = 1;
	refuse(wanting(list, 1), EEXIST);
	list[0] = getpid();
	refuse(wanting(list, 1), EEXIST);
	// A list that is none is noticed before the flags are looked at.
	struct clone_args args = wanting(UNMAPPED_ADDRESS, 1);
	args.flags = CLONE_THREAD;
	refuse(args, EFAULT);
	ok("number_lists");
}

static void check_number_of_zombie(void)
{
	pid_t zombie = fork(), list[1];
	struct clone_args args;
	siginfo_t info;
	int status;
	long child;

	CHECK(zombie >= 0);
	if (zombie == 0) {
		_exit(0);
	}
	CHECK_EQ(waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT), 0);
	list[0] = zombie;
	args = wanting(list, 1);
	CHECK_ERRNO(call(&args, sizeof(args)), EEXIST);
	CHECK_EQ(waitpid(zombie, &status, 0), zombie);
	child = call(&args, sizeof(args)); // free again
	CHECK_EQ(child, zombie);
	CHECK_EQ(waitpid(zombie, &status, 0), zombie);
	ok("number_of_zombie");
}

static void want_unprivileged(void)
{
	struct clone_args args;
	pid_t list[1] = {maximum_number() - 2};

	CHECK_EQ(setgid(NOBODY), 0);
	CHECK_EQ(setuid(NOBODY), 0);
	args = wanting(list, 1);
	refuse(args, EPERM);
	list[0] = 0;
	refuse(args, EINVAL); // the number is looked at first
	for (int i = 0; i < 2; i++) {
		args = (struct clone_args){.exit_signal = SIGCHLD};
		args.flags = (const uint64_t[]){CLONE_NEWUTS, CLONE_NEWPID}[i];
		refuse(args, EPERM);
	}
}

static void check_unprivileged(void)
{
	if (geteuid() != 0) {
		return;
	}
	must_pass_in_child(want_unprivileged);
	ok("unprivileged");
}

/* ---- cgroups: none of these descriptors is one ---- */

static void check_cgroups(void)
{
	int null = open("/dev/null", O_RDONLY), folder = open("/", O_RDONLY);
	struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD};

	args.cgroup = 9999;
	refuse(args, EBADF);
	args.cgroup = (uint64_t)null;
	refuse(args, EBADF);
	args.cgroup = (uint64_t)folder;
	refuse(args, EBADF);
	args.cgroup = ~0ull;
	refuse(args, EINVAL);
	args.cgroup = 1ull << 31;
	refuse(args, EINVAL);
	args.cgroup = (uint64_t)null;
	CHECK_ERRNO(call(&args, 80), EINVAL); // the field is not in the structure
	CHECK_ERRNO(call(&args, 64), EINVAL);
	expect_no_child();
	close(null);
	close(folder);
	ok("cgroups");
}

int main(void)
{
	check_sizes();
	check_addresses();
	check_unknown_flags();
	check_contradictions();
	check_exit_signals();
	check_stack_fields();
	check_unmapped_stacks();
	check_thread_pointers();
	check_pidfds();
	check_number_places();
	check_number_lists();
	check_number_of_zombie();
	check_unprivileged();
	check_cgroups();
	return 0;
}
