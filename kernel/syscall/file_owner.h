// SPDX-License-Identifier: MIT
/* Who is signalled of an open file. */
#pragma once

#include "fs/file.h"

/* F_SETOWN, F_GETOWN, F_SETOWN_EX, F_GETOWN_EX, F_SETSIG, F_GETSIG of fcntl(2). */
long file_control_owner(struct file *file, int command, u64 argument);
/* The running process becomes the owner, if nobody is. */
void file_claim(struct file *file);
