// SPDX-License-Identifier: MIT
/*
 * Unix stream sockets and socketpairs: connect, accept, names, shutdown, half-close, polling,
 * passing descriptors and credentials, errors.
 * libc: musl
 */
#include "raw.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static void check_pair(void)
{
	int pair[2], value = -1;
	socklen_t length = sizeof(value);
	char text[16];

	signal(SIGPIPE, SIG_IGN);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	CHECK_EQ(fcntl(pair[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(write(pair[0], "ping", 4), 4);
	CHECK_EQ(recv(pair[1], text, 16, MSG_PEEK), 4);
	CHECK_EQ(read(pair[1], text, 2), 2);
	CHECK_EQ(read(pair[1], text + 2, 14), 2);
	CHECK_EQ(memcmp(text, "ping", 4), 0);
	CHECK_ERRNO(recv(pair[1], text, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(send(pair[1], "pong", 4, MSG_NOSIGNAL), 4);
	CHECK_EQ(recv(pair[0], text, 16, 0), 4);
	CHECK_EQ(getsockopt(pair[0], SOL_SOCKET, SO_TYPE, &value, &length), 0);
	CHECK_EQ(value, SOCK_STREAM);
	CHECK_EQ(shutdown(pair[0], SHUT_WR), 0);
	CHECK_EQ(read(pair[1], text, 16), 0);
	CHECK_ERRNO(write(pair[0], "x", 1), EPIPE);
	CHECK_EQ(write(pair[1], "back", 4), 4);
	CHECK_EQ(read(pair[0], text, 16), 4);
	close(pair[1]);
	CHECK_EQ(read(pair[0], text, 16), 0);
	CHECK_ERRNO(send(pair[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	close(pair[0]);
	CHECK_ERRNO(socketpair(AF_UNIX, SOCK_RDM, 0, pair), ESOCKTNOSUPPORT);
	CHECK_ERRNO(socket(77, SOCK_STREAM, 0), EAFNOSUPPORT);
	ok("pair");
}

static struct sockaddr_un address(const char *name)
{
	struct sockaddr_un where = {.sun_family = AF_UNIX};

	strcpy(where.sun_path, name);
	return where;
}

static void *connect_and_echo(void *unused)
{
	struct sockaddr_un where = address("server");
	char block[1000];
	ssize_t length;

	(void)unused;
	for (int i = 0; i < 20; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		CHECK_EQ(connect(fd, (struct sockaddr *)&where, sizeof(where)), 0);
		while ((length = read(fd, block, sizeof(block))) > 0) {
			CHECK_EQ(write(fd, block, (size_t)length), length);
		}
		CHECK_EQ(length, 0);
		close(fd);
	}
	return NULL;
}

static void exchange(int fd)
{
	static char out[50000], in[50000];
	size_t sent = 0, got = 0;

	for (size_t i = 0; i < sizeof(out); i++) {
		out[i] = (char)(i * 13);
	}
	while (got < sizeof(in)) {
		struct pollfd entry = {fd, POLLIN | (sent < sizeof(out) ? POLLOUT : 0),
				       0};

		CHECK(poll(&entry, 1, 15000) == 1);
		if (entry.revents & POLLOUT) {
			ssize_t n =
				send(fd, out + sent, sizeof(out) - sent, MSG_DONTWAIT);

			CHECK(n > 0);
			sent += (size_t)n;
		}
		if (entry.revents & POLLIN) {
			ssize_t n = recv(fd, in + got, sizeof(in) - got, MSG_DONTWAIT);

			CHECK(n > 0);
			got += (size_t)n;
		}
	}
	CHECK_EQ(memcmp(in, out, sizeof(in)), 0);
}

static void check_server(void)
{
	struct sockaddr_un where = address("server"), peer;
	socklen_t length = sizeof(peer);
	int server = socket(AF_UNIX, SOCK_STREAM, 0);
	struct stat status;
	pthread_t client;

	unlink("server");
	CHECK_ERRNO(connect(server, (struct sockaddr *)&where, sizeof(where)), ENOENT);
	CHECK_EQ(bind(server, (struct sockaddr *)&where, sizeof(where)), 0);
	CHECK_ERRNO(accept(server, NULL, NULL), EINVAL);
	int early = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_ERRNO(connect(early, (struct sockaddr *)&where, sizeof(where)),
		    ECONNREFUSED);
	CHECK_ERRNO(bind(early, (struct sockaddr *)&where, sizeof(where)), EADDRINUSE);
	close(early);
	CHECK_EQ(stat("server", &status), 0);
	CHECK(S_ISSOCK(status.st_mode));
	CHECK_EQ(listen(server, 5), 0);
	client = start_thread(connect_and_echo, NULL);
	for (int i = 0; i < 20; i++) {
		int fd = accept4(server, (struct sockaddr *)&peer, &length, SOCK_CLOEXEC);

		CHECK(fd >= 0);
		CHECK_EQ(peer.sun_family, AF_UNIX);
		exchange(fd);
		close(fd);
	}
	join_thread(client);
	length = sizeof(peer);
	CHECK_EQ(getsockname(server, (struct sockaddr *)&peer, &length), 0);
	CHECK_EQ(strcmp(peer.sun_path, "server"), 0);
	CHECK_ERRNO(getpeername(server, (struct sockaddr *)&peer, &length), ENOTCONN);
	close(server);
	ok("server");
}

static void send_descriptor(int over, int fd)
{
	char space[CMSG_SPACE(sizeof(int))] = "";
	struct iovec part = {"d", 1};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = space,
		.msg_controllen = sizeof(space),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	CHECK_EQ(sendmsg(over, &message, 0), 1);
}

static int receive_descriptor(int over)
{
	char space[CMSG_SPACE(sizeof(int))], byte;
	struct iovec part = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = space,
		.msg_controllen = sizeof(space),
	};
	struct cmsghdr *header;
	int fd;

	CHECK_EQ(recvmsg(over, &message, MSG_CMSG_CLOEXEC), 1);
	header = CMSG_FIRSTHDR(&message);
	CHECK(header && header->cmsg_type == SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

static void check_descriptor_passing(void)
{
	int pair[2], ends[2], status;
	pid_t child;
	char text[8] = "";

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		int fd = receive_descriptor(pair[1]);

		CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
		CHECK_EQ(write(fd, "passed", 6), 6);
		_exit(0);
	}
	CHECK_EQ(pipe(ends), 0);
	send_descriptor(pair[0], ends[1]);
	close(ends[1]);
	CHECK_EQ(read(ends[0], text, 8), 6);
	CHECK_EQ(strcmp(text, "passed"), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	// In flight and never received: closed with the socket.
	CHECK_EQ(pipe(ends), 0);
	send_descriptor(pair[0], ends[1]);
	close(ends[1]);
	close(pair[0]);
	close(pair[1]);
	CHECK_EQ(read(ends[0], text, 8), 0);
	ok("descriptor_passing");
}

static void check_credentials(void)
{
	struct ucred who = {0};
	socklen_t length = sizeof(who);
	int pair[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	CHECK_EQ(getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &who, &length), 0);
	CHECK(who.pid == getpid() && who.uid == getuid() && who.gid == getgid());
	close(pair[0]);
	close(pair[1]);
	ok("credentials");
}

static void check_non_blocking(void)
{
	static char block[8192];
	int pair[2];
	long total = 0;
	ssize_t n;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	CHECK_ERRNO(read(pair[0], block, 1), EAGAIN);
	while ((n = write(pair[0], block, sizeof(block))) > 0) {
		total += n;
	}
	CHECK(errno == EAGAIN && total >= 65536);
	while (total > 0 && (n = read(pair[1], block, sizeof(block))) > 0) {
		total -= n;
	}
	CHECK_EQ(total, 0);
	CHECK_EQ(write(pair[0], block, 1), 1);
	close(pair[0]);
	close(pair[1]);
	ok("non_blocking");
}

/* How many messages of `size` bytes wait before a sender has to. */
static long fill(int type, size_t size)
{
	int pair[2];
	long count = 0;

	CHECK_EQ(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, pair), 0);
	while (count < 5000 && send(pair[0], "x", size, 0) == (ssize_t)size) {
		count++;
	}
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(recv(pair[1], (char[1]){0}, 1, 0), (ssize_t)size);
	close(pair[0]);
	close(pair[1]);
	return count;
}

/* What a message costs beside its bytes is counted: none is for nothing. */
static void check_bounded(void)
{
	long empty = fill(SOCK_DGRAM, 0), stream = fill(SOCK_STREAM, 1);

	CHECK(empty > 50 && empty < 1000);
	CHECK(stream > 50 && stream < 1000);
	CHECK(fill(SOCK_SEQPACKET, 0) < 1000);
	ok("bounded");
}

/* Where nothing can be written to the reader, neither the byte nor what came with it is gone. */
static void check_fault_keeps_descriptor(void)
{
	char space[CMSG_SPACE(sizeof(int))];
	struct iovec part = {UNMAPPED_ADDRESS, 1};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = space,
		.msg_controllen = sizeof(space),
	};
	int pair[2], zero = open("/dev/zero", O_RDONLY), fd;
	char byte = 1;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	send_descriptor(pair[0], zero);
	CHECK_ERRNO(recvmsg(pair[1], &message, 0), EFAULT);
	CHECK_ERRNO(read(pair[1], UNMAPPED_ADDRESS, 1), EFAULT);
	fd = receive_descriptor(pair[1]);
	CHECK_EQ(read(fd, &byte, 1), 1);
	CHECK_EQ(byte, 0);
	close(fd);
	close(zero);
	close(pair[0]);
	close(pair[1]);
	ok("fault_keeps_descriptor");
}

int main(void)
{
	check_pair();
	check_server();
	check_descriptor_passing();
	check_credentials();
	check_non_blocking();
	check_bounded();
	check_fault_keeps_descriptor();
	return 0;
}
