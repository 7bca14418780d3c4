// SPDX-License-Identifier: MIT
/*
 * Namespaces as files, and the ways into them: /proc/PID/ns, nsfs, unshare(2), setns(2); what is in
 * those of UTS, IPC, network and cgroup (C8, R1, R6).
 * libc: musl
 */
#include "raw.h"
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { INTERFACE_GET_NAME = 0x8910, GET_FLAGS = 0x8913, SET_FLAGS = 0x8914 };
enum { GET_MTU = 0x8921, GET_INDEX = 0x8933, GET_CONFIGURATION = 0x8912, UP = 1 };

static const struct {
	const char *name;
	int flag;
} kinds[] = {
	{"uts", CLONE_NEWUTS},
	{"ipc", CLONE_NEWIPC},
	{"net", CLONE_NEWNET},
	{"cgroup", CLONE_NEWCGROUP},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static int open_link(pid_t pid, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	return fd;
}

static unsigned long number_of(int fd)
{
	struct stat status;

	CHECK_EQ(fstat(fd, &status), 0);
	return status.st_ino;
}

static unsigned long number(pid_t pid, const char *name)
{
	int fd = open_link(pid, name);
	unsigned long result = number_of(fd);

	close(fd);
	return result;
}

static void check_link(const char *name)
{
	char path[64], text[64] = {0}, wanted[64];
	struct stat status;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	CHECK_EQ(lstat(path, &status), 0);
	CHECK(S_ISLNK(status.st_mode));
	CHECK(readlink(path, text, sizeof(text) - 1) > 0);
	CHECK_EQ(stat(path, &status), 0);
	CHECK_EQ(status.st_mode, S_IFREG | 0444);
	CHECK_EQ(status.st_nlink, 1);
	snprintf(wanted, sizeof(wanted), "%.*s:[%lu]", (int)strcspn(name, "_"), name,
		 (unsigned long)status.st_ino);
	CHECK_EQ(strcmp(text, wanted), 0);
	CHECK_ERRNO(open(path, O_WRONLY), EPERM);
	CHECK_ERRNO(open(path, O_RDWR), EPERM);
	CHECK_ERRNO(open(path, O_RDONLY | O_DIRECTORY), ENOTDIR);
	CHECK_ERRNO(open(path, O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK_ERRNO(chmod(path, 0600), EPERM);
}

static void check_links(void)
{
	static const char *const names[] = {
		"uts", "ipc", "net", "user", "cgroup", "time", "time_for_children"};
	char text[64] = {0}, wanted[64], path[64];
	struct stat a, b;
	int fd;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		check_link(names[i]);
		CHECK_EQ(number(getpid(), names[i]), number(getppid(), names[i]));
	}
	CHECK_EQ(stat("/proc/self/ns/uts", &a), 0);
	CHECK_EQ(stat("/proc/self/ns/net", &b), 0);
	CHECK_EQ(a.st_dev, b.st_dev);
	CHECK(a.st_ino != b.st_ino);
	fd = open_link(getpid(), "uts");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	snprintf(wanted, sizeof(wanted), "uts:[%lu]", (unsigned long)a.st_ino);
	CHECK(readlink(path, text, sizeof(text) - 1) > 0);
	CHECK_EQ(strcmp(text, wanted), 0);
	CHECK_ERRNO(write(fd, "x", 1), EBADF);
	CHECK_ERRNO(read(fd, text, 1), EINVAL);
	close(fd);
	ok("links");
}

static void unshare_one(int which)
{
	unsigned long before[KINDS];

	for (int i = 0; i < KINDS; i++) {
		before[i] = number(getpid(), kinds[i].name);
	}
	CHECK_EQ(unshare(kinds[which].flag), 0);
	for (int i = 0; i < KINDS; i++) {
		CHECK_EQ(number(getpid(), kinds[i].name) == before[i], i != which);
	}
	CHECK_EQ(number(getppid(), kinds[which].name), before[which]);
	_exit(0);
}

static int report_numbers(void *argument)
{
	unsigned long *shared = argument;

	for (int i = 0; i < KINDS; i++) {
		shared[i] = number(getpid(), kinds[i].name);
	}
	return 0;
}

static void check_clone(int which, unsigned long *shared)
{
	static char stack[65536] __attribute__((aligned(16)));
	struct clone_args args = {.flags = (uint64_t)kinds[which].flag,
				  .exit_signal = SIGCHLD,
				  .stack = (uintptr_t)stack,
				  .stack_size = sizeof(stack)};
	int status;
	long child = clone3_call(&args, sizeof(args), report_numbers, shared);

	CHECK(child > 0);
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(status, 0);
	for (int i = 0; i < KINDS; i++) {
		CHECK_EQ(shared[i] == number(getpid(), kinds[i].name), i != which);
	}
}

static void check_unshare(void)
{
	unsigned long *shared = shared_page();

	for (int i = 0; i < KINDS; i++) {
		int status;
		pid_t child = fork();

		if (child == 0) {
			unshare_one(i);
		}
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK_EQ(status, 0);
		check_clone(i, shared);
	}
	CHECK_ERRNO(unshare(0x10), EINVAL);
	CHECK_ERRNO(unshare(CLONE_NEWUTS | CLONE_VFORK), EINVAL);
	CHECK_ERRNO(
		syscall(SYS_clone, CLONE_NEWIPC | CLONE_SYSVSEM | SIGCHLD, 0, 0, 0, 0),
		EINVAL);
	ok("unshare");
}

/* A child in new namespaces of all these kinds, and the pipe whose end keeps it waiting. */
struct guest {
	pid_t pid;
	int leave;
};

static struct guest start_guest(int flags)
{
	int ready[2], leave[2];
	struct guest guest;
	char byte;

	CHECK_EQ(pipe2(ready, O_CLOEXEC), 0);
	CHECK_EQ(pipe2(leave, O_CLOEXEC), 0);
	guest.pid = fork();
	CHECK(guest.pid >= 0);
	if (guest.pid == 0) {
		close(leave[1]);
		CHECK_EQ(unshare(flags), 0);
		if (flags & CLONE_NEWUTS) {
			CHECK_EQ(sethostname("guest", 5), 0);
		}
		CHECK_EQ(write(ready[1], "r", 1), 1);
		CHECK_EQ(read(leave[0], &byte, 1), 0);
		_exit(0);
	}
	close(leave[0]);
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	guest.leave = leave[1];
	return guest;
}

static void end_guest(struct guest guest)
{
	int status;

	close(guest.leave);
	CHECK_EQ(waitpid(guest.pid, &status, 0), guest.pid);
	CHECK_EQ(status, 0);
}

static void expect_host(const char *wanted)
{
	char name[80];

	CHECK_EQ(gethostname(name, sizeof(name)), 0);
	CHECK_EQ(strcmp(name, wanted), 0);
}

static void enter_and_return(void)
{
	struct guest guest = start_guest(CLONE_NEWUTS | CLONE_NEWIPC);
	int inner = open_link(guest.pid, "uts"), outer = open_link(getpid(), "uts");
	char before[80];

	CHECK_EQ(gethostname(before, sizeof(before)), 0);
	CHECK_ERRNO(setns(inner, CLONE_NEWNET), EINVAL);
	CHECK_ERRNO(setns(inner, CLONE_NEWUTS | CLONE_NEWIPC), EINVAL);
	CHECK_ERRNO(setns(inner, 1), EINVAL);
	expect_host(before);
	CHECK_EQ(setns(inner, CLONE_NEWUTS), 0);
	expect_host("guest");
	CHECK_EQ(number(getpid(), "uts"), number_of(inner));
	CHECK(number(getpid(), "ipc") != number(guest.pid, "ipc"));
	CHECK_EQ(setns(outer, 0), 0);
	expect_host(before);
	end_guest(guest);
	// The descriptor alone keeps it alive, name and all.
	CHECK_EQ(setns(inner, 0), 0);
	expect_host("guest");
	CHECK_EQ(setns(inner, 0), 0);
	expect_host("guest");
}

static void check_bad_descriptors(void)
{
	int file = open("/proc/self/stat", O_RDONLY);
	int path = open("/proc/self/ns/uts", O_PATH), pair[2];

	CHECK_ERRNO(setns(-1, 0), EBADF);
	CHECK_ERRNO(setns(1000, CLONE_NEWUTS), EBADF);
	CHECK_ERRNO(setns(file, 0), EINVAL);
	CHECK_ERRNO(setns(file, CLONE_NEWUTS), EINVAL);
	CHECK_ERRNO(setns(path, CLONE_NEWUTS), EBADF);
	CHECK_EQ(pipe(pair), 0);
	CHECK_ERRNO(setns(pair[0], 0), EINVAL);
	close(pair[0]);
	close(pair[1]);
	close(file);
	close(path);
}

static int open_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static void enter_by_pidfd(void)
{
	int all = CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP;
	struct guest guest = start_guest(all);
	int pidfd = open_pidfd(guest.pid);
	unsigned long net = number(getpid(), "net");

	CHECK(pidfd >= 0);
	CHECK_ERRNO(setns(pidfd, 0), EINVAL);
	CHECK_ERRNO(setns(pidfd, CLONE_NEWUTS | CLONE_FS), EINVAL);
	CHECK_ERRNO(setns(pidfd, CLONE_THREAD), EINVAL);
	CHECK_EQ(setns(pidfd, CLONE_NEWUTS | CLONE_NEWIPC), 0);
	expect_host("guest");
	CHECK_EQ(number(getpid(), "ipc"), number(guest.pid, "ipc"));
	CHECK_EQ(number(getpid(), "net"), net);
	CHECK_EQ(setns(pidfd, all), 0);
	for (int i = 0; i < KINDS; i++) {
		CHECK_EQ(number(getpid(), kinds[i].name),
			 number(guest.pid, kinds[i].name));
	}
	end_guest(guest);
	CHECK_ERRNO(setns(pidfd, CLONE_NEWUTS), ESRCH);
}

static int all_fd;

/* The time namespace, which comes last, refuses a process with two threads: then nothing is entered. */
static void *enter_all_or_none(void *unused)
{
	unsigned long before = number(getpid(), "uts");

	CHECK_ERRNO(setns(all_fd, CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWTIME), EUSERS);
	CHECK_EQ(number(thread_id(), "uts"), before);
	CHECK_EQ(number(thread_id(), "ipc"), number(getppid(), "ipc"));
	CHECK_EQ(setns(all_fd, CLONE_NEWUTS), 0);
	CHECK(number(thread_id(), "uts") != before);
	CHECK_EQ(number(getpid(), "uts"), before);
	return unused;
}

static void enter_in_thread(void)
{
	struct guest guest = start_guest(CLONE_NEWUTS | CLONE_NEWIPC);

	all_fd = open_pidfd(guest.pid);
	CHECK(all_fd >= 0);
	join_thread(start_thread(enter_all_or_none, NULL));
	end_guest(guest);
}

static void check_setns(void)
{
	check_bad_descriptors();
	must_pass_in_child(enter_and_return);
	must_pass_in_child(enter_by_pidfd);
	must_pass_in_child(enter_in_thread);
	ok("setns");
}

static void check_ioctl(void)
{
	int fd = open_link(getpid(), "uts"), user = open_link(getpid(), "user"), owner;
	unsigned uid;

	CHECK_EQ(ioctl(fd, NS_GET_NSTYPE), CLONE_NEWUTS);
	CHECK_EQ(ioctl(user, NS_GET_NSTYPE), CLONE_NEWUSER);
	CHECK_ERRNO(ioctl(fd, NS_GET_PARENT), EINVAL);
	CHECK_ERRNO(ioctl(fd, NS_GET_OWNER_UID, &uid), EINVAL);
	CHECK_ERRNO(ioctl(fd, 0x12345678), ENOTTY);
	owner = ioctl(fd, NS_GET_USERNS);
	CHECK(owner >= 0);
	CHECK_EQ(number_of(owner), number_of(user));
	CHECK_EQ(fcntl(owner, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(ioctl(user, NS_GET_OWNER_UID, &uid), 0);
	CHECK_EQ(uid, 0);
	CHECK_ERRNO(ioctl(user, NS_GET_OWNER_UID, UNMAPPED_ADDRESS), EFAULT);
	close(owner);
	close(user);
	close(fd);
	ok("ioctl");
}

/* A namespace that a mount keeps. */
static void live_on_a_mount(void)
{
	char name[] = "ns-XXXXXX", from[64];
	int file = mkstemp(name), fd;
	struct guest guest = start_guest(CLONE_NEWUTS);
	unsigned long wanted = number(guest.pid, "uts");

	CHECK(file >= 0);
	close(file);
	snprintf(from, sizeof(from), "/proc/%d/ns/uts", guest.pid);
	CHECK_EQ(mount(from, name, NULL, MS_BIND, NULL), 0);
	end_guest(guest);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK_EQ(number_of(fd), wanted);
	CHECK_EQ(setns(fd, CLONE_NEWUTS), 0);
	expect_host("guest");
	close(fd);
	CHECK_EQ(umount2(name, MNT_DETACH), 0);
	CHECK_EQ(unlink(name), 0);
	expect_host("guest");
}

static void ask_for_too_much(void)
{
	int fd = open_link(getpid(), "uts");
	int flags[] = {CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWCGROUP,
		       CLONE_NEWUTS | CLONE_FS};
	unsigned long before;

	CHECK_EQ(setgid(65534), 0);
	CHECK_EQ(setuid(65534), 0);
	before = number(getpid(), "uts");
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		CHECK_ERRNO(unshare(flags[i]), EPERM);
		CHECK_ERRNO(
			syscall(SYS_clone, (flags[i] & ~CLONE_FS) | SIGCHLD, 0, 0, 0, 0),
			EPERM);
	}
	CHECK_ERRNO(
		syscall(SYS_clone, CLONE_NEWIPC | CLONE_SYSVSEM | SIGCHLD, 0, 0, 0, 0),
		EPERM);
	CHECK_ERRNO(unshare(CLONE_NEWUTS | 0x10), EINVAL);
	CHECK_ERRNO(setns(fd, 0), EPERM);
	CHECK_ERRNO(setns(fd, CLONE_NEWIPC), EINVAL);
	CHECK_ERRNO(sethostname("x", 1), EPERM);
	CHECK_EQ(number(getpid(), "uts"), before);
	CHECK_ERRNO(open("/proc/1/ns/uts", O_RDONLY), EACCES);
	CHECK_ERRNO(readlink("/proc/1/ns/uts", (char[64]){0}, 64), EACCES);
}

static void set_up(struct sockaddr_un *address, const char *name, socklen_t *length)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path, name, strlen(name + 1) + 1);
	*length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name + 1) +
			      1);
}

static int socket_bound(const struct sockaddr_un *address, socklen_t length)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	CHECK_EQ(bind(fd, (const void *)address, length), 0);
	CHECK_EQ(listen(fd, 4), 0);
	return fd;
}

/* An abstract name means a socket of the namespace the asking socket was made in. */
static void ask_for_names(void)
{
	struct sockaddr_un address;
	socklen_t length;
	int outer, inner, old = socket(AF_UNIX, SOCK_STREAM, 0), fresh, datagram;

	set_up(&address, "\0heddle-namespace-test", &length);
	outer = socket_bound(&address, length);
	CHECK_EQ(unshare(CLONE_NEWNET), 0);
	fresh = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_ERRNO(connect(fresh, (void *)&address, length), ECONNREFUSED);
	datagram = socket(AF_UNIX, SOCK_DGRAM, 0);
	CHECK_ERRNO(sendto(datagram, "x", 1, 0, (void *)&address, length), ECONNREFUSED);
	CHECK_EQ(connect(old, (void *)&address, length), 0);
	inner = socket_bound(&address, length);
	CHECK_EQ(connect(fresh, (void *)&address, length), 0);
	fcntl(outer, F_SETFL, O_NONBLOCK);
	fcntl(inner, F_SETFL, O_NONBLOCK);
	CHECK(accept(outer, NULL, NULL) >= 0);
	CHECK_ERRNO(accept(outer, NULL, NULL), EAGAIN);
	CHECK(accept(inner, NULL, NULL) >= 0);
	CHECK_ERRNO(accept(inner, NULL, NULL), EAGAIN);
}

/* A name in the file system is the same for all. */
static void ask_for_paths(void)
{
	char name[] = "socket-XXXXXX";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int file = mkstemp(name), fd;

	CHECK(file >= 0);
	CHECK_EQ(unlink(name), 0);
	strcpy(address.sun_path, name);
	socket_bound(&address, sizeof(address));
	CHECK_EQ(unshare(CLONE_NEWNET), 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQ(connect(fd, (void *)&address, sizeof(address)), 0);
	CHECK_EQ(unlink(name), 0);
}

struct interface {
	char name[16];
	union {
		short flags;
		int number;
		char bytes[24];
	};
};

static void use_loopback(void)
{
	struct interface loopback = {.name = "lo"}, other = {.name = "none7"}, first;
	struct {
		int length;
		void *buffer;
	} list = {sizeof(loopback), &loopback};
	int old = socket(AF_UNIX, SOCK_DGRAM, 0), fd;

	CHECK_EQ(unshare(CLONE_NEWNET), 0);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	CHECK_EQ(ioctl(fd, GET_CONFIGURATION, &list), 0);
	CHECK_EQ(list.length, 0);
	CHECK_EQ(ioctl(fd, GET_FLAGS, &loopback), 0);
	CHECK_EQ(loopback.flags, 8); // a loopback, and down
	loopback.flags = UP;
	CHECK_EQ(ioctl(fd, SET_FLAGS, &loopback), 0);
	CHECK_EQ(ioctl(fd, GET_FLAGS, &loopback), 0);
	CHECK_EQ(loopback.flags, 0x49);
	CHECK_EQ(ioctl(fd, GET_INDEX, &loopback), 0);
	CHECK_EQ(loopback.number, 1);
	CHECK_EQ(ioctl(fd, GET_MTU, &loopback), 0);
	CHECK_EQ(loopback.number, 65536);
	first.number = 1;
	CHECK_EQ(ioctl(fd, INTERFACE_GET_NAME, &first), 0);
	CHECK_EQ(strcmp(first.name, "lo"), 0);
	first.number = 77;
	CHECK_ERRNO(ioctl(fd, INTERFACE_GET_NAME, &first), ENODEV);
	CHECK_ERRNO(ioctl(fd, GET_FLAGS, &other), ENODEV);
	CHECK_ERRNO(ioctl(fd, GET_FLAGS, UNMAPPED_ADDRESS), EFAULT);
	CHECK_EQ(setuid(65534), 0);
	loopback.flags = 0;
	CHECK_ERRNO(ioctl(fd, SET_FLAGS, &loopback), EPERM);
	CHECK_ERRNO(ioctl(old, SET_FLAGS, &loopback), EPERM);
	CHECK_EQ(ioctl(fd, GET_FLAGS, &loopback), 0);
	CHECK_EQ(loopback.flags, 0x49);
}

static void check_network(void)
{
	must_pass_in_child(ask_for_names);
	must_pass_in_child(ask_for_paths);
	must_pass_in_child(use_loopback);
	ok("network");
}

/* A thread of its own: its siblings stay where they are. */
static void *unshare_in_thread(void *result)
{
	char path[64];
	struct stat status;

	CHECK_EQ(unshare(CLONE_NEWUTS), 0);
	snprintf(path, sizeof(path), "/proc/self/task/%d/ns/uts", thread_id());
	CHECK_EQ(stat(path, &status), 0);
	*(unsigned long *)result = status.st_ino;
	CHECK_EQ(stat("/proc/thread-self/ns/uts", &status), 0);
	CHECK_EQ(status.st_ino, *(unsigned long *)result);
	return NULL;
}

static void check_threads(void)
{
	unsigned long before = number(getpid(), "uts"), other = 0;

	join_thread(start_thread(unshare_in_thread, &other));
	CHECK(other != 0 && other != before);
	CHECK_EQ(number(getpid(), "uts"), before);
	ok("threads");
}

/* A zombie is in no namespace (I7). */
static void check_zombie(void)
{
	char path[64];
	siginfo_t info;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		_exit(0);
	}
	CHECK_EQ(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	snprintf(path, sizeof(path), "/proc/%d/ns/uts", child);
	CHECK_ERRNO(open(path, O_RDONLY), ENOENT);
	CHECK_ERRNO(readlink(path, path, 10), ENOENT);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	ok("zombie");
}

static void try_to_unshare(void)
{
	_exit(unshare(CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP) != 0);
}

int main(void)
{
	if (geteuid() != 0 || in_child(try_to_unshare)) {
		skip("needs the right to make namespaces");
	}
	check_links();
	check_unshare();
	check_setns();
	check_ioctl();
	must_pass_in_child(live_on_a_mount);
	ok("mount");
	must_pass_in_child(ask_for_too_much);
	ok("rights");
	check_network();
	check_threads();
	check_zombie();
	return 0;
}
