// SPDX-License-Identifier: MIT
/*
 * netlink(7): the sockets, and the protocols there are.
 *
 * Owns      struct netlink_socket, the list of protocols (written at boot only).
 * Locks     netlink_lock > netlink_socket.lock.
 *
 * NETLINK_USERSOCK is a protocol without the kernel: programs among themselves.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/net_namespace.h"
#include "net/netlink_internal.h"
#include <linux/capability.h>
#include <linux/eventpoll.h>

OBJECT_CACHE(netlink_cache, netlink_socket);

static struct netlink_protocol *protocols;
static const struct socket_operations netlink_operations;

void netlink_protocol_register(struct netlink_protocol *protocol)
{
	list_init(&protocol->sockets);
	protocol->next = protocols;
	protocols = protocol;
}

static struct netlink_protocol *find_protocol(int number)
{
	struct netlink_protocol *protocol = protocols;

	while (protocol && protocol->number != number) {
		protocol = protocol->next;
	}
	return protocol;
}

static int netlink_create(int type, int number, const struct socket_caller *caller,
			  struct socket **out)
{
	struct netlink_protocol *protocol = find_protocol(number);
	struct netlink_socket *socket;

	if (type != SOCK_RAW && type != SOCK_DGRAM) {
		return -ESOCKTNOSUPPORT;
	}
	if (!protocol) {
		return -EPROTONOSUPPORT;
	}
	socket = object_allocate(&netlink_cache);
	if (!socket) {
		return -ENOMEM;
	}
	socket->socket.operations = &netlink_operations;
	socket->socket.family = AF_NETLINK;
	socket->socket.type = type;
	socket->socket.protocol = number;
	namespace_get(&caller->network->base);
	socket->socket.network = caller->network;
	socket->protocol = protocol;
	socket->maker_of_machine = net_capable(&first_net_namespace.base, CAP_NET_ADMIN);
	socket->maker_of_network = net_capable(&caller->network->base, CAP_NET_ADMIN);
	refcount_init(&socket->references, 1);
	mutex_init(&socket->lock, RANK_SOCKET, "netlink_socket.lock");
	list_init(&socket->packets);
	list_init(&socket->port_link);
	list_init(&socket->protocol_link);
	wait_queue_init(&socket->readable);
	wait_queue_init(&socket->writable);
	netlink_table_add(socket);
	*out = &socket->socket;
	return 0;
}

/* In no table any more, and closed: nothing is queued. */
void netlink_socket_put(struct netlink_socket *socket)
{
	if (refcount_put(&socket->references)) {
		namespace_put(&socket->socket.network->base);
		object_free(&netlink_cache, socket);
	}
}

static void netlink_release(struct socket *base, struct list *dead)
{
	struct netlink_socket *socket = netlink_from_socket(base);

	netlink_table_remove(socket);
	if (socket->protocol->released) {
		socket->protocol->released(socket);
	}
	netlink_queue_drop(socket);
	netlink_socket_put(socket);
}

/* The groups 1 to 32 that a bind names: may they all be joined? */
static int check_groups(struct netlink_socket *socket, u32 groups)
{
	const struct netlink_protocol *protocol = socket->protocol;
	const struct net_namespace *network = socket->socket.network;
	int error = 0;

	if (groups && !protocol->any_may_listen &&
	    !net_capable(&network->base, CAP_NET_ADMIN)) {
		return -EPERM;
	}
	for (u32 group = 1; protocol->join && group <= 32 && !error; group++) {
		if (groups & netlink_group_mask(group)) {
			error = protocol->join(network, group);
		}
	}
	return error;
}

static int netlink_bind(struct socket *base, const u8 *bytes, u32 length,
			const struct socket_caller *caller)
{
	struct netlink_socket *socket = netlink_from_socket(base);
	struct sockaddr_nl address;
	int error;

	if (length < sizeof(address)) {
		return -EINVAL;
	}
	memcpy(&address, bytes, sizeof(address));
	if (address.nl_family != AF_NETLINK) {
		return -EINVAL;
	}
	error = check_groups(socket, address.nl_groups);
	if (!error && atomic_load(&socket->bound) && address.nl_pid != socket->port) {
		error = -EINVAL;
	}
	if (!error) {
		error = address.nl_pid ? netlink_take_port(socket, address.nl_pid)
				       : netlink_autobind(socket);
	}
	if (!error) {
		rwlock_lock(&netlink_lock);
		socket->groups = (socket->groups & ~0xffffffffULL) | address.nl_groups;
		rwlock_unlock(&netlink_lock);
	}
	return error;
}

static void set_destination(struct netlink_socket *socket, bool connected,
			    const struct sockaddr_nl *address)
{
	mutex_lock(&socket->lock);
	socket->connected = connected;
	socket->destination_port = address->nl_pid;
	socket->destination_group = netlink_lowest_group(address->nl_groups);
	mutex_unlock(&socket->lock);
}

static int netlink_connect(struct socket *base, const u8 *bytes, u32 length,
			   const struct socket_caller *caller)
{
	struct netlink_socket *socket = netlink_from_socket(base);
	struct sockaddr_nl address = {0};
	int error;

	if (length < sizeof(address.nl_family)) {
		return -EINVAL;
	}
	memcpy(&address, bytes, MIN(length, (u32)sizeof(address)));
	if (address.nl_family == AF_UNSPEC) {
		set_destination(socket, false, &(struct sockaddr_nl){0});
		return 0;
	}
	if (address.nl_family != AF_NETLINK || length < sizeof(address)) {
		return -EINVAL;
	}
	if ((address.nl_pid || address.nl_groups) && !socket->protocol->any_may_address &&
	    !net_capable(&base->network->base, CAP_NET_ADMIN)) {
		return -EPERM;
	}
	error = netlink_autobind(socket);
	if (!error) {
		set_destination(socket, true, &address);
	}
	return error;
}

static int netlink_name(struct socket *base, bool peer, u8 *bytes, u32 *length)
{
	struct netlink_socket *socket = netlink_from_socket(base);
	struct sockaddr_nl address = {.nl_family = AF_NETLINK};

	if (peer) {
		mutex_lock(&socket->lock);
		address.nl_pid = socket->destination_port;
		address.nl_groups = netlink_group_mask(socket->destination_group);
		mutex_unlock(&socket->lock);
	} else {
		rwlock_lock_shared(&netlink_lock);
		address.nl_pid = socket->port;
		address.nl_groups = (u32)socket->groups;
		rwlock_unlock_shared(&netlink_lock);
	}
	memcpy(bytes, &address, sizeof(address));
	*length = sizeof(address);
	return 0;
}

static int netlink_listen(struct socket *socket, int backlog,
			  const struct socket_caller *caller)
{
	return -EOPNOTSUPP;
}

static int netlink_accept(struct socket *socket, const struct socket_caller *caller,
			  struct socket **out)
{
	return -EOPNOTSUPP;
}

static int netlink_shutdown(struct socket *socket, int how)
{
	return -EOPNOTSUPP;
}

static u32 netlink_poll(struct socket *base, struct poll_table *table)
{
	struct netlink_socket *socket = netlink_from_socket(base);
	u32 mask = EPOLLOUT | EPOLLWRNORM;

	poll_wait(table, &socket->readable);
	mutex_lock(&socket->lock);
	mask |= list_empty(&socket->packets) ? 0 : EPOLLIN | EPOLLRDNORM;
	mask |= atomic_load(&base->error) ? EPOLLERR : 0;
	mutex_unlock(&socket->lock);
	return mask;
}

bool netlink_may_administer_machine(const struct netlink_request *request)
{
	return (request->addressed || request->from->maker_of_machine) &&
	       net_capable(&first_net_namespace.base, CAP_NET_ADMIN);
}

bool netlink_may_administer_network(const struct netlink_request *request)
{
	return (request->addressed || request->from->maker_of_network) &&
	       net_capable(&request->network->base, CAP_NET_ADMIN);
}

_Atomic u64 *netlink_protocol_word(struct netlink_socket *socket)
{
	return &socket->word;
}

static void show_socket(struct netlink_socket *socket,
			void (*show)(const struct netlink_socket_shown *socket,
				     void *context),
			void *context)
{
	struct netlink_socket_shown shown = {.protocol = socket->protocol->number,
					     .port = socket->port,
					     .groups = (u32)socket->groups,
					     .inode_number = socket->socket.inode_number};

	mutex_lock(&socket->lock);
	shown.drops = socket->drops;
	shown.waiting_bytes = socket->queued;
	mutex_unlock(&socket->lock);
	show(&shown, context);
}

void netlink_for_each(const struct net_namespace *network,
		      void (*show)(const struct netlink_socket_shown *socket,
				   void *context),
		      void *context)
{
	struct netlink_protocol *protocol;
	struct netlink_socket *socket;

	rwlock_lock_shared(&netlink_lock);
	for (protocol = protocols; protocol; protocol = protocol->next) {
		list_for_each(socket, &protocol->sockets, protocol_link) {
			if (socket->socket.network == network) {
				show_socket(socket, show, context);
			}
		}
	}
	rwlock_unlock_shared(&netlink_lock);
}

static const struct socket_operations netlink_operations = {
	.bind = netlink_bind,
	.connect = netlink_connect,
	.listen = netlink_listen,
	.accept = netlink_accept,
	.send = netlink_send,
	.receive = netlink_receive,
	.shutdown = netlink_shutdown,
	.name = netlink_name,
	.set_option = netlink_set_option,
	.get_option = netlink_get_option,
	.poll = netlink_poll,
	.release = netlink_release,
};

static struct socket_family netlink_family = {
	.family = AF_NETLINK,
	.create = netlink_create,
};

static struct netlink_protocol usersock = {
	.number = NETLINK_USERSOCK,
	.group_count = 32,
	.any_may_address = true,
};

void netlink_init(void)
{
	netlink_table_init();
	netlink_protocol_register(&usersock);
	socket_family_register(&netlink_family);
}
