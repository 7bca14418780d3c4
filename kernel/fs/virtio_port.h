// SPDX-License-Identifier: MIT
/* Ports of virtio consoles as devices. */
#pragma once

/* Boot: after devfs can be added to, before virtio_init(). */
void virtio_ports_init(void);
