// SPDX-License-Identifier: MIT
/*
 * C7: resource limits: setting them, on others too, and who may; inheritance; descriptors, processes, address space, data,
 * file sizes, pending signals and CPU time are held to them.
 * deadline: 40
 * libc: musl
 */
#include "raw.h"
#include <linux/capability.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

static char self[512];

static void set_limit(int resource, rlim_t soft, rlim_t hard)
{
	struct rlimit limit = {soft, hard};

	CHECK_EQ(setrlimit(resource, &limit), 0);
}

static void expect_limit(int resource, rlim_t soft, rlim_t hard)
{
	struct rlimit limit;

	CHECK_EQ(getrlimit(resource, &limit), 0);
	CHECK_EQ(limit.rlim_cur, soft);
	CHECK_EQ(limit.rlim_max, hard);
}

static bool may_raise_limits(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	CHECK_EQ(syscall(SYS_capget, &header, data), 0);
	return data[0].effective >> CAP_SYS_RESOURCE & 1;
}

static long prlimit_call(pid_t pid, int resource, const void *fresh, void *old)
{
	return syscall(SYS_prlimit64, pid, resource, fresh, old);
}

/* ---- the calls ---- */

static void bad_calls(void)
{
	struct rlimit limit = {10, 5};

	CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &limit), EINVAL);
	CHECK_ERRNO(syscall(SYS_setrlimit, 16, &limit), EINVAL);
	CHECK_ERRNO(syscall(SYS_getrlimit, 16, &limit), EINVAL);
	CHECK_ERRNO(syscall(SYS_getrlimit, -1, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_getrlimit, RLIMIT_CPU, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_getrlimit, RLIMIT_CPU, KERNEL_ADDRESS), EFAULT);
	CHECK_ERRNO(syscall(SYS_setrlimit, 99, NULL), EFAULT);
	CHECK_ERRNO(prlimit_call(0, 16, NULL, NULL), EINVAL);
	CHECK_EQ(prlimit_call(0, RLIMIT_CPU, NULL, NULL), 0);
	CHECK_ERRNO(prlimit_call(-1, RLIMIT_CPU, NULL, NULL), ESRCH);
	CHECK_ERRNO(prlimit_call(-1, 16, UNMAPPED_ADDRESS, NULL), EFAULT);
	CHECK_ERRNO(prlimit_call(-1, 16, NULL, NULL), ESRCH);
	CHECK_ERRNO(prlimit_call(0, RLIMIT_CPU, NULL, NON_CANONICAL), EFAULT);
	limit = (struct rlimit){0, 1u << 31};
	CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &limit), EPERM); // above nr_open
	limit = (struct rlimit){100, 200};
	CHECK_ERRNO(prlimit_call(0, RLIMIT_CORE, &limit, KERNEL_ADDRESS), EFAULT);
	expect_limit(RLIMIT_CORE, 100, 200); // it was set before
}

static void *see_limit(void *unused)
{
	expect_limit(RLIMIT_CORE, 11, 22);
	set_limit(RLIMIT_CORE, 12, 22);
	return unused;
}

static void see_in_child(void)
{
	char *arguments[] = {self, "core", NULL};

	expect_limit(RLIMIT_CORE, 12, 22);
	execv(self, arguments);
	_exit(99);
}

static void inheritance(void)
{
	set_limit(RLIMIT_CORE, 11, 22);
	join_thread(start_thread(see_limit, NULL)); // one set for all threads
	must_pass_in_child(see_in_child);
}

static void become(uid_t uid)
{
	CHECK_EQ(setresgid(uid, uid, uid), 0);
	CHECK_EQ(setresuid(uid, uid, uid), 0);
}

static void without_privilege(void)
{
	struct rlimit limit = {10, 21};

	set_limit(RLIMIT_CORE, 11, 22);
	become(1000);
	CHECK_EQ(setrlimit(RLIMIT_CORE, &limit), 0);
	limit.rlim_max = 22;
	CHECK_ERRNO(setrlimit(RLIMIT_CORE, &limit), EPERM); // what is given up is gone
	expect_limit(RLIMIT_CORE, 10, 21);
	set_limit(RLIMIT_CORE, 21, 21);
}

static pid_t child_as(uid_t uid, gid_t gid, int *hold)
{
	int ready[2], stay[2];
	char byte;
	pid_t child;

	CHECK_EQ(pipe(ready), 0);
	CHECK_EQ(pipe(stay), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		close(stay[1]);
		CHECK_EQ(setresgid(gid, gid, gid), 0);
		CHECK_EQ(setresuid(uid, uid, uid), 0);
		CHECK_EQ(write(ready[1], "r", 1), 1);
		CHECK_EQ(read(stay[0], &byte, 1), 0);
		expect_limit(RLIMIT_CORE, 33, 44);
		_exit(0);
	}
	close(stay[0]);
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	*hold = stay[1];
	return child;
}

static void of_others(void)
{
	struct rlimit limit = {33, 44}, old;
	pid_t own, stranger, group;
	int holds[3];
	pid_t init = getppid();

	set_limit(RLIMIT_CORE, 11, 55);
	own = child_as(1000, 1000, &holds[0]);
	stranger = child_as(1001, 1000, &holds[1]);
	group = child_as(1000, 1001, &holds[2]);
	if (may_raise_limits()) {
		CHECK_EQ(prlimit_call(stranger, RLIMIT_CORE, &limit, &old), 0);
		CHECK(old.rlim_cur == 11 && old.rlim_max == 55);
		CHECK_EQ(prlimit_call(group, RLIMIT_CORE, &limit, NULL), 0);
	} else {
		kill(stranger, SIGKILL);
		kill(group, SIGKILL);
	}
	become(1000);
	CHECK_EQ(prlimit_call(own, RLIMIT_CORE, &limit, &old), 0);
	CHECK(old.rlim_cur == 11 && old.rlim_max == 55);
	limit.rlim_max = 50;
	CHECK_ERRNO(prlimit_call(own, RLIMIT_CORE, &limit, NULL), EPERM);
	CHECK_ERRNO(prlimit_call(stranger, RLIMIT_CORE, NULL, &old), EPERM);
	CHECK_ERRNO(prlimit_call(group, RLIMIT_CORE, NULL, &old), EPERM);
	CHECK_ERRNO(prlimit_call(init, RLIMIT_CORE, NULL, &old), EPERM);
	CHECK_ERRNO(prlimit_call(stranger, 99, NULL, &old), EPERM);
	for (int i = 0; i < 3; i++) {
		close(holds[i]); // the younger ones have it too
	}
	for (int i = 0; i < 3; i++) {
		int status;

		CHECK(wait(&status) > 0);
		CHECK(status == 0 || status == SIGKILL);
	}
}

static void check_calls(void)
{
	must_pass_in_child(bad_calls);
	must_pass_in_child(inheritance);
	must_pass_in_child(without_privilege);
	must_pass_in_child(of_others);
	ok("calls");
}

/* ---- NOFILE ---- */

static void descriptors(void)
{
	struct pollfd polls[9] = {{.fd = -1}, {.fd = -1}, {.fd = -1},
				  {.fd = -1}, {.fd = -1}, {.fd = -1},
				  {.fd = -1}, {.fd = -1}, {.fd = -1}};
	int pair[2] = {-1, -1}, high;

	syscall(SYS_close_range, 3, ~0u, 0);
	high = fcntl(0, F_DUPFD, 50);
	CHECK_EQ(high, 50);
	set_limit(RLIMIT_NOFILE, 8, 4096);
	CHECK_EQ(fcntl(high, F_GETFD), 0); // stays open
	CHECK_EQ(dup2(high, high), high);
	CHECK_ERRNO(dup2(0, high), EBADF);
	CHECK_ERRNO(dup2(0, 8), EBADF);
	CHECK_ERRNO(dup2(0, -1), EBADF);
	CHECK_ERRNO(dup3(0, 8, 0), EBADF);
	CHECK_ERRNO(dup3(0, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_dup3, 0, 7, O_APPEND), EINVAL);
	CHECK_ERRNO(dup2(70, 7), EBADF);
	CHECK_ERRNO(fcntl(0, F_DUPFD, 8), EINVAL);
	CHECK_ERRNO(fcntl(0, F_DUPFD, -1), EINVAL);
	CHECK_ERRNO(fcntl(0, F_DUPFD_CLOEXEC, 8), EINVAL);
	CHECK_EQ(dup2(0, 7), 7);
	CHECK_ERRNO(fcntl(0, F_DUPFD, 7), EMFILE);
	for (int fd = 3; fd < 7; fd++) {
		CHECK_EQ(dup(0), fd);
	}
	CHECK_ERRNO(dup(0), EMFILE);
	CHECK_ERRNO(open("/", O_RDONLY), EMFILE);
	CHECK_ERRNO(open("/not there", O_RDONLY), EMFILE);
	CHECK_EQ(dup2(0, 5), 5); // replacing needs no new one
	close(5);
	CHECK_ERRNO(pipe(pair), EMFILE); // room for one: none is taken
	CHECK_ERRNO(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), EMFILE);
	CHECK_EQ(pair[0], -1);
	CHECK_EQ(open("/", O_RDONLY), 5);
	CHECK_EQ(poll(polls, 8, 0), 0);
	CHECK_ERRNO(poll(polls, 9, 0), EINVAL);
	set_limit(RLIMIT_NOFILE, 0, 4096);
	CHECK_ERRNO(dup2(0, 1), EBADF);
	close(5);
	CHECK_ERRNO(dup(0), EMFILE);
	CHECK_EQ(write(1, "", 0), 0);
}

/* ---- NPROC ---- */

static void processes(void)
{
	char *arguments[] = {self, "none", NULL};
	pid_t child;
	int go[2], ready[2];
	char byte;

	CHECK_EQ(pipe(go), 0);
	CHECK_EQ(pipe(ready), 0);
	set_limit(RLIMIT_NPROC, 2, 2);
	child = fork(); // root may
	CHECK(child >= 0);
	if (child == 0) {
		close(go[1]);
		become(4321);
		CHECK_EQ(write(ready[1], "r", 1), 1);
		CHECK_EQ(read(go[0], &byte, 1), 0);
		_exit(0);
	}
	become(4321);
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	CHECK(fork() == -1 && errno == EAGAIN); // two there are
	CHECK(vfork() == -1 && errno == EAGAIN);
	close(go[1]);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		execv(self, arguments);
		_exit(99);
	}
	int status;

	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

/* ---- memory ---- */

static void *map(size_t size, int protect, int flags)
{
	return mmap(NULL, size, protect, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static void address_space(void)
{
	const size_t part = 1 << 20;
	char *first = map(part, PROT_READ | PROT_WRITE, 0);
	char *end = sbrk(0);

	CHECK(first != MAP_FAILED);
	set_limit(RLIMIT_AS, part, RLIM_INFINITY); // less than there is already
	first[1] = 1;
	CHECK(map(4096, PROT_NONE, 0) == MAP_FAILED && errno == ENOMEM);
	CHECK(map(4096, PROT_READ, MAP_NORESERVE) == MAP_FAILED && errno == ENOMEM);
	CHECK_EQ(syscall(SYS_brk, end + (64 << 10)), (long)end);
	CHECK(mremap(first, part, 2 * part, MREMAP_MAYMOVE) == MAP_FAILED);
	CHECK_EQ(errno, ENOMEM);
	CHECK_EQ(mprotect(first, part, PROT_READ), 0);
	CHECK(mmap(first, part, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		   0) == first ||
	      errno == ENOMEM);
	CHECK_EQ(munmap(first, part), 0);
	set_limit(RLIMIT_AS, RLIM_INFINITY, RLIM_INFINITY);
	CHECK(map(part, PROT_READ, 0) != MAP_FAILED);
}

static void data_size(void)
{
	const size_t part = 1 << 20;
	char *end = sbrk(0);
	char *there = map(part, PROT_READ, 0);

	set_limit(RLIMIT_DATA, 4096, RLIM_INFINITY);
	CHECK(map(4096, PROT_READ | PROT_WRITE, 0) == MAP_FAILED && errno == ENOMEM);
	CHECK(map(4096, PROT_READ, 0) != MAP_FAILED);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		   0) != MAP_FAILED);
	CHECK_ERRNO(mprotect(there, part, PROT_READ | PROT_WRITE), ENOMEM);
	CHECK_EQ(syscall(SYS_brk, end + (64 << 10)), (long)end);
}

static char deep(int pages)
{
	volatile char page[4096];

	page[0] = page[4095] = (char)pages;
	return (char)(pages ? deep(pages - 1) + page[0] : page[4095]);
}

static void stack_too_deep(void)
{
	set_limit(RLIMIT_STACK, 256 << 10, RLIM_INFINITY);
	deep(20);
	deep(200);
}

static void stack_and_space(void)
{
	deep(30);
	set_limit(RLIMIT_AS, 1 << 20, RLIM_INFINITY);
	deep(500);
}

static void check_memory(void)
{
	must_pass_in_child(address_space);
	must_pass_in_child(data_size);
	CHECK_EQ(in_child(stack_too_deep) & 0x7f, SIGSEGV);
	CHECK_EQ(in_child(stack_and_space) & 0x7f, SIGSEGV);
	ok("memory");
}

/* ---- FSIZE ---- */

static volatile int signals;

static void count_signal(int signal)
{
	signals += signal != 0;
}

static void file_size(void)
{
	struct sigaction action = {.sa_handler = count_signal};
	char text[100] = "";
	int file = open("sized", O_RDWR | O_CREAT | O_TRUNC, 0600), other;

	CHECK_EQ(ftruncate(file, 300), 0);
	CHECK_EQ(sigaction(SIGXFSZ, &action, NULL), 0);
	set_limit(RLIMIT_FSIZE, 150, RLIM_INFINITY);
	CHECK_EQ(pwrite(file, text, 100, 0), 100);
	CHECK_EQ(pwrite(file, text, 100, 100), 50); // up to the limit
	CHECK_EQ(signals, 0);
	CHECK_ERRNO(pwrite(file, text, 100, 150), EFBIG);
	CHECK_EQ(signals, 1);
	CHECK_EQ(pwrite(file, text, 0, 200), 0);
	CHECK_EQ(ftruncate(file, 200), 0); // smaller than it was
	CHECK_ERRNO(ftruncate(file, 201), EFBIG);
	CHECK_EQ(signals, 2);
	CHECK_ERRNO(truncate("sized", 1000), EFBIG);
	CHECK_EQ(signals, 3);
	CHECK_EQ(ftruncate(file, 100), 0);
	CHECK_ERRNO(ftruncate(file, 151), EFBIG);
	CHECK_EQ(signals, 4);
	CHECK_EQ(ftruncate(file, 150), 0);
	CHECK_ERRNO(fallocate(file, 0, 100, 100), EFBIG);
	CHECK_EQ(signals, 5);
	other = open("sized", O_WRONLY | O_APPEND);
	CHECK_ERRNO(write(other, text, 1), EFBIG);
	CHECK_EQ(signals, 6);
	CHECK_EQ(lseek(file, 0, SEEK_END), 150);
	CHECK_EQ(pread(file, text, 10, 100), 10);
	set_limit(RLIMIT_FSIZE, RLIM_INFINITY, RLIM_INFINITY);
	CHECK_EQ(write(other, text, 1), 1);
	close(file);
	close(other);
	unlink("sized");
}

static void file_size_default(void)
{
	int file = open("sized", O_RDWR | O_CREAT | O_TRUNC, 0600);

	unlink("sized");
	set_limit(RLIMIT_FSIZE, 10, 10);
	CHECK_EQ(write(file, "0123456789ab", 12), 10);
	(void)!write(file, "c", 1);
}

/* ---- SIGPENDING, CPU ---- */

static void pending_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(setuid(4322), 0);
	set_limit(RLIMIT_SIGPENDING, 5, 5);
	for (int i = 0; i < 5; i++) {
		CHECK_EQ(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}), 0);
	}
	CHECK_ERRNO(sigqueue(getpid(), SIGRTMIN, (union sigval){0}), EAGAIN);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0); // kill never fails for that
	for (int i = 0; i < 5; i++) {
		siginfo_t info;

		CHECK_EQ(sigwaitinfo(&set, &info), i ? SIGRTMIN : SIGUSR1);
	}
	CHECK_EQ(sigqueue(getpid(), SIGRTMIN, (union sigval){0}), 0);
}

static int make_timer(timer_t *timer, int notify)
{
	struct sigevent event = {.sigev_notify = notify, .sigev_signo = SIGRTMIN};

	return timer_create(CLOCK_MONOTONIC, &event, timer);
}

/* A timer counts as the signal that it may send, whether it will or not. */
static void pending_timers(void)
{
	timer_t timers[3];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(setuid(4324), 0);
	set_limit(RLIMIT_SIGPENDING, 3, 3);
	CHECK_EQ(make_timer(&timers[0], SIGEV_SIGNAL), 0);
	CHECK_EQ(make_timer(&timers[1], SIGEV_NONE), 0);
	CHECK_ERRNO(make_timer(&timers[2], 77), EINVAL); // and counts no more
	CHECK_EQ(make_timer(&timers[2], SIGEV_SIGNAL), 0);
	CHECK_ERRNO(make_timer(&timers[2], SIGEV_SIGNAL), EAGAIN);
	CHECK_ERRNO(sigqueue(getpid(), SIGRTMIN, (union sigval){0}), EAGAIN);
	CHECK_EQ(timer_delete(timers[1]), 0);
	CHECK_EQ(sigqueue(getpid(), SIGRTMIN, (union sigval){0}), 0);
	CHECK_ERRNO(make_timer(&timers[1], SIGEV_NONE), EAGAIN);
	CHECK_EQ(sigwaitinfo(&set, NULL), SIGRTMIN);
	CHECK_EQ(make_timer(&timers[1], SIGEV_NONE), 0);
}

static void spin_for_ever(void)
{
	for (;;) {
		(void)clock();
	}
}

static void spin(void)
{
	struct sigaction action = {.sa_handler = count_signal};

	CHECK_EQ(sigaction(SIGXCPU, &action, NULL), 0);
	set_limit(RLIMIT_CPU, 1, 2);
	while (!signals) {
	}
	CHECK_EQ(signals, 1);
	// Linux counts this limit in ticks: early on a busy machine.
	CHECK(clock() >= CLOCKS_PER_SEC / 2);
	for (;;) {
		CHECK(clock() < CLOCKS_PER_SEC * 4);
	}
}

static void spin_inherited(void)
{
	set_limit(RLIMIT_CPU, 1, 1);
	if (fork() == 0) {
		spin_for_ever();
	}
	int status;

	CHECK(wait(&status) > 0);
	CHECK_EQ(status & 0x7f, SIGKILL); // at once: the hard limit is the soft one
}

static void spin_without(void)
{
	set_limit(RLIMIT_CPU, 0, 1);
	spin_for_ever();
}

static void spin_from_outside(void)
{
	for (;;) {
		(void)getppid();
	}
}

static void check_cpu(void)
{
	struct rlimit limit = {1, RLIM_INFINITY};
	int status;
	pid_t child;

	CHECK_EQ(in_child(spin) & 0x7f, SIGKILL);
	must_pass_in_child(spin_inherited);
	CHECK_EQ(in_child(spin_without) & 0x7f, SIGXCPU); // before the hard limit
	child = fork();
	if (child == 0) {
		spin_from_outside();
	}
	CHECK_EQ(prlimit_call(child, RLIMIT_CPU, &limit, NULL), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status & 0x7f, SIGXCPU);
	ok("cpu");
}

int main(int argc, char **argv)
{
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (argc > 1) {
		if (strcmp(argv[1], "core") == 0) {
			expect_limit(RLIMIT_CORE, 12, 22);
		}
		return 0;
	}
	CHECK(length > 0);
	if (getuid()) {
		skip("not root");
	}
	CHECK_EQ(chmod(self, 0755), 0);
	check_calls();
	must_pass_in_child(descriptors);
	ok("descriptors");
	must_pass_in_child(processes);
	ok("processes");
	check_memory();
	must_pass_in_child(file_size);
	CHECK_EQ(in_child(file_size_default) & 0x7f, SIGXFSZ);
	ok("file size");
	must_pass_in_child(pending_signals);
	must_pass_in_child(pending_timers);
	ok("pending signals");
	check_cpu();
	return 0;
}
