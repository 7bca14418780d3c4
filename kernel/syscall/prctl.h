// SPDX-License-Identifier: MIT
/* Between the files of prctl(2). */
#pragma once

#include "lib/types.h"

/* What a thread or its memory may ask of the machine, by `arg` of the call; -EINVAL: none of these options. */
long prctl_machine(int option, const u64 *arg);
