// SPDX-License-Identifier: MIT
/*
 * Split virtqueues: a table of descriptors, the ring we offer requests in, the ring the device gives them back in.
 *
 * Owns      struct virtqueue.
 * Locks     none: the driver serialises.
 *
 * Invariants
 *   Q1  A descriptor is in the free chain, or in the chain of one request whose head has a token.
 *   Q2  offered.index is stored after the entry it makes visible; used.index is read before the entries.
 *
 * Model: tests/model/ring_model.c.
 */
#include "arch/barrier.h"
#include "core/panic.h"
#include "drivers/virtio/virtio_internal.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include <linux/virtio_config.h>
#include <stdatomic.h>

enum { DESCRIPTOR_NEXT = 1, DESCRIPTOR_WRITE = 2, NO_INTERRUPT = 1, NO_NOTIFY = 1 };

struct descriptor {
	u64 address;
	u32 size;
	u16 flags;
	u16 next;
};

struct offered_ring {
	u16 flags;
	_Atomic u16 index;
	u16 ring[];
};

struct used_entry {
	u32 id;
	u32 length;
};

struct used_ring {
	u16 flags;
	_Atomic u16 index;
	struct used_entry ring[];
};

struct virtqueue {
	struct virtio_device *device;
	unsigned index, size;
	volatile struct descriptor *table;
	volatile struct offered_ring *offered;
	volatile struct used_ring *used;
	u16 free_head, free_count;
	u16 next_offer; /* our count of offers */
	u16 last_used;  /* how far we took */
	void (*completed)(struct virtqueue *queue);
	void *argument;
	void *tokens[]; /* by head descriptor */
};

struct layout {
	size_t offered, used, total;
};

static struct layout layout_of(unsigned size, size_t alignment)
{
	struct layout layout;

	layout.offered = size * sizeof(struct descriptor);
	layout.used = ALIGN_UP(layout.offered + sizeof(struct offered_ring) +
				       (size + 1) * sizeof(u16),
			       alignment);
	layout.total = layout.used + sizeof(struct used_ring) +
		       size * sizeof(struct used_entry) + sizeof(u16);
	return layout;
}

static void set_address(struct virtio_device *device, unsigned offset, paddr_t physical)
{
	virtio_set_register(device, offset, (u32)physical);
	virtio_set_register(device, offset + 4, (u32)(physical >> 32));
}

static void tell_device(struct virtio_device *device, unsigned size, paddr_t memory,
			const struct layout *layout)
{
	virtio_set_register(device, VIRTIO_MMIO_QUEUE_NUM, size);
	if (device->version == 1) {
		virtio_set_register(device, VIRTIO_MMIO_QUEUE_ALIGN, PAGE_SIZE);
		virtio_set_register(device, VIRTIO_MMIO_QUEUE_PFN,
				    (u32)(memory >> PAGE_SHIFT));
		return;
	}
	set_address(device, VIRTIO_MMIO_QUEUE_DESC_LOW, memory);
	set_address(device, VIRTIO_MMIO_QUEUE_AVAIL_LOW, memory + layout->offered);
	set_address(device, VIRTIO_MMIO_QUEUE_USED_LOW, memory + layout->used);
	virtio_set_register(device, VIRTIO_MMIO_QUEUE_READY, 1);
}

static int allocate(unsigned size, size_t alignment, struct virtqueue **out,
		    struct layout *layout, paddr_t *memory)
{
	struct virtqueue *queue = heap_allocate(sizeof *queue + size * sizeof(void *));
	struct frame *first;
	unsigned order = 0;
	u8 *base;
	int error;

	if (!queue) {
		return -ENOMEM;
	}
	*layout = layout_of(size, alignment);
	while (PAGE_SIZE << order < layout->total) {
		order++;
	}
	error = frame_allocate_contiguous(order, FRAME_ZERO, &first);
	if (error) {
		heap_free(queue);
		return error;
	}
	base = frame_address(first);
	queue->table = (volatile struct descriptor *)base;
	queue->offered = (volatile struct offered_ring *)(base + layout->offered);
	queue->used = (volatile struct used_ring *)(base + layout->used);
	*memory = frame_physical(first);
	*out = queue;
	return 0;
}

int virtqueue_create(struct virtio_device *device, unsigned index, unsigned size_max,
		     void (*completed)(struct virtqueue *queue), void *argument,
		     struct virtqueue **out)
{
	struct virtqueue *queue;
	struct layout layout;
	paddr_t memory;
	unsigned size;
	int error;

	if (atomic_load(&device->queue_count) >= VIRTIO_QUEUES_MAX) {
		return -ENODEV;
	}
	virtio_set_register(device, VIRTIO_MMIO_QUEUE_SEL, index);
	size = MIN(virtio_register(device, VIRTIO_MMIO_QUEUE_NUM_MAX), size_max);
	if (size == 0) {
		return -ENODEV;
	}
	error = allocate(size, device->version == 1 ? PAGE_SIZE : CACHE_LINE, &queue,
			 &layout, &memory);
	if (error) {
		return error;
	}
	queue->device = device;
	queue->index = index;
	queue->size = size;
	queue->completed = completed;
	queue->argument = argument;
	queue->free_count = (u16)size;
	for (unsigned i = 0; i < size; i++) {
		queue->table[i].next = (u16)(i + 1);
	}
	queue->offered->flags = completed ? 0 : NO_INTERRUPT;
	arch_device_barrier(); /* the device finds the queue as it is now, not what the memory held before */
	tell_device(device, size, memory, &layout);
	device->queues[atomic_load(&device->queue_count)] = queue;
	/* order.queues: pairs with handle_interrupt() */
	atomic_fetch_add_explicit(&device->queue_count, 1, memory_order_release);
	*out = queue;
	return 0;
}

void *virtqueue_argument(const struct virtqueue *queue)
{
	return queue->argument;
}

unsigned virtqueue_size(const struct virtqueue *queue)
{
	return queue->size;
}

unsigned virtqueue_free(const struct virtqueue *queue)
{
	return queue->free_count;
}

int virtqueue_add(struct virtqueue *queue, const struct virtio_segment *segments,
		  unsigned outs, unsigned ins, void *token)
{
	unsigned count = outs + ins;
	u16 head = queue->free_head;
	u16 at = head;

	ASSERT(count > 0 && token);
	if (queue->free_count < count) {
		return -ENOSPC;
	}
	for (unsigned i = 0; i < count; i++) {
		volatile struct descriptor *descriptor = &queue->table[at];

		descriptor->address = segments[i].physical;
		descriptor->size = segments[i].size;
		descriptor->flags = (u16)((i >= outs ? DESCRIPTOR_WRITE : 0) |
					  (i + 1 < count ? DESCRIPTOR_NEXT : 0));
		at = descriptor->next;
	}
	queue->free_head = at;
	queue->free_count = (u16)(queue->free_count - count);
	queue->tokens[head] = token;
	queue->offered->ring[queue->next_offer % queue->size] = head;
	queue->next_offer++;
	arch_device_barrier(); /* Q2. order.ring: pairs with the device, which reads the index, then the entry */
	atomic_store_explicit(&queue->offered->index, queue->next_offer,
			      memory_order_release);
	return 0;
}

void virtqueue_kick(struct virtqueue *queue)
{
	/* The index is visible before we look whether to notify. order.kick: pairs with the device, which clears NO_NOTIFY, then looks */
	arch_device_barrier();
	if (!(queue->used->flags & NO_NOTIFY)) {
		virtio_set_register(queue->device, VIRTIO_MMIO_QUEUE_NOTIFY,
				    queue->index);
	}
}

static void release_chain(struct virtqueue *queue, u16 head)
{
	u16 at = head;
	u16 count = 1;

	while (queue->table[at].flags & DESCRIPTOR_NEXT) {
		at = queue->table[at].next;
		count++;
	}
	queue->table[at].next = queue->free_head;
	queue->free_head = head;
	queue->free_count = (u16)(queue->free_count + count);
}

void *virtqueue_take(struct virtqueue *queue, u32 *length)
{
	volatile struct used_entry *entry;
	void *token;
	u32 head;

	/* Q2. order.ring: pairs with the device, which writes the entry, then the index */
	if (atomic_load_explicit(&queue->used->index, memory_order_acquire) ==
	    queue->last_used) {
		return NULL;
	}
	entry = &queue->used->ring[queue->last_used % queue->size];
	head = entry->id;
	*length = entry->length;
	/* A device that gives back what it was not given cannot be worked with. */
	ASSERT(head < queue->size && queue->tokens[head]);
	token = queue->tokens[head];
	queue->tokens[head] = NULL;
	queue->last_used++;
	release_chain(queue, (u16)head);
	return token;
}

void virtqueue_interrupt(struct virtqueue *queue)
{
	if (queue->completed &&
	    atomic_load_explicit(&queue->used->index, memory_order_acquire) !=
		    queue->last_used) {
		queue->completed(queue);
	}
}
