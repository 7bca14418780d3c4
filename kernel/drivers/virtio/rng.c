// SPDX-License-Identifier: MIT
/* virtio-rng: the host's random bytes, once at boot, into the kernel's pool. */
#include "drivers/virtio/rng.h"
#include "arch/mmu.h"
#include "core/random.h"
#include "drivers/virtio/virtio.h"
#include "lib/string.h"
#include <linux/virtio_ids.h>

static u8 bytes[64] aligned_(64);

static void completed(struct virtqueue *queue)
{
	u32 length;

	while (virtqueue_take(queue, &length)) {
		random_add_entropy(bytes, MIN((size_t)length, sizeof bytes));
		memset(bytes, 0, sizeof bytes);
	}
}

static int probe(struct virtio_device *device)
{
	struct virtio_segment segment = {virtual_to_physical(bytes), sizeof bytes};
	struct virtqueue *queue;
	int error = virtio_accept_features(device, 0);

	if (!error) {
		error = virtqueue_create(device, 0, 8, completed, NULL, &queue);
	}
	if (error) {
		return error;
	}
	virtio_set_ready(device);
	error = virtqueue_add(queue, &segment, 0, 1, bytes);
	virtqueue_kick(queue);
	return error;
}

static struct virtio_driver driver = {
	.name = "virtio-rng",
	.kind = VIRTIO_ID_RNG,
	.probe = probe,
};

void virtio_rng_init(void)
{
	virtio_driver_register(&driver);
}
