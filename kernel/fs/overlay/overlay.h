// SPDX-License-Identifier: MIT
/* The overlay file system: mount(2) type "overlay", options lowerdir=A[:B…], upperdir=, workdir=. */
#pragma once

/* Boot: registers the type. */
void overlay_init(void);
