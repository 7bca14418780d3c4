// SPDX-License-Identifier: MIT
/* What Linux's uapi headers expect of the C library's <sys/socket.h>: the generic address. */
#pragma once

typedef unsigned short sa_family_t;

struct sockaddr {
	sa_family_t sa_family;
	char sa_data[14];
};
