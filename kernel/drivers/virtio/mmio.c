// SPDX-License-Identifier: MIT
/*
 * Virtio over memory-mapped registers, versions 1 (legacy) and 2: finding devices, features, interrupts.
 *
 * Owns      struct virtio_device, the list of devices and of drivers.
 * Locks     registration_lock (mutex): both lists. A device's fields are written by its probe only.
 */
#include "arch/barrier.h"
#include "arch/boot.h"
#include "core/log.h"
#include "drivers/interrupt.h"
#include "drivers/virtio/virtio_internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/kernel_stack.h"
#include "sync/mutex.h"
#include <linux/virtio_config.h>

enum { PLATFORM_DEVICES_MAX = 64, MAGIC = 0x74726976 };

static struct mutex registration_lock;
static struct list devices = LIST_INIT(devices);
static struct virtio_driver *drivers;
static bool started;

u32 virtio_register(struct virtio_device *device, unsigned offset)
{
	return *(volatile u32 *)(device->registers + offset);
}

void virtio_set_register(struct virtio_device *device, unsigned offset, u32 value)
{
	*(volatile u32 *)(device->registers + offset) = value;
}

static void add_status(struct virtio_device *device, u32 bits)
{
	virtio_set_register(device, VIRTIO_MMIO_STATUS,
			    virtio_register(device, VIRTIO_MMIO_STATUS) | bits);
}

void virtio_set_ready(struct virtio_device *device)
{
	add_status(device, VIRTIO_CONFIG_S_DRIVER_OK);
}

void virtio_set_failed(struct virtio_device *device)
{
	add_status(device, VIRTIO_CONFIG_S_FAILED);
}

static u64 offered_features(struct virtio_device *device)
{
	u64 features;

	virtio_set_register(device, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	features = (u64)virtio_register(device, VIRTIO_MMIO_DEVICE_FEATURES) << 32;
	virtio_set_register(device, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	return features | virtio_register(device, VIRTIO_MMIO_DEVICE_FEATURES);
}

int virtio_accept_features(struct virtio_device *device, u64 wanted)
{
	u64 modern = 1UL << VIRTIO_F_VERSION_1;
	u64 offered = offered_features(device);

	if (device->version > 1) {
		if (!(offered & modern)) {
			return -ENODEV;
		}
		wanted |= modern;
	}
	device->features = offered & wanted;
	virtio_set_register(device, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	virtio_set_register(device, VIRTIO_MMIO_DRIVER_FEATURES,
			    (u32)(device->features >> 32));
	virtio_set_register(device, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	virtio_set_register(device, VIRTIO_MMIO_DRIVER_FEATURES, (u32)device->features);
	if (device->version == 1) {
		virtio_set_register(device, VIRTIO_MMIO_GUEST_PAGE_SIZE, PAGE_SIZE);
		return 0;
	}
	add_status(device, VIRTIO_CONFIG_S_FEATURES_OK);
	if (!(virtio_register(device, VIRTIO_MMIO_STATUS) &
	      VIRTIO_CONFIG_S_FEATURES_OK)) {
		return -ENODEV;
	}
	return 0;
}

void virtio_read_configuration(struct virtio_device *device, size_t offset, void *to,
			       size_t size)
{
	volatile u8 *from = device->registers + VIRTIO_MMIO_CONFIG + offset;
	u8 *bytes = to;

	if (size == 4) {
		*(u32 *)to = *(volatile u32 *)from;
	} else if (size == 2) {
		*(u16 *)to = *(volatile u16 *)from;
	} else {
		for (size_t i = 0; i < size; i++) {
			bytes[i] = from[i];
		}
	}
}

static void handle_interrupt(void *argument)
{
	struct virtio_device *device = argument;
	u32 why = virtio_register(device, VIRTIO_MMIO_INTERRUPT_STATUS);
	unsigned count;

	if (!why) {
		return;
	}
	virtio_set_register(device, VIRTIO_MMIO_INTERRUPT_ACK, why);
	/* What is given back from here on interrupts anew; what was before is seen. order.acknowledge: pairs with the device */
	arch_device_barrier();
	if (why & VIRTIO_MMIO_INT_VRING) {
		/* order.queues: pairs with virtqueue_create() */
		count = atomic_load_explicit(&device->queue_count, memory_order_acquire);
		for (unsigned i = 0; i < count; i++) {
			virtqueue_interrupt(device->queues[i]);
		}
	}
	if (why & VIRTIO_MMIO_INT_CONFIG && device->configuration_changed) {
		device->configuration_changed(device);
	}
}

/* Give `device` to its driver, if there is one. */
static void try_probe(struct virtio_device *device, struct virtio_driver *driver)
{
	int error;

	if (device->claimed || device->kind != driver->kind) {
		return;
	}
	device->claimed = true;
	add_status(device, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	add_status(device, VIRTIO_CONFIG_S_DRIVER);
	error = interrupt_register(device->line, true, handle_interrupt, device);
	if (!error) {
		error = driver->probe(device);
	}
	if (error) {
		virtio_set_failed(device);
		log_warning("%s: device at line %u: error %d", driver->name, device->line,
			    error);
	}
}

static void add_device(const struct platform_device *platform)
{
	volatile u8 *registers = kernel_map_device(platform->base, platform->size);
	struct virtio_device *device;

	if (!registers || *(volatile u32 *)registers != MAGIC) {
		return;
	}
	device = heap_allocate(sizeof *device);
	if (!device) {
		return;
	}
	device->registers = registers;
	device->line = platform->irq;
	device->version = virtio_register(device, VIRTIO_MMIO_VERSION);
	device->kind = virtio_register(device, VIRTIO_MMIO_DEVICE_ID);
	if (device->kind == 0 || device->version < 1 || device->version > 2) {
		heap_free(device);
		return;
	}
	virtio_set_register(device, VIRTIO_MMIO_STATUS, 0);
	/* The slots are filled from the last one down: the first device is the one behind. */
	list_push_front(&devices, &device->link);
}

void virtio_init(void)
{
	static struct platform_device found[PLATFORM_DEVICES_MAX];
	unsigned count = arch_platform_devices(found, PLATFORM_DEVICES_MAX);
	struct virtio_device *device;

	mutex_init(&registration_lock, RANK_DRIVER_SLEEP, "virtio.registration_lock");
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(found[i].compatible, "virtio,mmio") == 0) {
			add_device(&found[i]);
		}
	}
	mutex_lock(&registration_lock);
	started = true;
	list_for_each(device, &devices, link) {
		for (struct virtio_driver *driver = drivers; driver;
		     driver = driver->next) {
			try_probe(device, driver);
		}
	}
	mutex_unlock(&registration_lock);
}

void virtio_driver_register(struct virtio_driver *driver)
{
	struct virtio_device *device;

	if (!started) { /* boot, one thread */
		driver->next = drivers;
		drivers = driver;
		return;
	}
	mutex_lock(&registration_lock);
	driver->next = drivers;
	drivers = driver;
	list_for_each(device, &devices, link) {
		try_probe(device, driver);
	}
	mutex_unlock(&registration_lock);
}
