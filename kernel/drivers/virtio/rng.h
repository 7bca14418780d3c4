// SPDX-License-Identifier: MIT
/* The driver of virtio-rng. */
#pragma once

void virtio_rng_init(void); /* boot, before or after virtio_init() */
