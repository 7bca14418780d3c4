// SPDX-License-Identifier: MIT
/*
 * netlink(7), the sockets: kinds and protocols, names and automatic ports, rights, groups, options, messages among programs, full
 * queues, truncation, polling, acknowledgements, and malformed requests. Wants to be root.
 */
#include "netlink.h"
#include <poll.h>
#include <sys/epoll.h>

#ifndef SO_RCVBUFFORCE
#	define SO_RCVBUFFORCE 33
#endif
enum { ROOM = 4096, PORT_A = 1000001, PORT_B = 1000002, NOBODY = 65534 };

static void check_kinds(void)
{
	int pair[2], type;
	socklen_t length = sizeof(type);
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK, NETLINK_USERSOCK);

	CHECK(fd >= 0);
	CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length), 0);
	CHECK_EQ(type, SOCK_DGRAM);
	CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &type, &length), 0);
	CHECK_EQ(type, NETLINK_USERSOCK);
	CHECK_ERRNO(read(fd, &type, sizeof(type)), EAGAIN);
	CHECK_ERRNO(listen(fd, 1), EOPNOTSUPP);
	CHECK_ERRNO(accept(fd, NULL, NULL), EOPNOTSUPP);
	CHECK_ERRNO(shutdown(fd, SHUT_RDWR), EOPNOTSUPP);
	CHECK_ERRNO(send(fd, "x", 1, MSG_OOB), EOPNOTSUPP);
	CHECK_ERRNO(recv(fd, &type, 1, MSG_OOB | MSG_DONTWAIT), EOPNOTSUPP);
	close(fd);
	CHECK_ERRNO(socketpair(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK, pair), EOPNOTSUPP);
	CHECK_ERRNO(socket(AF_NETLINK, SOCK_STREAM, NETLINK_USERSOCK), ESOCKTNOSUPPORT);
	CHECK_ERRNO(socket(AF_NETLINK, SOCK_RAW, NETLINK_UNUSED), EPROTONOSUPPORT);
	CHECK_ERRNO(socket(AF_NETLINK, SOCK_RAW, MAX_LINKS), EPROTONOSUPPORT);
	CHECK_ERRNO(socket(AF_NETLINK, SOCK_RAW, -1), EPROTONOSUPPORT);
	ok("kinds");
}

static void check_names(void)
{
	struct sockaddr_nl name = {.nl_family = AF_NETLINK};
	struct sockaddr_nl none = {.nl_family = AF_UNSPEC};
	int a = netlink_open(NETLINK_USERSOCK), b = netlink_open(NETLINK_USERSOCK);
	socklen_t length = sizeof(name);

	CHECK_EQ(netlink_own_name(a).nl_pid, 0);
	CHECK_EQ(netlink_bind(a, 0, 0), 0);
	CHECK_EQ(netlink_own_name(a).nl_pid, getpid());
	CHECK_EQ(netlink_bind(a, 0, 0) == 0 ? 0 : errno, EINVAL);
	CHECK_EQ(netlink_bind(a, (unsigned)getpid(), 0), 0);
	CHECK_ERRNO(netlink_bind(a, 5, 0), EINVAL);
	CHECK_ERRNO(netlink_bind(b, (unsigned)getpid(), 0), EADDRINUSE);
	CHECK_EQ(netlink_bind(b, 0, 0), 0);
	CHECK((int)netlink_own_name(b).nl_pid <= -4096);
	close(a);
	a = netlink_open(NETLINK_USERSOCK);
	CHECK_EQ(netlink_bind(a, PORT_A, 0), 0);
	CHECK_ERRNO(bind(b, (struct sockaddr *)&name, sizeof(name) - 1), EINVAL);
	CHECK_ERRNO(bind(b, (struct sockaddr *)&none, sizeof(none)), EINVAL);
	CHECK_ERRNO(connect(b, (struct sockaddr *)&name, 1), EINVAL);
	CHECK_ERRNO(connect(b, (struct sockaddr *)&name, sizeof(name) - 1), EINVAL);
	name.nl_pid = PORT_A;
	name.nl_groups = 6;
	CHECK_EQ(connect(b, (struct sockaddr *)&name, sizeof(name)), 0);
	CHECK_EQ(getpeername(b, (struct sockaddr *)&name, &length), 0);
	CHECK_EQ(name.nl_pid, PORT_A);
	CHECK_EQ(name.nl_groups, 2); // the lowest counts
	CHECK_EQ(connect(b, (struct sockaddr *)&none, 2), 0);
	CHECK_EQ(getpeername(b, (struct sockaddr *)&name, &length), 0);
	CHECK_EQ(name.nl_pid, 0);
	close(a);
	close(b);
	ok("names");
}

static void check_options(void)
{
	static const int flags[] = {NETLINK_PKTINFO,         NETLINK_BROADCAST_ERROR,
				    NETLINK_NO_ENOBUFS,      NETLINK_CAP_ACK,
				    NETLINK_LISTEN_ALL_NSID, NETLINK_EXT_ACK,
				    NETLINK_GET_STRICT_CHK};
	int fd = netlink_open(NETLINK_USERSOCK), value = 1;
	unsigned char short_value = 1;
	socklen_t length = sizeof(value);

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		CHECK_EQ(netlink_get(fd, flags[i]), 0);
		CHECK_EQ(netlink_set(fd, flags[i], 77), 0);
		CHECK_EQ(netlink_get(fd, flags[i]), 1);
		CHECK_EQ(setsockopt(fd, SOL_NETLINK, flags[i], &short_value, 1), 0);
		CHECK_EQ(netlink_get(fd, flags[i]), 0);
	}
	length = 2;
	CHECK_ERRNO(getsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &value, &length),
		    EINVAL);
	CHECK_ERRNO(netlink_set(fd, 99, 1), ENOPROTOOPT);
	CHECK_ERRNO(setsockopt(fd, SOL_NETLINK + 1, 1, &value, sizeof(value)),
		    ENOPROTOOPT);
	CHECK_ERRNO(getsockopt(fd, SOL_NETLINK + 1, 1, &value, &length), ENOPROTOOPT);
	value = 1;
	length = sizeof(value);
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, sizeof(value)), 0);
	CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &length), 0);
	CHECK_EQ(value, 2304);
	value = 50000;
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, sizeof(value)), 0);
	CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &length), 0);
	CHECK_EQ(value, 100000);
	value = 10000000;
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &value, sizeof(value)), 0);
	CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &length), 0);
	CHECK_EQ(value, 20000000);
	close(fd);
	ok("options");
}

static void check_groups(void)
{
	int fd = netlink_open(NETLINK_USERSOCK);
	unsigned words[4] = {9, 9, 9, 9};
	socklen_t length = sizeof(words);

	CHECK_ERRNO(netlink_set(fd, NETLINK_ADD_MEMBERSHIP, 0), EINVAL);
	CHECK_ERRNO(netlink_set(fd, NETLINK_ADD_MEMBERSHIP, 33), EINVAL);
	CHECK_ERRNO(netlink_set(fd, NETLINK_DROP_MEMBERSHIP, 33), EINVAL);
	CHECK_EQ(netlink_set(fd, NETLINK_ADD_MEMBERSHIP, 32), 0);
	CHECK_EQ(netlink_set(fd, NETLINK_ADD_MEMBERSHIP, 2), 0);
	CHECK_EQ(getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, words, &length),
		 0);
	CHECK_EQ(length, 4);
	CHECK_EQ(words[0], 0x80000002u);
	CHECK_EQ(words[1], 9);
	words[0] = 9;
	length = 2;
	CHECK_EQ(getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, words, &length),
		 0);
	CHECK_EQ(length, 4);
	CHECK_EQ(netlink_own_name(fd).nl_groups, 0x80000002u);
	CHECK_EQ(netlink_own_name(fd).nl_pid, 0);
	CHECK_EQ(netlink_set(fd, NETLINK_DROP_MEMBERSHIP, 32), 0);
	CHECK_EQ(netlink_bind(fd, PORT_A, 5), 0);
	CHECK_EQ(netlink_own_name(fd).nl_groups, 5);
	CHECK_EQ(netlink_bind(fd, PORT_A, 0), 0);
	CHECK_EQ(netlink_own_name(fd).nl_groups, 0);
	close(fd);
	ok("groups");
}

/* Everything recvmsg(2) tells: 1 credentials, 2 group. */
static ssize_t receive(int fd, void *to, size_t size, int flags, struct msghdr *header,
		       struct sockaddr_nl *from, struct ucred *who, unsigned *group)
{
	static char control[256];
	struct iovec vector = {to, size};
	ssize_t got;

	*header = (struct msghdr){.msg_name = from,
				  .msg_namelen = sizeof(*from),
				  .msg_iov = &vector,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control)};
	*group = ~0u;
	who->pid = -1;
	got = recvmsg(fd, header, flags);
	if (got < 0) {
		return got;
	}
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS) {
			memcpy(who, CMSG_DATA(c), sizeof(*who));
		} else if (c->cmsg_level == SOL_NETLINK &&
			   c->cmsg_type == NETLINK_PKTINFO) {
			memcpy(group, CMSG_DATA(c), sizeof(*group));
		}
	}
	return got;
}

static void check_messages(void)
{
	int a = netlink_open(NETLINK_USERSOCK), b = netlink_open(NETLINK_USERSOCK),
	    on = 1;
	struct sockaddr_nl from, to = {.nl_family = AF_NETLINK, .nl_pid = PORT_B};
	struct msghdr header;
	struct ucred who;
	unsigned group;
	char text[16] = {0};

	CHECK_EQ(netlink_bind(a, PORT_A, 0), 0);
	CHECK_EQ(netlink_bind(b, PORT_B, 0), 0);
	CHECK_ERRNO(netlink_send_to(a, "", 0, PORT_B, 0), ENODATA);
	CHECK_EQ(netlink_send_to(a, "hello", 5, PORT_B, 0), 5);
	CHECK_EQ(receive(b, text, 3, MSG_PEEK, &header, &from, &who, &group), 3);
	CHECK_EQ(header.msg_flags, MSG_TRUNC);
	CHECK_EQ(header.msg_namelen, sizeof(from));
	CHECK_EQ(from.nl_pid, PORT_A);
	CHECK_EQ(from.nl_groups, 0);
	CHECK_EQ(who.pid, -1);
	CHECK_EQ(recv(b, text, 0, MSG_PEEK | MSG_TRUNC), 5);
	CHECK_EQ(setsockopt(b, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	CHECK_EQ(netlink_set(b, NETLINK_PKTINFO, 1), 0);
	CHECK_EQ(receive(b, text, 16, 0, &header, &from, &who, &group), 5);
	CHECK_EQ(header.msg_flags, 0);
	CHECK_EQ(memcmp(text, "hello", 5), 0);
	CHECK_EQ(who.pid, getpid());
	CHECK_EQ(who.uid, getuid());
	CHECK_EQ(group, 0);
	CHECK_ERRNO(recv(b, text, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(connect(a, (struct sockaddr *)&to, sizeof(to)), 0);
	CHECK_EQ(write(a, "by write", 8), 8);
	CHECK_EQ(read(b, text, 16), 8);
	CHECK_ERRNO(netlink_send_to(b, "x", 1, 77777777, 0), ECONNREFUSED);
	CHECK_ERRNO(netlink_send_to(b, "x", 1, 0, 0), ECONNREFUSED); // no kernel here
	to.nl_pid = 77;
	CHECK_EQ(connect(a, (struct sockaddr *)&to, sizeof(to)), 0);
	CHECK_ERRNO(netlink_send_to(b, "x", 1, PORT_A, 0), ECONNREFUSED); // hears 77 only
	CHECK_EQ(netlink_set(b, NETLINK_ADD_MEMBERSHIP, 3), 0);
	CHECK_ERRNO(netlink_send_to(a, "all", 3, 0, 4),
		    ECONNREFUSED); // and the group has it
	CHECK_EQ(receive(b, text, 16, 0, &header, &from, &who, &group), 3);
	CHECK_EQ(group, 3);
	CHECK_EQ(from.nl_groups, 4);
	CHECK_EQ(netlink_set(b, NETLINK_DROP_MEMBERSHIP, 3), 0);
	CHECK_ERRNO(netlink_send_to(a, "all", 3, 0, 4), ECONNREFUSED);
	CHECK_ERRNO(recv(b, text, 1, MSG_DONTWAIT), EAGAIN);
	close(a);
	close(b);
	ok("messages");
}

static void *read_one(void *argument)
{
	char byte;

	WAIT_UNTIL(recv(*(int *)argument, &byte, 1, MSG_DONTWAIT) == 1);
	return NULL;
}

static void check_full(void)
{
	int a = netlink_open(NETLINK_USERSOCK), b = netlink_open(NETLINK_USERSOCK),
	    sent = 0;
	static char block[212992];
	struct pollfd poller = {.fd = b, .events = POLLIN | POLLOUT};
	struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_pid = PORT_B};
	pthread_t reader;

	CHECK_EQ(netlink_bind(b, PORT_B, 0), 0);
	CHECK_EQ(connect(a, (struct sockaddr *)&to, sizeof(to)), 0);
	CHECK_EQ(poll(&poller, 1, 0), 1);
	CHECK_EQ(poller.revents, POLLOUT);
	CHECK_ERRNO(send(a, block, sizeof(block) - 31, 0), EMSGSIZE);
	CHECK_EQ(send(a, block, sizeof(block) - 32, 0), sizeof(block) - 32);
	CHECK_EQ(poll(&poller, 1, 0), 1);
	CHECK_EQ(poller.revents, POLLIN | POLLOUT);
	CHECK_EQ(recv(b, block, 1, 0), 1);
	while (send(a, block, 64, MSG_DONTWAIT) == 64) {
		sent++;
	}
	CHECK_EQ(errno, EAGAIN);
	CHECK(sent > 100 && sent < 1000);
	reader = start_thread(read_one, &b);
	CHECK_EQ(send(a, block, 64, 0), 64); // waits
	join_thread(reader);
	close(b);
	CHECK_ERRNO(send(a, block, 64, 0), ECONNREFUSED);
	close(a);
	ok("full");
}

/* Answers nobody reads: the connector's here, as every event goes to all of the group. */
static void check_overrun(void)
{
	int fd = netlink_open(NETLINK_CONNECTOR), size = 4000, error = 0,
	    poller = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN};
	struct process_event_message message;
	socklen_t length = sizeof(error);

	CHECK_EQ(netlink_bind(fd, 0, CN_IDX_PROC), 0);
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	CHECK_EQ(epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event), 0);
	for (int i = 0; i < 40; i++) {
		CHECK_EQ(process_events_ask(fd, PROC_CN_MCAST_LISTEN, 0, 4), 40);
	}
	CHECK_EQ(epoll_wait(poller, &event, 1, 0), 1);
	CHECK_EQ(event.events, EPOLLIN | EPOLLERR);
	CHECK_ERRNO(recv(fd, &message, sizeof(message), MSG_DONTWAIT), ENOBUFS);
	while (process_events_next(fd, &message, MSG_DONTWAIT)) {
	}
	CHECK_EQ(errno, EAGAIN); // once
	for (int i = 0; i < 40; i++) {
		CHECK_EQ(process_events_ask(fd, PROC_CN_MCAST_LISTEN, 0, 4), 40);
	}
	CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length), 0);
	CHECK_EQ(error, ENOBUFS);
	while (process_events_next(fd, &message, MSG_DONTWAIT)) {
	}
	CHECK_EQ(netlink_set(fd, NETLINK_NO_ENOBUFS, 1), 0);
	for (int i = 0; i < 40; i++) {
		CHECK_EQ(process_events_ask(fd, PROC_CN_MCAST_LISTEN, 0, 4), 40);
	}
	while (process_events_next(fd, &message, MSG_DONTWAIT)) {
	}
	CHECK_EQ(errno, EAGAIN);
	close(poller);
	close(fd);
	ok("overrun");
}

static void as_nobody(void)
{
	int a = netlink_open(NETLINK_USERSOCK), b = netlink_open(NETLINK_CONNECTOR),
	    size = 9999;

	CHECK_EQ(setresgid(NOBODY, NOBODY, NOBODY), 0);
	CHECK_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
	CHECK_ERRNO(netlink_bind(a, 0, 1), EPERM);
	CHECK_ERRNO(netlink_set(a, NETLINK_ADD_MEMBERSHIP, 1), EPERM);
	CHECK_ERRNO(netlink_set(a, NETLINK_DROP_MEMBERSHIP, 1), EPERM);
	CHECK_ERRNO(netlink_set(a, NETLINK_LISTEN_ALL_NSID, 1), EPERM);
	CHECK_ERRNO(setsockopt(a, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)),
		    EPERM);
	CHECK_ERRNO(netlink_send_to(a, "x", 1, 77777777, 0),
		    ECONNREFUSED); // may be addressed
	CHECK_ERRNO(netlink_send_to(b, "x", 1, 77777777, 0), EPERM);
	CHECK_ERRNO(netlink_bind(b, 0, 2), EPERM);
	CHECK_ERRNO(netlink_set(b, NETLINK_ADD_MEMBERSHIP, 2), EPERM);
	CHECK_EQ(netlink_bind(b, 0, 1), 0); // who hears of processes reads no secrets
}

/* Lengths that lie, in each byte of the header in turn: nothing comes of it, and nothing is answered. */
static void check_malformed(void)
{
	int fd = netlink_open(NETLINK_CONNECTOR);
	unsigned char bytes[64];
	unsigned seed = 1;

	for (int i = 0; i < 3000; i++) {
		struct nlmsghdr header = {.nlmsg_len = (unsigned)(i % 70),
					  .nlmsg_flags = (unsigned short)(i % 8)};
		size_t size = 1 + (unsigned)i * 7 % 64;

		for (size_t k = 0; k < sizeof(bytes); k++) {
			seed = seed * 1103515245u + 12345u;
			bytes[k] = (unsigned char)(seed >> 24);
		}
		if (i % 3) {
			memcpy(bytes, &header, sizeof(header));
		}
		CHECK_EQ(send(fd, bytes, size, 0), size);
	}
	CHECK_ERRNO(recv(fd, bytes, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_ERRNO(send(fd, UNMAPPED_ADDRESS, 16, 0), EFAULT);
	close(fd);
	ok("malformed");
}

int main(void)
{
	if (geteuid() != 0) {
		skip("must be root");
	}
	check_kinds();
	check_names();
	check_options();
	check_groups();
	check_messages();
	check_full();
	check_overrun();
	must_pass_in_child(as_nobody);
	ok("rights");
	check_malformed();
	return 0;
}
