// SPDX-License-Identifier: MIT
/*
 * Numbers of address spaces, by which TLBs tell them apart. An address space has one from its first to its last moment; where all are
 * taken the next ones share one, ASID_SHARED.
 */
#pragma once

#include "lib/types.h"

enum { ASID_NONE = 0, ASID_SHARED = 1, ASID_FIRST = 2, ASIDS_MAX = 65536 };

/* `count`: how many the CPU can tell apart, at most ASIDS_MAX. At boot. */
void asid_init(u32 count);
u16 asid_take(void);
/* No CPU remembers anything by it. */
void asid_give(u16 asid);
