// SPDX-License-Identifier: MIT
/*
 * netlink(7): sending and receiving.
 *
 * What goes to the kernel is answered before the send returns; how it went stands in the answers, not in the result.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/net_namespace.h"
#include "net/netlink_internal.h"
#include "time/clock.h"
#include <linux/capability.h>

enum { SEND_RESERVE = 32 }; /* of SO_SNDBUF */

struct destination {
	u32 port, group;
	bool named;
};

static nsec_t deadline_of(nsec_t timeout)
{
	return timeout ? nsec_add(clock_monotonic(), timeout) : NSEC_NEVER;
}

static int named_destination(struct netlink_socket *socket,
			     const struct socket_message *message, struct destination *to)
{
	struct sockaddr_nl address;

	if (message->address_length < sizeof(address)) {
		return -EINVAL;
	}
	memcpy(&address, message->address, sizeof(address));
	if (address.nl_family != AF_NETLINK) {
		return -EINVAL;
	}
	to->named = true;
	to->port = address.nl_pid;
	to->group = netlink_lowest_group(address.nl_groups);
	return (to->port || to->group) && !socket->protocol->any_may_address &&
			       !net_capable(&socket->socket.network->base, CAP_NET_ADMIN)
		       ? -EPERM
		       : 0;
}

static int find_destination(struct netlink_socket *socket,
			    const struct socket_message *message, struct destination *to)
{
	*to = (struct destination){0};
	if (message->address_length) {
		return named_destination(socket, message, to);
	}
	mutex_lock(&socket->lock);
	to->port = socket->destination_port;
	to->group = socket->destination_group;
	mutex_unlock(&socket->lock);
	return 0;
}

static int read_packet(struct netlink_socket *from, struct socket_message *message,
		       struct netlink_packet **out)
{
	u64 size = message->io->remaining;
	struct netlink_packet *packet;

	if (size + SEND_RESERVE > socket_send_buffer(&from->socket)) {
		return -EMSGSIZE;
	}
	packet = netlink_packet_create((u32)size);
	if (!packet) {
		return -ENOBUFS;
	}
	packet->size = (u32)size;
	packet->port = from->port;
	packet->sender = message->has_credentials ? message->credentials : net_identity();
	if (io_copy_from(message->io, packet->data, size) != size) {
		netlink_packet_put(packet);
		return -EFAULT;
	}
	*out = packet;
	return 0;
}

/* Does the kernel listen there? */
static bool kernel_listens(const struct netlink_socket *from)
{
	return from->protocol->receive && (!from->protocol->first_only ||
					   from->socket.network == &first_net_namespace);
}

static int send_to_kernel(struct netlink_socket *from, struct netlink_packet *packet,
			  bool addressed)
{
	struct netlink_request request = {.from = from,
					  .network = from->socket.network,
					  .port = from->port,
					  .addressed = addressed,
					  .data = packet->data,
					  .size = packet->size};
	bool listens = kernel_listens(from);

	if (listens) {
		from->protocol->receive(&request);
	}
	netlink_packet_put(packet);
	return listens ? 0 : -ECONNREFUSED;
}

static int send_to_socket(struct netlink_socket *from, struct netlink_packet *packet,
			  const struct destination *destination, bool nonblocking)
{
	struct netlink_socket *to =
		netlink_find(from->protocol, from->socket.network, destination->port);
	int error;

	if (!to) {
		netlink_packet_put(packet);
		return -ECONNREFUSED;
	}
	error = netlink_deliver_waiting(to, packet, from->port, nonblocking,
					deadline_of(from->socket.send_timeout));
	netlink_socket_put(to);
	return error;
}

s64 netlink_send(struct socket *base, struct socket_message *message,
		 const struct socket_caller *caller)
{
	struct netlink_socket *socket = netlink_from_socket(base);
	bool nonblocking = caller->nonblocking || message->flags & MSG_DONTWAIT;
	s64 size = (s64)message->io->remaining;
	struct netlink_packet *packet;
	struct destination to;
	int error;

	if (message->flags & MSG_OOB) {
		return -EOPNOTSUPP;
	}
	if (size == 0) {
		return -ENODATA;
	}
	error = message->file_count ? -EINVAL : find_destination(socket, message, &to);
	if (!error) {
		error = netlink_autobind(socket);
	}
	if (!error) {
		error = read_packet(socket, message, &packet);
	}
	if (error) {
		return error;
	}
	if (to.group) {
		netlink_broadcast_from(socket, socket->protocol, base->network, to.group,
				       packet, NULL, NULL);
	}
	error = to.port ? send_to_socket(socket, packet, &to, nonblocking)
			: send_to_kernel(socket, packet, to.named);
	return error ? error : size;
}

/* What goes with the bytes. */
static void tell_origin(struct netlink_socket *socket,
			const struct netlink_packet *packet,
			struct socket_message *message)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK,
				      .nl_pid = packet->port,
				      .nl_groups = netlink_group_mask(packet->group)};
	struct nl_pktinfo information = {.group = packet->group};

	message->address_length = sizeof(address);
	memcpy(message->address, &address, sizeof(address));
	message->credentials = packet->sender;
	message->has_credentials = true;
	if (netlink_option(socket, NETLINK_PKTINFO)) {
		message->more_control.level = SOL_NETLINK;
		message->more_control.type = NETLINK_PKTINFO;
		message->more_control.size = sizeof(information);
		memcpy(message->more_control.data, &information, sizeof(information));
	}
}

s64 netlink_receive(struct socket *base, struct socket_message *message,
		    const struct socket_caller *caller)
{
	struct netlink_socket *socket = netlink_from_socket(base);
	struct netlink_packet *packet;
	u64 size;
	s64 result;

	if (message->flags & MSG_OOB) {
		return -EOPNOTSUPP;
	}
	result = netlink_take(socket, message->flags & MSG_PEEK,
			      caller->nonblocking || message->flags & MSG_DONTWAIT,
			      deadline_of(base->receive_timeout), &packet);
	if (result) {
		return result;
	}
	size = MIN((u64)packet->size, message->io->remaining);
	if (io_copy_to(message->io, packet->data, size) != size) {
		result = -EFAULT;
	} else {
		tell_origin(socket, packet, message);
		message->result_flags |= size < packet->size ? MSG_TRUNC : 0;
		result = message->flags & MSG_TRUNC ? packet->size : (s64)size;
	}
	netlink_packet_put(packet);
	return result;
}
