// SPDX-License-Identifier: MIT
/*
 * Run from a checkout: is what was built older than its sources?
 */
#pragma once

#include <stdbool.h>

/*
 * HEDDLE_CHECKOUT names the checkout (the script ./heddle sets it; unset: nothing is stale). True if a source is newer
 * than the last build. Hidden files and editors' backups do not count.
 */
bool checkout_is_stale(void);

/* Run the checkout's script again, which builds first. Returns only if it cannot be run, a negative errno. */
int checkout_build_and_run(char **arguments);
