// SPDX-License-Identifier: MIT
/*
 * unix(7): sockets whose last references are in messages that wait at other sockets. However long the chain in which they hold
 * each other, they end with the last descriptor from which they could be received, at listeners that nobody accepts from too. On Heddle the ledger is where it was.
 * deadline: 120
 */
#include "ledger.h"
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { CHAIN = 20000, FDS_MOST = 4 };

static bool counted;
static int chain = CHAIN; /* Linux may allow fewer */
static struct ledger before;

static void case_begin(void)
{
	if (counted) {
		ledger_begin(&before);
	}
}

/* A socket that is closed has the rings looked for, whoever made them, on Linux too. */
static void case_end(const char *name)
{
	int pair[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	close(pair[0]);
	close(pair[1]);
	if (counted) {
		ledger_expect(&before);
	}
	ok(name);
}

static ssize_t send_fds(int socket, const int *fds, int count, int flags)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * FDS_MOST)];
		struct cmsghdr align;
	} control = {0};
	struct iovec io = {"x", 1};
	struct msghdr header = {.msg_iov = &io, .msg_iovlen = 1};
	struct cmsghdr *rights;

	header.msg_control = control.bytes;
	header.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
	rights = CMSG_FIRSTHDR(&header);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
	memcpy(CMSG_DATA(rights), fds, sizeof(int) * (size_t)count);
	return sendmsg(socket, &header, flags | MSG_NOSIGNAL);
}

/* How many descriptors came; -1: nothing did. */
static int receive_fds(int socket, int *fds, int flags)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * FDS_MOST)];
		struct cmsghdr align;
	} control = {0};
	char byte;
	struct iovec io = {&byte, 1};
	struct msghdr header = {.msg_iov = &io, .msg_iovlen = 1};
	struct cmsghdr *rights;
	int count;

	header.msg_control = control.bytes;
	header.msg_controllen = sizeof(control.bytes);
	if (recvmsg(socket, &header, flags) < 0) {
		return -1;
	}
	rights = CMSG_FIRSTHDR(&header);
	if (!rights || rights->cmsg_type != SCM_RIGHTS) {
		return 0;
	}
	count = (int)((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds, CMSG_DATA(rights), sizeof(int) * (size_t)count);
	return count;
}

static void make_pair(int type, int pair[2])
{
	CHECK_EQ(socketpair(AF_UNIX, type, 0, pair), 0);
}

static void close_pair(const int pair[2])
{
	CHECK_EQ(close(pair[0]), 0);
	CHECK_EQ(close(pair[1]), 0);
}

/* ---- chains ---- */

/* Each socket waits in a message at the next; the last is returned. `first` is at the other end. */
static int make_chain(int type, int length, int first)
{
	int held = first;

	for (int i = 0; i < length; i++) {
		int pair[2];

		make_pair(type, pair);
		CHECK_EQ(send_fds(pair[0], &held, 1, 0), 1);
		CHECK_EQ(close(pair[0]), 0);
		CHECK_EQ(close(held), 0);
		held = pair[1];
	}
	return held;
}

static void check_chain(int type)
{
	int told[2], last;
	char byte;

	CHECK_EQ(pipe(told), 0);
	last = make_chain(type, chain, told[1]);
	CHECK_EQ(close(last), 0);
	CHECK_EQ(read(told[0], &byte, 1), 0); // the pipe at its far end went with it
	close(told[0]);
}

static int chain_to_leave[2];

static void leave_chain(void)
{
	close(chain_to_leave[0]);
	(void)make_chain(SOCK_DGRAM, chain, chain_to_leave[1]);
}

/* When wait has returned, all of a chain is closed. */
static void check_chain_at_exit(void)
{
	char byte;

	CHECK_EQ(pipe2(chain_to_leave, O_NONBLOCK), 0);
	must_pass_in_child(leave_chain);
	close(chain_to_leave[1]);
	CHECK_EQ(read(chain_to_leave[0], &byte, 1), 0);
	close(chain_to_leave[0]);
}

static int listen_at(struct sockaddr_un *address, socklen_t *length)
{
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	CHECK(listener >= 0);
	CHECK_EQ(bind(listener, (struct sockaddr *)address, sizeof(sa_family_t)), 0);
	*length = sizeof(*address);
	CHECK_EQ(getsockname(listener, (struct sockaddr *)address, length), 0);
	CHECK_EQ(listen(listener, 4), 0);
	return listener;
}

/* Send `fds` to a listener's socket that nobody accepts. */
static void send_unaccepted(const struct sockaddr_un *address, socklen_t length,
			    const int *fds, int count)
{
	int client = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK(client >= 0);
	CHECK_EQ(connect(client, (const struct sockaddr *)address, length), 0);
	CHECK_EQ(send_fds(client, fds, count, 0), 1);
	CHECK_EQ(close(client), 0);
}

static void check_chain_of_listeners(void)
{
	int told[2], held;
	char byte;

	CHECK_EQ(pipe(told), 0);
	held = told[1];
	for (int i = 0; i < chain / 10; i++) {
		struct sockaddr_un address;
		socklen_t length;
		int listener = listen_at(&address, &length);

		send_unaccepted(&address, length, &held, 1);
		CHECK_EQ(close(held), 0);
		held = listener;
	}
	CHECK_EQ(close(held), 0);
	CHECK_EQ(read(told[0], &byte, 1), 0);
	close(told[0]);
}

/* As many may be in flight as descriptors are allowed. */
static void set_limit(void)
{
	struct rlimit limit = {CHAIN * 2, CHAIN * 2}, now;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &now), 0);
	if (setrlimit(RLIMIT_NOFILE, &limit)) {
		CHECK_EQ(errno, EPERM);
		now.rlim_cur = now.rlim_max;
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &now), 0);
		chain = now.rlim_cur / 2 < CHAIN ? (int)now.rlim_cur / 2 : CHAIN;
	}
}

int main(void)
{
	set_limit();
	counted = access("/proc/heddle/ledger", R_OK) == 0;
	check_chain_at_exit(); // what is made once only is made now
	case_begin();
	check_chain(SOCK_DGRAM);
	case_end("chain of datagram sockets");
	case_begin();
	check_chain(SOCK_STREAM);
	case_end("chain of stream sockets");
	case_begin();
	check_chain_of_listeners();
	case_end("chain of listeners");
	case_begin();
	check_chain_at_exit();
	case_end("chain at exit");
	return 0;
}
