// SPDX-License-Identifier: MIT
/* Sleeping until a point of CLOCK_REALTIME. */
#pragma once

void realtime_sleepers_init(void); /* boot */
