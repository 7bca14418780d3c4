// SPDX-License-Identifier: MIT
/* Numbers and layouts of socket(2), send(2), recv(2), cmsg(3) that no uapi header has. */
#pragma once

#include <stdint.h>

enum {
	AF_UNSPEC = 0,
	AF_UNIX = 1,
	AF_INET = 2,
	AF_INET6 = 10,
	AF_NETLINK = 16,
	AF_MAX = 46
};

enum {
	SOCK_STREAM = 1,
	SOCK_DGRAM = 2,
	SOCK_RAW = 3,
	SOCK_SEQPACKET = 5,
	SOCK_TYPE_MASK = 0xf,
	SOCK_CLOEXEC = 02000000,
	SOCK_NONBLOCK = 04000,
};

enum {
	MSG_OOB = 0x1,
	MSG_PEEK = 0x2,
	MSG_DONTROUTE = 0x4,
	MSG_CTRUNC = 0x8,
	MSG_TRUNC = 0x20,
	MSG_DONTWAIT = 0x40,
	MSG_EOR = 0x80,
	MSG_WAITALL = 0x100,
	MSG_NOSIGNAL = 0x4000,
	MSG_MORE = 0x8000,
	MSG_WAITFORONE = 0x10000,
	MSG_CMSG_CLOEXEC = 0x40000000,
};

enum { SOL_NETLINK = 270 };
enum { SHUT_RD, SHUT_WR, SHUT_RDWR };
enum { SCM_RIGHTS = 1, SCM_CREDENTIALS = 2, SCM_MAX_FD = 253 };
enum { SOCKET_ADDRESS_MAX = 128 };

struct user_msghdr { /* struct msghdr */
	uint64_t name;
	int32_t name_length;
	uint32_t padding;
	uint64_t vector;
	uint64_t vector_count;
	uint64_t control;
	uint64_t control_length;
	uint32_t flags;
	uint32_t padding2;
};

struct user_mmsghdr { /* struct mmsghdr */
	struct user_msghdr header;
	uint32_t length;
	uint32_t padding;
};

struct user_cmsghdr { /* struct cmsghdr */
	uint64_t length;
	int32_t level;
	int32_t type;
};

struct user_ucred { /* struct ucred */
	int32_t pid;
	uint32_t uid, gid;
};
