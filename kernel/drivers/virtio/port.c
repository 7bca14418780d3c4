// SPDX-License-Identifier: MIT
/*
 * One port of a virtio console: buffers, blocking, flow control.
 *
 * Locks     virtio_port.read_lock, write_lock (mutex) > virtio_port.lock (spin, irq-safe). User memory is copied under the mutex alone.
 *
 * Flow control: the host sends only into the RECEIVE_BUFFERS we offered, and a buffer is offered again when it was read to
 * its end; we send until the queue is full, and the host takes from it as fast as whoever is at its end reads.
 */
#include "core/panic.h"
#include "drivers/virtio/console_internal.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include <linux/eventpoll.h>

enum { SEND_FRAMES_MAX = 8 };

/* A frame of incoming bytes. In the queue, in port->received, or with the reader. */
struct receive_buffer {
	struct list link;
	struct frame *frame;
	u32 used, size;
};

/* Outgoing bytes; the queue's token. */
struct send_buffer {
	struct list link; /* to be freed */
	unsigned count;
	struct frame *frames[SEND_FRAMES_MAX];
	struct virtio_segment segments[SEND_FRAMES_MAX];
};

void port_init(struct virtio_port *port)
{
	spin_init(&port->lock, RANK_DRIVER, "virtio_port.lock");
	list_init(&port->received);
	wait_queue_init(&port->changed);
	mutex_init(&port->read_lock, RANK_PIPE, "virtio_port.read_lock");
	mutex_init(&port->write_lock, RANK_PIPE, "virtio_port.write_lock");
}

/* --- receiving --- */

/* port->lock held. */
static void offer(struct virtio_port *port, struct receive_buffer *buffer)
{
	struct virtio_segment segment = {frame_physical(buffer->frame), PAGE_SIZE};

	buffer->used = buffer->size = 0;
	if (virtqueue_add(port->receive, &segment, 0, 1, buffer)) {
		UNREACHABLE("fewer receive buffers than descriptors");
	}
}

static struct receive_buffer *receive_buffer_create(void)
{
	struct receive_buffer *buffer = heap_allocate(sizeof *buffer);

	if (!buffer || frame_allocate(0, &buffer->frame)) {
		heap_free(buffer);
		return NULL;
	}
	list_init(&buffer->link);
	return buffer;
}

int port_appear(struct virtio_port *port)
{
	unsigned offered = 0;

	if (port->present) {
		return 0;
	}
	for (; offered < RECEIVE_BUFFERS && virtqueue_free(port->receive); offered++) {
		struct receive_buffer *buffer = receive_buffer_create();
		u64 flags;

		if (!buffer) {
			break;
		}
		flags = spin_lock_irq(&port->lock);
		offer(port, buffer);
		spin_unlock_irq(&port->lock, flags);
	}
	if (!offered) {
		return -ENOMEM;
	}
	u64 flags = spin_lock_irq(&port->lock);

	virtqueue_kick(port->receive);
	port->present = true;
	spin_unlock_irq(&port->lock, flags);
	return 0;
}

void port_vanish(struct virtio_port *port)
{
	u64 flags = spin_lock_irq(&port->lock);

	port->host_open = false;
	spin_unlock_irq(&port->lock, flags);
	wake_all(&port->changed, EPOLLHUP | EPOLLIN);
}

void port_set_host_open(struct virtio_port *port, bool open)
{
	u64 flags = spin_lock_irq(&port->lock);

	port->host_open = open;
	spin_unlock_irq(&port->lock, flags);
	wake_all(&port->changed, open ? EPOLLOUT : EPOLLHUP | EPOLLIN);
}

void port_received(struct virtqueue *queue)
{
	struct virtio_port *port = virtqueue_argument(queue);
	struct receive_buffer *buffer;
	bool any = false;
	u32 length;
	u64 flags = spin_lock_irq(&port->lock);

	while ((buffer = virtqueue_take(queue, &length)) != NULL) {
		buffer->size = MIN(length, (u32)PAGE_SIZE);
		if (!port->open || !buffer->size) {
			offer(port,
			      buffer); /* nobody is there: it is lost, as it would be on a wire */
			continue;
		}
		list_push_back(&port->received, &buffer->link);
		any = true;
	}
	virtqueue_kick(queue);
	spin_unlock_irq(&port->lock, flags);
	if (any) {
		wake_all(&port->changed, EPOLLIN | EPOLLRDNORM);
	}
}

/* The oldest buffer with data, taken out of the list; NULL: none. *ended: nor will there be. */
static struct receive_buffer *take_received(struct virtio_port *port, bool *ended)
{
	struct receive_buffer *buffer = NULL;
	u64 flags = spin_lock_irq(&port->lock);

	*ended = !port->host_open;
	if (!list_empty(&port->received)) {
		buffer = list_first(&port->received, struct receive_buffer, link);
		list_remove(&buffer->link);
	}
	spin_unlock_irq(&port->lock, flags);
	return buffer;
}

static void give_back(struct virtio_port *port, struct receive_buffer *buffer)
{
	u64 flags = spin_lock_irq(&port->lock);

	if (buffer->used < buffer->size) {
		list_push_front(&port->received, &buffer->link);
	} else {
		offer(port, buffer);
		virtqueue_kick(port->receive);
	}
	spin_unlock_irq(&port->lock, flags);
}

static bool readable(struct virtio_port *port)
{
	u64 flags = spin_lock_irq(&port->lock);
	bool result = !list_empty(&port->received) || !port->host_open;

	spin_unlock_irq(&port->lock, flags);
	return result;
}

/* What is there now; -EAGAIN: nothing. read_lock held. */
static s64 read_available(struct virtio_port *port, struct io_buffer *io)
{
	struct receive_buffer *buffer;
	s64 done = 0;
	bool ended = false;

	while (io->remaining && (buffer = take_received(port, &ended)) != NULL) {
		size_t part = MIN((u64)(buffer->size - buffer->used), io->remaining);
		size_t moved = io_copy_to(
			io, (u8 *)frame_address(buffer->frame) + buffer->used, part);

		buffer->used += (u32)moved;
		done += (s64)moved;
		give_back(port, buffer);
		if (moved < part) {
			return done ? done : -EFAULT;
		}
	}
	return done ? done : ended ? 0 : -EAGAIN;
}

s64 virtio_port_read(struct virtio_port *port, struct io_buffer *io, bool nonblocking)
{
	s64 result;

	if (!io->remaining) {
		return 0;
	}
	for (;;) {
		int error = mutex_lock_interruptible(&port->read_lock);

		if (error) {
			return error;
		}
		result = read_available(port, io);
		mutex_unlock(&port->read_lock);
		if (result != -EAGAIN || nonblocking) {
			return result;
		}
		error = wait_until(&port->changed, readable(port), THREAD_INTERRUPTIBLE,
				   NSEC_NEVER);
		if (error) {
			return error;
		}
	}
}

/* --- sending --- */

static void send_buffer_free(struct send_buffer *buffer)
{
	for (unsigned i = 0; i < buffer->count; i++) {
		frame_put(buffer->frames[i]);
	}
	heap_free(buffer);
}

/* Free what the host has taken. */
void port_transmitted(struct virtqueue *queue)
{
	struct virtio_port *port = virtqueue_argument(queue);
	struct list done = LIST_INIT(done);
	struct send_buffer *buffer, *following;
	u64 flags = spin_lock_irq(&port->lock);
	u32 length;

	while ((buffer = virtqueue_take(queue, &length)) != NULL) {
		list_push_back(&done, &buffer->link);
	}
	spin_unlock_irq(&port->lock, flags);
	if (list_empty(&done)) {
		return;
	}
	list_for_each_safe(buffer, following, &done, link) {
		send_buffer_free(buffer);
	}
	wake_all(&port->changed, EPOLLOUT | EPOLLWRNORM);
}

static bool writable(struct virtio_port *port)
{
	u64 flags = spin_lock_irq(&port->lock);
	bool result =
		port->host_open && virtqueue_free(port->transmit) >= SEND_FRAMES_MAX;

	spin_unlock_irq(&port->lock, flags);
	return result;
}

/* Up to SEND_FRAMES_MAX pages of `io`; *moved: how many bytes. */
static int fill_send_buffer(struct io_buffer *io, struct send_buffer **out, size_t *moved)
{
	struct send_buffer *buffer = heap_allocate(sizeof *buffer);
	int error = buffer ? 0 : -ENOMEM;

	*moved = 0;
	while (!error && io->remaining && buffer->count < SEND_FRAMES_MAX) {
		size_t part = MIN(PAGE_SIZE, io->remaining);
		struct frame *frame;
		size_t got;

		error = frame_allocate(0, &frame);
		if (error) {
			break;
		}
		got = io_copy_from(io, frame_address(frame), part);
		buffer->frames[buffer->count] = frame;
		buffer->segments[buffer->count].physical = frame_physical(frame);
		buffer->segments[buffer->count].size = (u32)got;
		buffer->count++;
		*moved += got;
		if (got < part) {
			error = -EFAULT;
		}
	}
	if (buffer && *moved == 0) {
		send_buffer_free(buffer);
		return error;
	}
	if (buffer && buffer->segments[buffer->count - 1].size == 0) {
		buffer->count--;
		frame_put(buffer->frames[buffer->count]);
	}
	*out = buffer;
	return buffer ? 0 : error;
}

/* write_lock held. -EAGAIN: no room. */
static s64 write_some(struct virtio_port *port, struct io_buffer *io)
{
	struct send_buffer *buffer;
	size_t moved;
	u64 flags;
	int error;

	if (!writable(port)) {
		return -EAGAIN;
	}
	error = fill_send_buffer(io, &buffer, &moved);
	if (error) {
		return error;
	}
	flags = spin_lock_irq(&port->lock);
	error = virtqueue_add(port->transmit, buffer->segments, buffer->count, 0, buffer);
	if (!error) {
		virtqueue_kick(port->transmit);
	}
	spin_unlock_irq(&port->lock, flags);
	if (error) {
		io_rewind(io, moved);
		send_buffer_free(buffer);
		return -EAGAIN;
	}
	return (s64)moved;
}

s64 virtio_port_write(struct virtio_port *port, struct io_buffer *io, bool nonblocking)
{
	s64 done = 0;

	while (io->remaining) {
		int error = mutex_lock_interruptible(&port->write_lock);
		s64 moved;

		if (error) {
			return done ? done : error;
		}
		moved = write_some(port, io);
		mutex_unlock(&port->write_lock);
		if (moved > 0) {
			done += moved;
			continue;
		}
		if (moved != -EAGAIN || nonblocking) {
			return done ? done : moved;
		}
		error = wait_until(&port->changed, writable(port), THREAD_INTERRUPTIBLE,
				   NSEC_NEVER);
		if (error) {
			return done ? done : error;
		}
	}
	return done;
}

/* --- opening --- */

int virtio_port_open(struct virtio_port *port)
{
	u64 flags = spin_lock_irq(&port->lock);
	int error = port->is_console || !port->present ? -ENXIO : port->open ? -EBUSY : 0;

	if (!error) {
		port->open = true;
	}
	spin_unlock_irq(&port->lock, flags);
	if (error) {
		return error;
	}
	error = console_send(port->console, port->number, VIRTIO_CONSOLE_PORT_OPEN, 1);
	if (error) {
		port->open = false;
	}
	return error;
}

void virtio_port_close(struct virtio_port *port)
{
	struct receive_buffer *buffer;
	u64 flags;

	/* Without memory for the message the host learns of it from the next opener. */
	(void)console_send(port->console, port->number, VIRTIO_CONSOLE_PORT_OPEN, 0);
	flags = spin_lock_irq(&port->lock);
	port->open = false;
	while (!list_empty(&port->received)) {
		buffer = list_first(&port->received, struct receive_buffer, link);
		list_remove(&buffer->link);
		offer(port, buffer);
	}
	virtqueue_kick(port->receive);
	spin_unlock_irq(&port->lock, flags);
}

u32 virtio_port_poll(struct virtio_port *port)
{
	u32 events = 0;
	u64 flags = spin_lock_irq(&port->lock);

	if (!list_empty(&port->received) || !port->host_open) {
		events |= EPOLLIN | EPOLLRDNORM;
	}
	if (!port->host_open) {
		events |= EPOLLHUP;
	} else if (virtqueue_free(port->transmit) >= SEND_FRAMES_MAX) {
		events |= EPOLLOUT | EPOLLWRNORM;
	}
	spin_unlock_irq(&port->lock, flags);
	return events;
}
