// SPDX-License-Identifier: MIT
/* Joins terminals (tty/) with sessions and groups (process/job_control.h). */
#pragma once

/* Boot: installs tty/'s operations table, and what happens when a session leader ends. */
void terminal_init(void);
