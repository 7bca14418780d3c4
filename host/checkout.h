// SPDX-License-Identifier: MIT
/*
 * Run from a checkout: is what was built older than its sources?
 */
#pragma once

#include "architecture.h"

#include <stdbool.h>

/*
 * Can ./heddle, the script, build what `architecture` needs and install the packages for it? It says where it is by
 * HEDDLE_CHECKOUT, and for which architectures it has already done so by HEDDLE_BUILT.
 */
bool checkout_can_build(const struct architecture *architecture);

/*
 * True if it can, and a source is newer than the last build for the architecture. Hidden files and editors' backups
 * do not count.
 */
bool checkout_is_stale(const struct architecture *architecture);

/* Run the script again, which builds first. Returns only if it cannot be run, a negative errno. */
int checkout_build_and_run(const struct architecture *architecture, char **arguments);
