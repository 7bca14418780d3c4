// SPDX-License-Identifier: MIT
/* Between the console (its control queue and thread) and its ports. */
#pragma once

#include "drivers/virtio/console.h"
#include "drivers/virtio/virtio.h"
#include <linux/virtio_console.h>

enum { PORT_QUEUE_SIZE = 64, RECEIVE_BUFFERS = 16, PORTS_MAX = 16 };

/* Set up one of the console's ports; its queues are made. */
void port_init(struct virtio_port *port);
/* The host has it: give it receive buffers. -ENOMEM. */
int port_appear(struct virtio_port *port) must_check;
void port_vanish(struct virtio_port *port);
void port_set_host_open(struct virtio_port *port, bool open);
void port_received(struct virtqueue *queue);
void port_transmitted(struct virtqueue *queue);

/* Tell the host. May sleep. */
int console_send(struct virtio_console *console, unsigned number, unsigned event,
		 unsigned value);
