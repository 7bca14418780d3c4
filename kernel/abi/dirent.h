// SPDX-License-Identifier: MIT
/* What getdents(2) and getdents64(2) write; no uapi header has it. */
#pragma once

#include <stdint.h>

struct linux_dirent64 {
	uint64_t d_ino;
	int64_t d_off;
	uint16_t d_reclen;
	uint8_t d_type;
	char d_name[];
};

struct linux_dirent { /* d_type is the entry's last byte */
	unsigned long d_ino;
	unsigned long d_off;
	uint16_t d_reclen;
	char d_name[];
};

#define DIRECTORY_ENTRY_ALIGN 8
