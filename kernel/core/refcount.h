// SPDX-License-Identifier: MIT
/*
 * Reference counts. A get on 0 and an overflow panic, in every build.
 * put: release on the decrement, acquire for the one who sees 0 and tears down.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"
#include <stdatomic.h>

struct refcount {
	_Atomic u32 value;
};

void refcount_init(struct refcount *count, u32 value);
void refcount_get(struct refcount *count);
bool refcount_try_get(struct refcount *count) must_check; /* false if it was 0 */
bool refcount_put(struct refcount *count) must_check;	  /* true: that was the last one */
u32 refcount_read(const struct refcount *count);	  /* relaxed; for tests and reports */
/* Is the caller's own count the only one? Load-acquire: what those who left did is visible. */
bool refcount_alone(const struct refcount *count);
