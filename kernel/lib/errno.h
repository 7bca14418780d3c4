// SPDX-License-Identifier: MIT
/* Linux's error numbers, and the kernel's own that never reach a user. */
#pragma once

#include <asm/errno.h>

/* A system call that a signal broke returns one of these; process/signal turns it into EINTR or restarts. */
#undef ERESTART      /* Linux's headers name a number no system call returns */
#define ERESTART 512 /* restart if the handler has SA_RESTART, or no handler runs */
#define ERESTART_ALWAYS     513 /* restart in any case */
#define ERESTART_NO_HANDLER 514 /* restart only if no handler runs; else EINTR */
#define ERESTART_BLOCK      516 /* like NO_HANDLER, through restart_syscall(2) */
