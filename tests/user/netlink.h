// SPDX-License-Identifier: MIT
/* netlink(7) in tests: sockets, messages, and the process events connector. */
#pragma once

#include "test.h"
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <sys/socket.h>

enum {
	EVENT_NONZERO_EXIT = 0x20000000
}; /* PROC_EVENT_NONZERO_EXIT: not in every header */

#ifndef SOL_NETLINK
#	define SOL_NETLINK 270
#endif

static inline int netlink_open(int protocol)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	CHECK(fd >= 0);
	return fd;
}

static inline int netlink_bind(int fd, unsigned port, unsigned groups)
{
	struct sockaddr_nl address = {
		.nl_family = AF_NETLINK, .nl_pid = port, .nl_groups = groups};

	return bind(fd, (struct sockaddr *)&address, sizeof(address));
}

static inline struct sockaddr_nl netlink_own_name(int fd)
{
	struct sockaddr_nl address = {0};
	socklen_t length = sizeof(address);

	CHECK_EQ(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	CHECK_EQ(length, sizeof(address));
	CHECK_EQ(address.nl_family, AF_NETLINK);
	return address;
}

static inline ssize_t netlink_send_to(int fd, const void *data, size_t size,
				      unsigned port, unsigned groups)
{
	struct sockaddr_nl address = {
		.nl_family = AF_NETLINK, .nl_pid = port, .nl_groups = groups};

	return sendto(fd, data, size, 0, (struct sockaddr *)&address, sizeof(address));
}

static inline int netlink_set(int fd, int option, int value)
{
	return setsockopt(fd, SOL_NETLINK, option, &value, sizeof(value));
}

static inline int netlink_get(int fd, int option)
{
	int value = -1;
	socklen_t length = sizeof(value);

	CHECK_EQ(getsockopt(fd, SOL_NETLINK, option, &value, &length), 0);
	CHECK_EQ(length, sizeof(value));
	return value;
}

/* ---- attributes ---- */

/* A message of up to 4096 bytes, built by hand. */
struct netlink_text {
	union {
		struct nlmsghdr header;
		unsigned char bytes[4096];
	};
};

static inline void netlink_start(struct netlink_text *text, int type, int flags,
				 unsigned sequence, const void *family, size_t size)
{
	memset(text, 0, sizeof(*text));
	text->header.nlmsg_type = (unsigned short)type;
	text->header.nlmsg_flags = (unsigned short)flags;
	text->header.nlmsg_seq = sequence;
	text->header.nlmsg_len = NLMSG_LENGTH(size);
	memcpy(NLMSG_DATA(&text->header), family, size);
}

static inline void netlink_add(struct netlink_text *text, int type, const void *data,
			       size_t size)
{
	struct nlattr attribute = {.nla_len = (unsigned short)(NLA_HDRLEN + size),
				   .nla_type = (unsigned short)type};
	size_t at = NLMSG_ALIGN(text->header.nlmsg_len);

	CHECK(at + NLA_HDRLEN + size <= sizeof(text->bytes));
	memcpy(text->bytes + at, &attribute, sizeof(attribute));
	memcpy(text->bytes + at + NLA_HDRLEN, data, size);
	text->header.nlmsg_len = (unsigned)(at + NLA_ALIGN(NLA_HDRLEN + size));
}

/* The payload of the attribute of this type among `size` bytes of them; NULL: none. */
static inline const void *netlink_find(const void *from, size_t size, int type,
				       size_t *length)
{
	const unsigned char *at = from;

	while (size >= NLA_HDRLEN) {
		struct nlattr attribute;
		size_t step;

		memcpy(&attribute, at, sizeof(attribute));
		if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > size) {
			return NULL;
		}
		if ((attribute.nla_type & NLA_TYPE_MASK) == type) {
			*length = attribute.nla_len - NLA_HDRLEN;
			return at + NLA_HDRLEN;
		}
		step = NLA_ALIGN(attribute.nla_len);
		if (step > size) {
			return NULL;
		}
		at += step;
		size -= step;
	}
	return NULL;
}

/* ---- the process events connector ---- */

struct process_event_message {
	struct nlmsghdr header;
	struct cn_msg connector;
	struct proc_event event;
} __attribute__((packed));

/* Say `size` bytes of (operation, mask). */
static inline ssize_t process_events_ask(int fd, unsigned operation, unsigned mask,
					 size_t size)
{
	unsigned words[2] = {operation, mask};
	unsigned char bytes[NLMSG_LENGTH(sizeof(struct cn_msg) + sizeof(words))] = {0};
	struct nlmsghdr header = {
		.nlmsg_len = (unsigned)NLMSG_LENGTH(sizeof(struct cn_msg) + size),
		.nlmsg_type = NLMSG_DONE};
	struct cn_msg asked = {.id = {CN_IDX_PROC, CN_VAL_PROC},
			       .seq = 3,
			       .ack = 100,
			       .len = (unsigned short)size};

	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), &asked, sizeof(asked));
	memcpy(bytes + sizeof(header) + sizeof(asked), words, size);
	return send(fd, bytes, header.nlmsg_len, 0);
}

/* The next event; false: nothing is there (MSG_DONTWAIT) or something was lost. */
static inline bool process_events_next(int fd, struct process_event_message *message,
				       int flags)
{
	ssize_t got = recv(fd, message, sizeof(*message), flags);

	if (got < 0) {
		CHECK(errno == EAGAIN || errno == ENOBUFS);
		return false;
	}
	CHECK_EQ(got, sizeof(*message));
	CHECK_EQ(message->header.nlmsg_len, sizeof(*message));
	CHECK_EQ(message->header.nlmsg_type, NLMSG_DONE);
	CHECK_EQ(message->header.nlmsg_flags, 0);
	CHECK_EQ(message->header.nlmsg_pid, 0);
	CHECK_EQ(message->header.nlmsg_seq, message->connector.seq);
	CHECK_EQ(message->connector.id.idx, CN_IDX_PROC);
	CHECK_EQ(message->connector.id.val, CN_VAL_PROC);
	CHECK_EQ(message->connector.len, sizeof(message->event));
	return true;
}
