// SPDX-License-Identifier: MIT
/* fcntl(F_DUPFD): with dup(2) in file_open.c. */
#pragma once

#include "lib/types.h"

/* The lowest free descriptor >= from for the same open file: -EBADF, -EINVAL (from is beyond the limit), -EMFILE. */
long file_duplicate(int fd, u64 from, bool close_on_exec);
