// SPDX-License-Identifier: MIT
/*
 * C8: numbers of processes that other things carry, as a reader in another pid namespace has them:
 * credentials of sockets, record locks, owners of files, descriptors of processes.
 * deadline: 30
 */
#include "pid_namespace.h"
#include <sys/socket.h>

static int pair[2];
static char lock_name[] = "pid-namespace-lock";

static void send_plain(int fd)
{
	CHECK_EQ(send(fd, "c", 1, 0), 1);
}

/* The pid in the credentials of the next message. */
static pid_t receive_sender(int fd)
{
	char byte, control[CMSG_SPACE(sizeof(struct ucred))];
	struct iovec part = {.iov_base = &byte, .iov_len = 1};
	struct msghdr header = {.msg_iov = &part,
				.msg_iovlen = 1,
				.msg_control = control,
				.msg_controllen = sizeof(control)};
	struct ucred sender;

	CHECK_EQ(recvmsg(fd, &header, 0), 1);
	CHECK(CMSG_FIRSTHDR(&header) != NULL);
	CHECK_EQ(CMSG_FIRSTHDR(&header)->cmsg_type, SCM_CREDENTIALS);
	memcpy(&sender, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof(sender));
	return sender.pid;
}

static void pass_credentials(int fd)
{
	int yes = 1;

	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)), 0);
}

/* Init inside and its parent send to each other; so does a process inside to its init. */
static void check_sockets(void)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	pid_t init;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	pass_credentials(pair[0]);
	pass_credentials(pair[1]);
	init = fork_with(CLONE_NEWPID);
	CHECK(init >= 0);
	if (init == 0) {
		int own[2];

		send_plain(pair[1]);
		CHECK_EQ(receive_sender(pair[1]), 0); // from outside
		CHECK_EQ(getsockopt(pair[1], SOL_SOCKET, SO_PEERCRED, &peer, &size), 0);
		CHECK_EQ(peer.pid, 0);
		CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, own), 0);
		pass_credentials(own[0]);
		CHECK_EQ(getsockopt(own[0], SOL_SOCKET, SO_PEERCRED, &peer, &size), 0);
		CHECK_EQ(peer.pid, 1);
		pid_t child = fork();
		if (child == 0) {
			send_plain(own[1]);
			pause();
		}
		CHECK_EQ(receive_sender(own[0]), 2);
		CHECK_EQ(kill(child, SIGKILL), 0);
		_exit(wait_for(child) == SIGKILL ? 0 : 1);
	}
	CHECK_EQ(receive_sender(pair[0]), init);
	send_plain(pair[0]);
	CHECK_EQ(wait_for(init), 0);
	close(pair[0]);
	close(pair[1]);
	ok("sockets");
}

static pid_t lock_holder(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	CHECK_EQ(fcntl(fd, F_GETLK, &lock), 0);
	CHECK_EQ(lock.l_type, F_WRLCK);
	return lock.l_pid;
}

static void take_lock(int fd, off_t start)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = 1};

	CHECK_EQ(fcntl(fd, F_SETLK, &lock), 0);
}

static void check_locks(void)
{
	int fd = open(lock_name, O_RDWR | O_CREAT, 0600), ready[2], done[2];
	char byte;
	pid_t init;

	CHECK(fd >= 0);
	CHECK_EQ(pipe(ready), 0);
	CHECK_EQ(pipe(done), 0);
	init = fork_with(CLONE_NEWPID);
	CHECK(init >= 0);
	if (init == 0) {
		take_lock(fd, 0);
		CHECK_EQ(write(ready[1], "r", 1), 1);
		pid_t child = fork();
		if (child == 0) {
			_exit(lock_holder(fd) == 1 ? 0 : 1);
		}
		CHECK_EQ(wait_for(child), 0);
		CHECK_EQ(read(done[0], &byte, 1), 1);
		_exit(0);
	}
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	CHECK_EQ(lock_holder(fd), init);
	CHECK_EQ(write(done[1], "d", 1), 1);
	CHECK_EQ(wait_for(init), 0);
	take_lock(fd, 0);
	init = fork_with(CLONE_NEWPID);
	if (init == 0) {
		_exit(lock_holder(fd) == 0 ? 0 : 1); // it cannot be seen from here
	}
	CHECK_EQ(wait_for(init), 0);
	close(fd);
	unlink(lock_name);
	ok("locks");
}

static void check_owners(void)
{
	int fd = open("/dev/null", O_RDONLY), ends[2];
	pid_t init;

	CHECK(fd >= 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	CHECK_EQ(fcntl(ends[0], F_GETOWN), 0);
	CHECK_ERRNO(fcntl(ends[0], F_SETOWN, INT32_MAX), ESRCH);
	CHECK_ERRNO(fcntl(ends[0], F_SETOWN, INT32_MIN), EINVAL);
	CHECK_EQ(fcntl(ends[0], F_SETOWN, getpid()), 0);
	CHECK_EQ(fcntl(ends[0], F_GETOWN), getpid());
	init = fork_with(CLONE_NEWPID);
	CHECK(init >= 0);
	if (init == 0) {
		CHECK_EQ(fcntl(ends[0], F_GETOWN), 0);
		CHECK_EQ(fcntl(ends[0], F_SETOWN, 1), 0);
		CHECK_EQ(fcntl(ends[0], F_GETOWN), 1);
		pause();
	}
	WAIT_UNTIL(fcntl(ends[0], F_GETOWN) == init);
	CHECK_EQ(kill(init, SIGKILL), 0);
	CHECK_EQ(wait_for(init), SIGKILL);
	close(ends[0]);
	close(ends[1]);
	close(fd);
	ok("owners");
}

/* A descriptor for somebody outside: it has no number inside, and no signal goes out by it. */
static void check_pidfds(void)
{
	int outer = (int)syscall(SYS_pidfd_open, getpid(), 0);
	char text[1024], path[64];
	ssize_t length;
	int inner, info;
	pid_t init;

	CHECK(outer >= 0);
	init = fork_with(CLONE_NEWPID);
	CHECK(init >= 0);
	if (init == 0) {
		CHECK_ERRNO(syscall(SYS_pidfd_send_signal, outer, 0, NULL, 0), EINVAL);
		CHECK_ERRNO(syscall(SYS_pidfd_open, 2, 0), ESRCH);
		pause();
	}
	inner = (int)syscall(SYS_pidfd_open, init, 0);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", inner);
	info = open(path, O_RDONLY);
	length = read(info, text, sizeof(text) - 1);
	CHECK(length > 0);
	text[length] = 0;
	close(info);
	snprintf(path, sizeof(path), "\nPid:\t%d\nNSpid:\t%d\t1\n", (int)init, (int)init);
	CHECK(strstr(text, path) != NULL);
	CHECK_EQ(syscall(SYS_pidfd_send_signal, inner, SIGKILL, NULL, 0), 0);
	CHECK_EQ(wait_for(init), SIGKILL);
	close(inner);
	close(outer);
	ok("pidfds");
}

int main(void)
{
	require_pid_namespaces();
	check_sockets();
	check_locks();
	check_owners();
	check_pidfds();
	return 0;
}
