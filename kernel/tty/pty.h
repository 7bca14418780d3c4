// SPDX-License-Identifier: MIT
/* Pseudoterminals, for devpts: which exist. */
#pragma once

#include "tty/tty.h"

enum { PTY_MAXIMUM = 4096, PTY_SLAVE_MAJOR = 136, PTMX_MAJOR = 5, PTMX_MINOR = 2 };

/* The pair's terminal side with a reference, or NULL: there is none of this number. */
struct tty *pty_find(unsigned index);
/* The first live number at or after `from`, or -1. */
int pty_next(unsigned from);
/* Who owns /dev/pts/N: the opener of the master. */
void pty_owner(unsigned index, u32 *uid, u32 *gid);
