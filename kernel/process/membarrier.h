// SPDX-License-Identifier: MIT
/* membarrier(2): a barrier that one side of a pair pays for both. */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

/*
 * The call of the running thread. `cpu` matters with MEMBARRIER_CMD_FLAG_CPU. -EINVAL: command or flags; -EPERM: the process
 * has not registered for it. Thread context, no lock held; does not sleep.
 */
long membarrier(int command, u32 flags, int cpu) must_check;
