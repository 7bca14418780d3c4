// SPDX-License-Identifier: MIT
/*
 * The ports of a virtio console: streams to and from the host.
 *
 * Ports are found while the machine runs; each is announced once through the hook, in thread context. They stay.
 */
#pragma once

#include "core/spinlock.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "mm/io_buffer.h"
#include "sched/wait.h"
#include "sync/mutex.h"

struct virtio_console;
struct virtqueue;

enum { VIRTIO_PORT_NAME_MAX = 64 };

/* Legend: I immutable after the port was announced · l lock (irq-safe) · r read_lock */
struct virtio_port {
	struct virtio_console *console;  /* I */
	unsigned device, number;         /* I: vportDEVICEpNUMBER */
	char name[VIRTIO_PORT_NAME_MAX]; /* l */
	bool announced;                  /* the console's thread only */

	struct spinlock lock;
	struct virtqueue *receive, *transmit; /* I; used under lock */
	struct list received;                 /* l: buffers with data, oldest first */
	bool present, open, host_open;        /* l */
	bool is_console;                      /* l */
	struct wait_queue changed;            /* data, space, or the other end */
	struct mutex read_lock, write_lock;
};

void virtio_console_init(void); /* boot */
/* Called for each port once it is known, and again when it has got a name. Before virtio_init(). */
void virtio_console_set_hook(void (*announce)(struct virtio_port *port));

/* One opener at a time: -EBUSY, -ENXIO. */
int virtio_port_open(struct virtio_port *port) must_check;
void virtio_port_close(struct virtio_port *port);
/* Bytes moved (0: end of file), -EAGAIN, -EFAULT, -ERESTART. May sleep. */
s64 virtio_port_read(struct virtio_port *port, struct io_buffer *io, bool nonblocking);
s64 virtio_port_write(struct virtio_port *port, struct io_buffer *io, bool nonblocking);
/* EPOLL… now; port->changed tells of changes. */
u32 virtio_port_poll(struct virtio_port *port);
