// SPDX-License-Identifier: MIT
/*
 * The two ends of a port as files.
 *
 * Owns      the files' data: a reference on the port.
 */
#include "fs/file.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "mm/heap.h"
#include "process/port/port_internal.h"
#include <linux/eventpoll.h>
#include <linux/fcntl.h>

OBJECT_CACHE(ports, port);

static u32 receiving_poll(struct file *file, struct poll_table *table)
{
	struct port *port = file->data;
	u32 events = 0;

	poll_wait(table, &port->pollers);
	spin_lock(&port->lock);
	events |= list_empty(&port->calls) ? 0 : EPOLLIN | EPOLLRDNORM;
	events |= port->calling ? 0 : EPOLLHUP;
	spin_unlock(&port->lock);
	return events;
}

static u32 calling_poll(struct file *file, struct poll_table *table)
{
	struct port *port = file->data;
	u32 events;

	poll_wait(table, &port->pollers);
	spin_lock(&port->lock);
	events = port->receiving ? EPOLLOUT | EPOLLWRNORM : EPOLLERR | EPOLLHUP;
	spin_unlock(&port->lock);
	return events;
}

static u32 length_of(const struct list *list)
{
	const struct list *link;
	u32 length = 0;

	for (link = list->next; link != list; link = link->next) {
		length++;
	}
	return length;
}

static int port_fdinfo(struct file *file, char *to, size_t size)
{
	struct port *port = file->data;
	u32 calls, receivers, servers;

	spin_lock(&port->lock);
	calls = length_of(&port->calls);
	receivers = length_of(&port->receivers);
	servers = port->servers;
	spin_unlock(&port->lock);
	return format_string(to, size,
			     "port-end:\t%s\nport-calls:\t%u\nport-receivers:\t%u\n"
			     "port-servers:\t%u\n",
			     port_received_by(file) ? "receiving" : "calling", calls,
			     receivers, servers);
}

static void receiving_release(struct file *file)
{
	port_close_receiving(file->data);
	port_put(file->data);
}

static void calling_release(struct file *file)
{
	port_close_calling(file->data);
	port_put(file->data);
}

static const struct file_operations receiving_operations = {
	.release = receiving_release,
	.poll = receiving_poll,
	.fdinfo = port_fdinfo,
	.no_position = true,
};

static const struct file_operations calling_operations = {
	.release = calling_release,
	.poll = calling_poll,
	.fdinfo = port_fdinfo,
	.no_position = true,
};

struct port *port_called_by(struct file *end)
{
	return end->operations == &calling_operations ? end->data : NULL;
}

struct port *port_received_by(struct file *end)
{
	return end->operations == &receiving_operations ? end->data : NULL;
}

void port_put(struct port *port)
{
	if (port && refcount_put(&port->references)) {
		object_free(&ports, port);
	}
}

/* With one reference, for the first end. Nobody else sees it yet. */
static NO_THREAD_SAFETY struct port *port_allocate(void)
{
	struct port *port = object_allocate(&ports);

	if (!port) {
		return NULL;
	}
	refcount_init(&port->references, 1);
	spin_init(&port->lock, RANK_PORT, "port.lock");
	list_init(&port->calls);
	list_init(&port->receivers);
	list_init(&port->services);
	wait_queue_init(&port->pollers);
	port->calling = true;
	return port;
}

int port_create(u32 flags, struct file *ends[2])
{
	struct port *port = port_allocate();
	int err;

	if (!port) {
		return -ENOMEM;
	}
	err = file_create_anonymous("[port:receive]", 0600, &receiving_operations,
				    O_RDWR | flags, port, &ends[0]);
	if (err) {
		port_put(port);
		return err;
	}
	spin_lock(&port->lock);
	port->receiving = ends[0];
	spin_unlock(&port->lock);
	refcount_get(&port->references);
	err = file_create_anonymous("[port:call]", 0600, &calling_operations,
				    O_RDWR | flags, port, &ends[1]);
	if (err) {
		port_put(port);
		file_put(ends[0]);
	}
	return err;
}
