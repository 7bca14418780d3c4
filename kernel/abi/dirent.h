// SPDX-License-Identifier: MIT
/* What getdents(2) and getdents64(2) write; no uapi header has it. */
#pragma once

#include "lib/types.h"

struct linux_dirent64 {
	u64 d_ino;
	s64 d_off;
	u16 d_reclen;
	u8 d_type;
	char d_name[];
};

struct linux_dirent { /* d_type is the entry's last byte */
	unsigned long d_ino;
	unsigned long d_off;
	u16 d_reclen;
	char d_name[];
};

#define DIRECTORY_ENTRY_ALIGN 8
