// SPDX-License-Identifier: MIT
/* Layouts and numbers of netdevice(7): its uapi header wants the C library's sockets. */
#pragma once

#include "lib/types.h"

enum { INTERFACE_NAME_SIZE = 16 };

/* struct ifreq */
struct interface_request {
	char name[INTERFACE_NAME_SIZE];
	union {
		s16 flags;
		s32 number;              /* index, MTU, metric, queue length */
		u8 hardware_address[16]; /* u16 family, then bytes */
		u8 bytes[24];
	};
};

/* struct ifconf */
struct interface_list {
	s32 length;
	u32 padding;
	u64 buffer;
};

enum {
	INTERFACE_UP = 0x1,
	INTERFACE_LOOPBACK = 0x8,
	INTERFACE_RUNNING = 0x40,
	HARDWARE_LOOPBACK = 772, /* ARPHRD_LOOPBACK */
};
