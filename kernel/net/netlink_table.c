// SPDX-License-Identifier: MIT
/*
 * netlink(7): which socket has which port, and who is in which group.
 *
 * Owns      netlink_lock, the buckets of ports, each protocol's list of sockets.
 * Locks     netlink_lock (RANK_NETLINK) > netlink_socket.lock. A broadcast holds it shared while it queues, so a socket that
 *           it sees is not released meanwhile; whoever wants to wait at a socket takes a reference and lets go of it.
 */
#include "net/netlink_internal.h"

#include "core/random.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "mm/heap.h"
#include "net/net_namespace.h"

enum { BUCKETS = 256, AUTOMATIC_TRIES = 65536 };

struct rwlock netlink_lock;
static struct list buckets[BUCKETS];
static s32 next_automatic GUARDED_BY(netlink_lock);

void netlink_table_init(void)
{
	rwlock_init(&netlink_lock, RANK_NETLINK, "netlink_lock");
	for (int i = 0; i < BUCKETS; i++) {
		list_init(&buckets[i]);
	}
}

static struct list *bucket_of(const struct netlink_protocol *protocol, u32 port)
{
	return &buckets[hash_u64((u64)protocol->number << 32 | port) % BUCKETS];
}

static struct netlink_socket *find_locked(const struct netlink_protocol *protocol,
					  const struct net_namespace *network, u32 port)
{
	struct netlink_socket *socket;

	list_for_each(socket, bucket_of(protocol, port), port_link) {
		if (socket->port == port && socket->protocol == protocol &&
		    socket->socket.network == network) {
			return socket;
		}
	}
	return NULL;
}

void netlink_table_add(struct netlink_socket *socket)
{
	rwlock_lock(&netlink_lock);
	list_push_back(&socket->protocol->sockets, &socket->protocol_link);
	rwlock_unlock(&netlink_lock);
}

void netlink_table_remove(struct netlink_socket *socket)
{
	rwlock_lock(&netlink_lock);
	list_remove(&socket->protocol_link);
	list_remove(&socket->port_link);
	rwlock_unlock(&netlink_lock);
}

/* netlink_lock held for writing. 0: none is free. */
static u32 free_port(const struct netlink_socket *socket) MUST_HOLD(&netlink_lock)
{
	u32 port = (u32)net_process_number();

	for (int tries = 0; tries < AUTOMATIC_TRIES; tries++) {
		if (port &&
		    !find_locked(socket->protocol, socket->socket.network, port)) {
			return port;
		}
		if (!next_automatic) {
			next_automatic =
				NETLINK_AUTOMATIC_FIRST - (s32)(random_u64() >> 34);
		}
		port = (u32)next_automatic;
		next_automatic = netlink_automatic_after(next_automatic);
	}
	return 0;
}

static int take_locked(struct netlink_socket *socket, u32 port) MUST_HOLD(&netlink_lock)
{
	if (atomic_load(&socket->bound)) {
		return socket->port == port ? 0 : -EINVAL;
	}
	if (!port) {
		port = free_port(socket);
	} else if (find_locked(socket->protocol, socket->socket.network, port)) {
		port = 0;
	}
	if (!port) {
		return -EADDRINUSE;
	}
	socket->port = port;
	list_push_back(bucket_of(socket->protocol, port), &socket->port_link);
	atomic_store(&socket->bound, true);
	return 0;
}

int netlink_take_port(struct netlink_socket *socket, u32 port)
{
	int error;

	rwlock_lock(&netlink_lock);
	error = take_locked(socket, port);
	rwlock_unlock(&netlink_lock);
	return error;
}

int netlink_autobind(struct netlink_socket *socket)
{
	int error = 0;

	if (atomic_load(&socket->bound)) {
		return 0;
	}
	rwlock_lock(&netlink_lock);
	if (!atomic_load(&socket->bound)) {
		error = take_locked(socket, 0);
	}
	rwlock_unlock(&netlink_lock);
	return error;
}

struct netlink_socket *netlink_find(const struct netlink_protocol *protocol,
				    const struct net_namespace *network, u32 port)
{
	struct netlink_socket *socket;

	rwlock_lock_shared(&netlink_lock);
	socket = find_locked(protocol, network, port);
	if (socket) {
		refcount_get(&socket->references);
	}
	rwlock_unlock_shared(&netlink_lock);
	return socket;
}

static void deliver_copy(struct netlink_socket *to, const struct netlink_packet *packet,
			 u32 group)
{
	struct netlink_packet *copy = netlink_packet_copy(packet);

	if (copy) {
		copy->group = group;
		netlink_deliver(to, copy);
	} else {
		netlink_overrun(to);
	}
}

void netlink_broadcast_from(const struct netlink_socket *except,
			    const struct netlink_protocol *protocol,
			    const struct net_namespace *network, u32 group,
			    const struct netlink_packet *packet,
			    bool (*wants)(struct netlink_socket *socket,
					  const void *context),
			    const void *context)
{
	struct netlink_socket *to;

	if (group == 0 || group > NETLINK_GROUPS_MAX) {
		return;
	}
	rwlock_lock_shared(&netlink_lock);
	list_for_each(to, &protocol->sockets, protocol_link) {
		if (to != except && to->socket.network == network &&
		    to->groups >> (group - 1) & 1 && (!wants || wants(to, context))) {
			deliver_copy(to, packet, group);
		}
	}
	rwlock_unlock_shared(&netlink_lock);
}

void netlink_broadcast(const struct netlink_protocol *protocol,
		       const struct net_namespace *network, u32 group,
		       const struct netlink_packet *packet,
		       bool (*wants)(struct netlink_socket *socket, const void *context),
		       const void *context)
{
	netlink_broadcast_from(NULL, protocol, network, group, packet, wants, context);
}
