// SPDX-License-Identifier: MIT
/* Between the transport and the queues. */
#pragma once

#include "drivers/virtio/virtio.h"
#include <linux/virtio_mmio.h>

u32 virtio_register(struct virtio_device *device, unsigned offset);
void virtio_set_register(struct virtio_device *device, unsigned offset, u32 value);
void virtqueue_interrupt(struct virtqueue *queue);
