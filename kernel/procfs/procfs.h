// SPDX-License-Identifier: MIT
/* proc(5): the observer. It reads every room and nobody includes it. */
#pragma once

/* Boot: registers the types "proc" and "sysfs". */
void procfs_init(void);
