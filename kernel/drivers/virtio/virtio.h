// SPDX-License-Identifier: MIT
/*
 * Virtio devices and their queues.
 *
 * A driver registers; its probe gets each device of its kind, agrees on features, makes the queues and says that it is ready.
 * A queue has no lock of its own: its driver serialises all calls on it, also against the callback.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"
#include <stdatomic.h>

enum { VIRTIO_QUEUES_MAX = 40 };

struct virtqueue;

struct virtio_device {
	struct list link;
	volatile u8 *registers;
	unsigned line;
	u32 version; /* of the transport: 1 legacy, 2 modern */
	u32 kind;    /* VIRTIO_ID_* */
	u64 features;
	bool claimed;
	_Atomic unsigned queue_count; /* grows; an interrupt may come meanwhile */
	struct virtqueue *queues[VIRTIO_QUEUES_MAX];
	/* The configuration space changed; interrupts off. May be NULL. */
	void (*configuration_changed)(struct virtio_device *device);
	void *data; /* the driver's */
};

struct virtio_driver {
	const char *name;
	u32 kind;
	int (*probe)(struct virtio_device *device); /* thread context */
	struct virtio_driver *next;
};

/* Find the devices. Boot, thread context, once; before or after drivers register. */
void virtio_init(void);
void virtio_driver_register(struct virtio_driver *driver);

/* Accept those of `wanted` (bits 1 << VIRTIO_…_F_…) that the device offers: device->features. -ENODEV: no agreement. */
int virtio_accept_features(struct virtio_device *device, u64 wanted) must_check;
/* Queues are made, buffers may be used. */
void virtio_set_ready(struct virtio_device *device);
void virtio_set_failed(struct virtio_device *device);
/* The device's configuration space. */
void virtio_read_configuration(struct virtio_device *device, size_t offset, void *to,
			       size_t size);

/* A piece of memory of a request; physical_to_virtual() memory only. */
struct virtio_segment {
	paddr_t physical;
	u32 size;
};

/*
 * Queue `index` with at most `size_max` descriptors. `completed` is called for its interrupts, interrupts off; NULL: none are wanted.
 * -ENODEV: the device has no such queue. -ENOMEM.
 */
int virtqueue_create(struct virtio_device *device, unsigned index, unsigned size_max,
		     void (*completed)(struct virtqueue *queue), void *argument,
		     struct virtqueue **out) must_check;
void *virtqueue_argument(const struct virtqueue *queue);
unsigned virtqueue_size(const struct virtqueue *queue);
unsigned virtqueue_free(const struct virtqueue *queue); /* descriptors */
/* Offer a request: `outs` segments the device reads, then `ins` it writes. -ENOSPC: not enough descriptors. Any context. */
int virtqueue_add(struct virtqueue *queue, const struct virtio_segment *segments,
		  unsigned outs, unsigned ins, void *token) must_check;
/* Tell the device, if it wants to be told. */
void virtqueue_kick(struct virtqueue *queue);
/* The next finished request's token and how many bytes were written into it; NULL: none. */
void *virtqueue_take(struct virtqueue *queue, u32 *length);
