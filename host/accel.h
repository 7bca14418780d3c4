// SPDX-License-Identifier: MIT
/*
 * Which acceleration QEMU shall use, and why.
 */
#pragma once

#include "options.h"

#include <stddef.h>

/*
 * For guests of `architecture`. Returns "kvm" or "tcg" and the reason. ACCEL_AUTO takes KVM only if a tiny guest has ended
 * under it in time; that answer is cached until the machine is rebooted or QEMU changes. NULL: what was
 * asked for is not to be had, and the reason says why.
 */
const char *accel_choose(enum accel_choice choice,
			 const struct architecture *architecture, const char *qemu,
			 char *reason, size_t size);
