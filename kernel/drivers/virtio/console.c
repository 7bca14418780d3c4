// SPDX-License-Identifier: MIT
/*
 * virtio-console with several ports: the device, its control queue, and the thread that works on control messages.
 *
 * Owns      struct virtio_console.
 * Locks     virtio_console.lock (spin, irq-safe): the control queues and the messages that came. A port's lock is taken without it.
 *
 * Messages are put into a list by the interrupt and worked on by the thread, as announcing a port may sleep.
 */
#include "arch/mmu.h"
#include "core/log.h"
#include "drivers/virtio/console_internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include <linux/virtio_ids.h>

enum { CONTROL_BUFFERS = 32, CONTROL_SIZE = 128, CONTROL_QUEUE_SIZE = 64 };

struct control_message {
	struct list link;
	u32 length;
	union {
		struct virtio_console_control header;
		u8 bytes[CONTROL_SIZE];
	} u;
};

struct virtio_console {
	struct virtio_device *device;
	unsigned number; /* of the device */
	unsigned port_count;
	struct spinlock lock;
	struct virtqueue *control_receive, *control_transmit;
	struct list received; /* lock: control messages that came */
	struct wait_queue work;
	struct wait_queue space; /* control_transmit has room again */
	struct virtio_port ports[PORTS_MAX];
};

static void (*announce_hook)(struct virtio_port *port);
static unsigned console_count;

void virtio_console_set_hook(void (*announce)(struct virtio_port *port))
{
	announce_hook = announce;
}

/* --- control messages to the host --- */

static void control_sent(struct virtqueue *queue)
{
	struct virtio_console *console = virtqueue_argument(queue);
	u64 flags = spin_lock_irq(&console->lock);
	struct control_message *message;
	u32 length;

	while ((message = virtqueue_take(queue, &length)) != NULL) {
		heap_free(message);
	}
	spin_unlock_irq(&console->lock, flags);
	wake_all(&console->space, 0);
}

static bool try_send(struct virtio_console *console, struct control_message *message)
{
	struct virtio_segment segment = {virtual_to_physical(&message->u),
					 sizeof message->u.header};
	u64 flags = spin_lock_irq(&console->lock);
	bool sent = !virtqueue_add(console->control_transmit, &segment, 1, 0, message);

	if (sent) {
		virtqueue_kick(console->control_transmit);
	}
	spin_unlock_irq(&console->lock, flags);
	return sent;
}

int console_send(struct virtio_console *console, unsigned number, unsigned event,
		 unsigned value)
{
	struct control_message *message = heap_allocate(sizeof *message);

	if (!message) {
		return -ENOMEM;
	}
	message->u.header.id = number;
	message->u.header.event = (u16)event;
	message->u.header.value = (u16)value;
	(void)wait_until(&console->space, try_send(console, message),
			 THREAD_UNINTERRUPTIBLE, NSEC_NEVER);
	return 0;
}

/* --- and from it --- */

/* console->lock held, or nobody else is there yet. */
static void offer_message(struct virtio_console *console, struct control_message *message)
{
	struct virtio_segment segment = {virtual_to_physical(&message->u), CONTROL_SIZE};

	if (virtqueue_add(console->control_receive, &segment, 0, 1, message)) {
		heap_free(message);
	}
}

static void control_received(struct virtqueue *queue)
{
	struct virtio_console *console = virtqueue_argument(queue);
	u64 flags = spin_lock_irq(&console->lock);
	struct control_message *message;
	u32 length;

	while ((message = virtqueue_take(queue, &length)) != NULL) {
		message->length = MIN(length, (u32)CONTROL_SIZE);
		list_push_back(&console->received, &message->link);
	}
	spin_unlock_irq(&console->lock, flags);
	wake_all(&console->work, 0);
}

static void announce(struct virtio_port *port)
{
	if (announce_hook) {
		announce_hook(port);
	}
	port->announced = true;
}

static void add_port(struct virtio_console *console, struct virtio_port *port)
{
	int error = port_appear(port);

	if (error) {
		log_warning("vport%up%u: error %d", console->number, port->number, error);
	}
	(void)console_send(console, port->number, VIRTIO_CONSOLE_PORT_READY, error == 0);
	if (!error && !port->announced) {
		announce(port);
	}
}

static void name_port(struct virtio_port *port, const struct control_message *message)
{
	size_t header = sizeof message->u.header;
	size_t length = MIN(message->length - header, (size_t)VIRTIO_PORT_NAME_MAX - 1);
	u64 flags = spin_lock_irq(&port->lock);

	memcpy(port->name, message->u.bytes + header, length);
	port->name[length] = 0;
	spin_unlock_irq(&port->lock, flags);
	announce(port);
}

static void handle(struct virtio_console *console, const struct control_message *message)
{
	const struct virtio_console_control *header = &message->u.header;
	struct virtio_port *port;

	if (message->length < sizeof *header || header->id >= console->port_count) {
		return;
	}
	port = &console->ports[header->id];
	switch (header->event) {
	case VIRTIO_CONSOLE_PORT_ADD:
		add_port(console, port);
		break;
	case VIRTIO_CONSOLE_PORT_REMOVE:
		port_vanish(port);
		break;
	case VIRTIO_CONSOLE_CONSOLE_PORT:
		port->is_console = header->value;
		break;
	case VIRTIO_CONSOLE_PORT_OPEN:
		port_set_host_open(port, header->value);
		break;
	case VIRTIO_CONSOLE_PORT_NAME:
		name_port(port, message);
		break;
	default:
		break;
	}
}

static struct control_message *next_message(struct virtio_console *console)
{
	struct control_message *message = NULL;
	u64 flags = spin_lock_irq(&console->lock);

	if (!list_empty(&console->received)) {
		message = list_first(&console->received, struct control_message, link);
		list_remove(&message->link);
	}
	spin_unlock_irq(&console->lock, flags);
	return message;
}

static void console_thread(void *argument)
{
	struct virtio_console *console = argument;
	struct control_message *message;

	(void)console_send(console, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY,
			   1);
	for (;;) {
		(void)wait_until(&console->work,
				 (message = next_message(console)) != NULL,
				 THREAD_UNINTERRUPTIBLE, NSEC_NEVER);
		handle(console, message);
		u64 flags = spin_lock_irq(&console->lock);

		offer_message(console, message);
		virtqueue_kick(console->control_receive);
		spin_unlock_irq(&console->lock, flags);
	}
}

/* --- setup --- */

/* Port 0 has queues 0 and 1, the control queues are 2 and 3, port n has 2n + 2 and 2n + 3. */
static int make_port_queues(struct virtio_console *console, unsigned number)
{
	struct virtio_port *port = &console->ports[number];
	unsigned first = number == 0 ? 0 : 2 * number + 2;
	int error;

	port->console = console;
	port->device = console->number;
	port->number = number;
	port_init(port);
	error = virtqueue_create(console->device, first, PORT_QUEUE_SIZE, port_received,
				 port, &port->receive);
	if (!error) {
		error = virtqueue_create(console->device, first + 1, PORT_QUEUE_SIZE,
					 port_transmitted, port, &port->transmit);
	}
	return error;
}

static int make_queues(struct virtio_console *console)
{
	int error = make_port_queues(console, 0);

	if (!error) {
		error = virtqueue_create(console->device, 2, CONTROL_QUEUE_SIZE,
					 control_received, console,
					 &console->control_receive);
	}
	if (!error) {
		error = virtqueue_create(console->device, 3, CONTROL_QUEUE_SIZE,
					 control_sent, console,
					 &console->control_transmit);
	}
	for (unsigned i = 1; i < console->port_count && !error; i++) {
		error = make_port_queues(console, i);
	}
	return error;
}

static int start(struct virtio_console *console)
{
	int error = make_queues(console);

	if (error) {
		return error;
	}
	for (unsigned i = 0; i < CONTROL_BUFFERS; i++) {
		struct control_message *message = heap_allocate(sizeof *message);

		if (!message) {
			return -ENOMEM;
		}
		list_init(&message->link);
		offer_message(console, message);
	}
	virtio_set_ready(console->device);
	virtqueue_kick(console->control_receive);
	return sched_kernel_thread("virtio-console", console_thread, console, NULL);
}

static int probe(struct virtio_device *device)
{
	u64 multiport = 1UL << VIRTIO_CONSOLE_F_MULTIPORT;
	struct virtio_console *console;
	u32 ports = 0;
	int error = virtio_accept_features(device, multiport);

	if (error || !(device->features & multiport)) {
		return error ? error : -ENODEV;
	}
	console = heap_allocate(sizeof *console);
	if (!console) {
		return -ENOMEM;
	}
	virtio_read_configuration(device,
				  offsetof(struct virtio_console_config, max_nr_ports),
				  &ports, sizeof ports);
	console->device = device;
	console->number = console_count++;
	console->port_count = MIN(ports, (u32)PORTS_MAX);
	spin_init(&console->lock, RANK_DRIVER, "virtio_console.lock");
	list_init(&console->received);
	wait_queue_init(&console->work);
	wait_queue_init(&console->space);
	device->data = console;
	return start(
		console); /* on failure the device has the queues' memory: it is not freed */
}

static struct virtio_driver driver = {
	.name = "virtio-console",
	.kind = VIRTIO_ID_CONSOLE,
	.probe = probe,
};

void virtio_console_init(void)
{
	virtio_driver_register(&driver);
}
