// SPDX-License-Identifier: MIT
/* Special values of tv_nsec for utimensat(2); no uapi header has them. */
#pragma once

#define UTIME_NOW  ((1L << 30) - 1L)
#define UTIME_OMIT ((1L << 30) - 2L)
