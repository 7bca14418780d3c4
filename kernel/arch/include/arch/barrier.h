// SPDX-License-Identifier: MIT
/* Contract: barriers C11 atomics do not express: device memory. */
#pragma once

static inline void arch_device_barrier(
	void); /* all earlier memory and device accesses before all later ones */

#include "arch/impl/barrier.h"
