// SPDX-License-Identifier: MIT
/* The 9p file system: mount(2) with type "9p", trans=virtio, the device's tag as source. */
#pragma once

void p9_init(void); /* boot, before virtio_init() */
