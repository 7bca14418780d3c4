// SPDX-License-Identifier: MIT
/*
 * netlink(7): the options of level SOL_NETLINK, and who may join a group.
 *
 * NETLINK_GET_STRICT_CHK is kept for the protocols to look at; NETLINK_LISTEN_ALL_NSID for who asks: no namespace has numbers for others.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "net/net_namespace.h"
#include "net/netlink_internal.h"
#include <linux/capability.h>

static int change_membership(struct netlink_socket *socket, u32 group, bool join)
{
	const struct netlink_protocol *protocol = socket->protocol;
	const struct net_namespace *network = socket->socket.network;
	int error = 0;

	if (!protocol->any_may_listen && !net_capable(&network->base, CAP_NET_ADMIN)) {
		return -EPERM;
	}
	if (group == 0 || group > protocol->group_count) {
		return -EINVAL;
	}
	if (join && protocol->join) {
		error = protocol->join(network, group);
	}
	if (error) {
		return error;
	}
	rwlock_lock(&netlink_lock);
	if (join) {
		socket->groups |= 1ULL << (group - 1);
	} else {
		socket->groups &= ~(1ULL << (group - 1));
	}
	rwlock_unlock(&netlink_lock);
	return 0;
}

static int set_flag(struct netlink_socket *socket, int name, bool value)
{
	if (value) {
		atomic_fetch_or(&socket->options, 1u << name);
	} else {
		atomic_fetch_and(&socket->options, ~(1u << name));
	}
	if (name == NETLINK_NO_ENOBUFS && value) {
		mutex_lock(&socket->lock);
		socket->congested = false;
		wake_all(&socket->writable, 0);
		mutex_unlock(&socket->lock);
	}
	return 0;
}

int netlink_set_option(struct socket *base, int level, int name, const void *value,
		       u32 length)
{
	struct netlink_socket *socket = netlink_from_socket(base);
	u32 number = 0;

	if (level != SOL_NETLINK) {
		return -ENOPROTOOPT;
	}
	if (length >= sizeof(number)) {
		memcpy(&number, value, sizeof(number));
	}
	switch (name) {
	case NETLINK_ADD_MEMBERSHIP:
	case NETLINK_DROP_MEMBERSHIP:
		return change_membership(socket, number, name == NETLINK_ADD_MEMBERSHIP);
	case NETLINK_LISTEN_ALL_NSID:
		if (!net_capable(&base->network->base, CAP_NET_BROADCAST)) {
			return -EPERM;
		}
		return set_flag(socket, name, number);
	case NETLINK_PKTINFO:
	case NETLINK_BROADCAST_ERROR:
	case NETLINK_NO_ENOBUFS:
	case NETLINK_CAP_ACK:
	case NETLINK_EXT_ACK:
	case NETLINK_GET_STRICT_CHK:
		return set_flag(socket, name, number);
	}
	return -ENOPROTOOPT;
}

/* Words of the mask as far as there is room for; *length is what all would take. */
static int list_memberships(struct netlink_socket *socket, void *value, u32 *length)
{
	u32 whole = ALIGN_UP(socket->protocol->group_count, 32u) / 8;
	u64 groups = READ_ONCE(socket->groups);

	memcpy(value, &groups, ALIGN_DOWN(MIN(*length, whole), 4u));
	*length = whole;
	return 0;
}

int netlink_get_option(struct socket *base, int level, int name, void *value, u32 *length)
{
	struct netlink_socket *socket = netlink_from_socket(base);
	int number;

	if (level != SOL_NETLINK) {
		return -ENOPROTOOPT;
	}
	switch (name) {
	case NETLINK_LIST_MEMBERSHIPS:
		return list_memberships(socket, value, length);
	case NETLINK_PKTINFO:
	case NETLINK_BROADCAST_ERROR:
	case NETLINK_NO_ENOBUFS:
	case NETLINK_LISTEN_ALL_NSID:
	case NETLINK_CAP_ACK:
	case NETLINK_EXT_ACK:
	case NETLINK_GET_STRICT_CHK:
		break;
	default:
		return -ENOPROTOOPT;
	}
	if (*length < sizeof(number)) {
		return -EINVAL;
	}
	number = netlink_option(socket, name);
	*length = sizeof(number);
	memcpy(value, &number, sizeof(number));
	return 0;
}
