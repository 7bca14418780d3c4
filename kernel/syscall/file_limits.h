// SPDX-License-Identifier: MIT
#pragma once

/* Boot, before the first process: fs/ asks for RLIMIT_FSIZE, vm/ for the right to lock memory, from now on. */
void file_limits_init(void);
