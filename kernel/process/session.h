// SPDX-License-Identifier: MIT
/* setsid(2) and setpgid(2). */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

/* The running process leads a new session and group: its number; -EPERM if it leads a group. */
long session_start(void);
/* setpgid(2): 0 means the caller, or the target itself. */
long group_join(pid_nr target, pid_nr group);
