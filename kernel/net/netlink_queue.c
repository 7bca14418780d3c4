// SPDX-License-Identifier: MIT
/*
 * netlink(7): packets, and where they wait: a receiver's queue.
 *
 * Locks     netlink_socket.lock. User memory is never touched with it held: who sends, and the kernel above all, does not
 *           wait for a receiver's page.
 *
 * Invariants
 *   Q1  A receiver that lost something is congested until its queue is empty, and hears of it once: ENOBUFS.
 *   Q2  An empty queue takes any packet.
 */
#include "net/netlink_internal.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include <linux/eventpoll.h>

struct netlink_packet *netlink_packet_create(u32 room)
{
	struct netlink_packet *packet = heap_allocate(sizeof(*packet) + room);

	if (packet) {
		list_init(&packet->link);
		refcount_init(&packet->references, 1);
		packet->room = room;
	}
	return packet;
}

void netlink_packet_put(struct netlink_packet *packet)
{
	if (packet && refcount_put(&packet->references)) {
		heap_free(packet);
	}
}

struct netlink_packet *netlink_packet_copy(const struct netlink_packet *packet)
{
	struct netlink_packet *copy = netlink_packet_create(packet->size);

	if (copy) {
		copy->size = packet->size;
		copy->port = packet->port;
		copy->sender = packet->sender;
		memcpy(copy->data, packet->data, packet->size);
	}
	return copy;
}

static u64 cost_of(const struct netlink_packet *packet)
{
	return NETLINK_PACKET_OVERHEAD + (u64)packet->room; // what it takes, used or not
}

static bool has_room(const struct netlink_socket *to, const struct netlink_packet *packet)
	MUST_HOLD(&to->lock)
{
	return !to->congested &&
	       (list_empty(&to->packets) ||
		to->queued + cost_of(packet) <= socket_receive_buffer(&to->socket));
}

static void enqueue(struct netlink_socket *to, struct netlink_packet *packet)
	MUST_HOLD(&to->lock)
{
	list_push_back(&to->packets, &packet->link);
	to->queued += cost_of(packet);
	wake_all(&to->readable, EPOLLIN | EPOLLRDNORM);
}

static void lose(struct netlink_socket *to) MUST_HOLD(&to->lock)
{
	to->drops++;
	if (netlink_option(to, NETLINK_NO_ENOBUFS) || to->congested) {
		return;
	}
	to->congested = !list_empty(&to->packets);
	atomic_store(&to->socket.error, ENOBUFS);
	wake_all(&to->readable, EPOLLERR);
}

void netlink_overrun(struct netlink_socket *to)
{
	mutex_lock(&to->lock);
	lose(to);
	mutex_unlock(&to->lock);
}

void netlink_deliver(struct netlink_socket *to, struct netlink_packet *packet)
{
	bool queued;

	mutex_lock(&to->lock);
	queued = !to->closed && has_room(to, packet);
	if (queued) {
		enqueue(to, packet);
	} else if (!to->closed) {
		lose(to);
	}
	mutex_unlock(&to->lock);
	if (!queued) {
		netlink_packet_put(packet);
	}
}

static int sleep_at(struct netlink_socket *socket, struct wait_queue *queue,
		    nsec_t deadline) MUST_HOLD(&socket->lock)
{
	int error = mutex_sleep(&socket->lock, queue, deadline);

	if (error == -ETIMEDOUT) {
		return -EAGAIN;
	}
	return error == -ERESTART && deadline != NSEC_NEVER ? -EINTR : error;
}

static int wait_for_room(struct netlink_socket *to, const struct netlink_packet *packet,
			 u32 from_port, bool nonblocking, nsec_t deadline)
	MUST_HOLD(&to->lock)
{
	for (;;) {
		int error;

		if (to->closed || (to->connected && to->destination_port != from_port)) {
			return -ECONNREFUSED;
		}
		if (has_room(to, packet)) {
			return 0;
		}
		if (nonblocking) {
			return -EAGAIN;
		}
		error = sleep_at(to, &to->writable, deadline);
		if (error) {
			return error;
		}
	}
}

int netlink_deliver_waiting(struct netlink_socket *to, struct netlink_packet *packet,
			    u32 from_port, bool nonblocking, nsec_t deadline)
{
	int error;

	mutex_lock(&to->lock);
	error = wait_for_room(to, packet, from_port, nonblocking, deadline);
	if (!error) {
		enqueue(to, packet);
	}
	mutex_unlock(&to->lock);
	if (error) {
		netlink_packet_put(packet);
	}
	return error;
}

static int wait_for_packet(struct netlink_socket *socket, bool nonblocking,
			   nsec_t deadline) MUST_HOLD(&socket->lock)
{
	for (;;) {
		int error = -atomic_exchange(&socket->socket.error, 0);

		if (error || !list_empty(&socket->packets)) {
			return error;
		}
		if (nonblocking) {
			return -EAGAIN;
		}
		error = sleep_at(socket, &socket->readable, deadline);
		if (error) {
			return error;
		}
	}
}

int netlink_take(struct netlink_socket *socket, bool peek, bool nonblocking,
		 nsec_t deadline, struct netlink_packet **out)
{
	struct netlink_packet *packet;
	int error;

	mutex_lock(&socket->lock);
	error = wait_for_packet(socket, nonblocking, deadline);
	if (!error) {
		packet = list_first(&socket->packets, struct netlink_packet, link);
		if (peek) {
			refcount_get(&packet->references);
		} else {
			list_remove(&packet->link);
			socket->queued -= cost_of(packet);
		}
		*out = packet;
	}
	if (list_empty(&socket->packets)) {
		socket->congested = false;
	}
	if (!socket->congested) {
		wake_all(&socket->writable, 0);
	}
	mutex_unlock(&socket->lock);
	return error;
}

void netlink_queue_drop(struct netlink_socket *socket)
{
	struct list packets = LIST_INIT(packets);
	struct netlink_packet *packet, *following;

	mutex_lock(&socket->lock);
	socket->closed = true;
	list_splice_back(&packets, &socket->packets);
	socket->queued = 0;
	wake_all(&socket->readable, EPOLLHUP);
	wake_all(&socket->writable, EPOLLHUP);
	mutex_unlock(&socket->lock);
	list_for_each_safe(packet, following, &packets, link) {
		list_remove(&packet->link);
		netlink_packet_put(packet);
	}
}

int netlink_unicast(const struct netlink_protocol *protocol,
		    const struct net_namespace *network, u32 port,
		    struct netlink_packet *packet)
{
	struct netlink_socket *to = netlink_find(protocol, network, port);

	if (!to) {
		netlink_packet_put(packet);
		return -ECONNREFUSED;
	}
	netlink_deliver(to, packet);
	netlink_socket_put(to);
	return 0;
}
