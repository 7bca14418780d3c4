// SPDX-License-Identifier: MIT
/*
 * The ports of virtio consoles as character devices: /dev/vportNpM, and /dev/virtio-ports/NAME once the host has named one.
 *
 * Owns      the minors of the device number, in the order in which ports appear.
 * Locks     none: ports are announced by the consoles' threads, and a slot of the table is written once, with release.
 */
#include "fs/virtio_port.h"
#include "core/log.h"
#include "drivers/virtio/console.h"
#include "drivers/virtio/rng.h"
#include "drivers/virtio/virtio.h"
#include "fs/device.h"
#include "fs/file.h"
#include "lib/format.h"
#include "lib/string.h"
#include <linux/stat.h>
#include <stdatomic.h>

enum { MAJOR = 240, MINORS_MAX = 64 };

static _Atomic(struct virtio_port *) ports[MINORS_MAX];

static int port_open(struct inode *inode, struct file *file)
{
	unsigned minor = device_minor(inode->attributes.special_device);
	/* order.once: pairs with minor_for() */
	struct virtio_port *port =
		minor < MINORS_MAX
			? atomic_load_explicit(&ports[minor], memory_order_acquire)
			: NULL;
	int error = port ? virtio_port_open(port) : -ENXIO;

	if (!error) {
		file->data = port;
	}
	return error;
}

static void port_release(struct file *file)
{
	if (file->data) {
		virtio_port_close(file->data);
	}
}

static s64 port_read(struct file *file, struct io_buffer *io, u64 *position)
{
	return virtio_port_read(file->data, io, file_nonblocking(file));
}

static s64 port_write(struct file *file, struct io_buffer *io, u64 *position)
{
	return virtio_port_write(file->data, io, file_nonblocking(file));
}

static u32 port_poll(struct file *file, struct poll_table *table)
{
	struct virtio_port *port = file->data;

	poll_wait(table, &port->changed);
	return virtio_port_poll(port);
}

static const struct file_operations port_operations = {
	.open = port_open,
	.release = port_release,
	.read = port_read,
	.write = port_write,
	.poll = port_poll,
	.no_position = true,
};

/* The port's minor; a new one if it has none yet. -1: no more. */
static int minor_for(struct virtio_port *port)
{
	for (unsigned i = 0; i < MINORS_MAX; i++) {
		struct virtio_port *seen = NULL;

		/* order.once: pairs with port_open() */
		if (atomic_compare_exchange_strong(&ports[i], &seen, port) ||
		    seen == port) {
			return (int)i;
		}
	}
	return -1;
}

static void announce(struct virtio_port *port)
{
	char name[VIRTIO_PORT_NAME_MAX + 16];
	int minor = minor_for(port);
	int error = 0;

	if (minor < 0) {
		return;
	}
	if (!port->announced) {
		format_string(name, sizeof name, "vport%up%u", port->device,
			      port->number);
		error = devfs_add(name, S_IFCHR | 0600, MAJOR, (unsigned)minor);
	}
	if (!error && port->name[0] && !strchr(port->name, '/')) {
		format_string(name, sizeof name, "virtio-ports/%s", port->name);
		error = devfs_add(name, S_IFCHR | 0600, MAJOR, (unsigned)minor);
	}
	if (error) {
		log_warning("/dev/vport%up%u: error %d", port->device, port->number,
			    error);
	}
}

void virtio_ports_init(void)
{
	int error = device_register(S_IFCHR, MAJOR, 0, MINORS_MAX, "virtio-portsdev",
				    &port_operations);

	if (error) {
		log_warning("virtio ports: error %d", error);
	}
	virtio_console_set_hook(announce);
	virtio_console_init();
	virtio_rng_init();
}
