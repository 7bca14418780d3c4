// SPDX-License-Identifier: MIT
/* Fail the n-th allocation (tests). Asked by every allocator; false in normal runs at the cost of one load. */
#pragma once

#include "lib/types.h"

bool fault_injection_should_fail(void);
/* Fail the n-th call from now on in the calling thread; 0: off. Returns how many were counted before. */
u64 fault_injection_arm(u64 nth);
