// SPDX-License-Identifier: MIT
/* I/O priorities, for other calls that are given one. */
#pragma once

#include "syscall/syscall.h"

/* May who runs ask for this class and level? -EINVAL: there are none such; -EPERM. */
int io_priority_check(u32 priority) must_check;
