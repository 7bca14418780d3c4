// SPDX-License-Identifier: MIT
/*
 * rtnetlink(7): the interfaces, addresses and routes of a network namespace, to be read.
 *
 * There is the loopback, which has carried nothing; no family has addresses, so there are none and no routes. What would change
 * something is refused: -EPERM without CAP_NET_ADMIN, else -EOPNOTSUPP.
 */
#include "net/route_netlink.h"

#include "abi/network.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "net/interface.h"
#include "net/net_namespace.h"
#include "net/netlink_internal.h"
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

enum {
	LINK_ROOM = 1024,
	AF_BRIDGE = 7,
	LOWER_UP = 0x10000, /* IFF_LOWER_UP */
	OPERATION_UNKNOWN = 0,
	OPERATION_DOWN = 2, /* IF_OPER_* */
	KIND_GET = 2,       /* the low bits of a type: new, delete, get, set */
	KINDS = 3,
};

STATIC_ASSERT(sizeof(struct ifinfomsg) == 16);
STATIC_ASSERT(sizeof(struct ifaddrmsg) == 8);

static const struct netlink_rule link_rules[IFLA_EXT_MASK + 1] = {
	[IFLA_IFNAME] = {NETLINK_STRING, INTERFACE_NAME_SIZE - 1},
	[IFLA_MASTER] = {NETLINK_U32, 0},
	[IFLA_EXT_MASK] = {NETLINK_U32, 0},
};

/* ---- one interface ---- */

static void put_link_state(struct netlink_packet *packet, struct net_namespace *network,
			   bool up)
{
	static const u8 no_address[6];

	netlink_put_string(packet, IFLA_IFNAME, "lo");
	netlink_put_u32(packet, IFLA_TXQLEN, LOOPBACK_QUEUE_LENGTH);
	netlink_put_u8(packet, IFLA_OPERSTATE, up ? OPERATION_UNKNOWN : OPERATION_DOWN);
	netlink_put_u8(packet, IFLA_LINKMODE, 0);
	netlink_put_u32(packet, IFLA_MTU, (u32)atomic_load(&network->loopback_mtu));
	netlink_put_u32(packet, IFLA_GROUP, 0);
	netlink_put_u32(packet, IFLA_PROMISCUITY, 0);
	netlink_put_u32(packet, IFLA_NUM_TX_QUEUES, 1);
	netlink_put_u32(packet, IFLA_NUM_RX_QUEUES, 1);
	netlink_put_u8(packet, IFLA_CARRIER, 1);
	netlink_put_string(packet, IFLA_QDISC, up ? "noqueue" : "noop");
	netlink_put(packet, IFLA_ADDRESS, no_address, sizeof(no_address));
	netlink_put(packet, IFLA_BROADCAST, no_address, sizeof(no_address));
}

static void put_link(struct netlink_packet *packet, const struct netlink_request *request,
		     const struct netlink_message *message, u16 flags)
{
	static const struct rtnl_link_stats64 wide;
	static const struct rtnl_link_stats narrow;
	u32 state = interface_flags(request->network);
	bool up = state & INTERFACE_UP;
	struct ifinfomsg header = {.ifi_type = HARDWARE_LOOPBACK,
				   .ifi_index = LOOPBACK_INDEX,
				   .ifi_flags = state | (up ? LOWER_UP : 0)};

	netlink_begin(packet, RTM_NEWLINK, flags, message->header.nlmsg_seq,
		      request->port);
	netlink_put_bytes(packet, &header, sizeof(header));
	put_link_state(packet, request->network, up);
	netlink_put(packet, IFLA_STATS64, &wide, sizeof(wide));
	netlink_put(packet, IFLA_STATS, &narrow, sizeof(narrow));
	netlink_end(packet);
}

static int answer(const struct netlink_request *request, struct netlink_packet *packet)
{
	int error = netlink_packet_error(packet);

	if (error) {
		netlink_packet_put(packet);
		return error;
	}
	netlink_deliver(request->from, packet);
	return 0;
}

static bool is_loopback(const struct netlink_attribute *name)
{
	return strnlen((const char *)name->data, name->size) == 2 &&
	       memcmp(name->data, "lo", 2) == 0;
}

static int get_link(const struct netlink_request *request,
		    const struct netlink_message *message)
{
	struct netlink_attribute found[IFLA_EXT_MASK + 1];
	struct netlink_packet *packet;
	struct ifinfomsg header;
	int error;

	if (message->size < sizeof(header)) {
		return -EINVAL;
	}
	memcpy(&header, message->payload, sizeof(header));
	error = netlink_parse(message, sizeof(header), link_rules, IFLA_EXT_MASK, found);
	if (error) {
		return error;
	}
	if (header.ifi_index < 0 || (!header.ifi_index && !found[IFLA_IFNAME].data)) {
		return -EINVAL;
	}
	if (header.ifi_index ? header.ifi_index != LOOPBACK_INDEX
			     : !is_loopback(&found[IFLA_IFNAME])) {
		return -ENODEV;
	}
	packet = netlink_packet_create(LINK_ROOM);
	if (!packet) {
		return -ENOBUFS;
	}
	put_link(packet, request, message, 0);
	return answer(request, packet);
}

/* ---- lists ---- */

static bool is_strict(const struct netlink_request *request)
{
	return netlink_option(request->from, NETLINK_GET_STRICT_CHK);
}

/* What NETLINK_GET_STRICT_CHK asks of a request for all interfaces: it names none, and nothing that is not looked at. */
static int check_strict_links(const struct netlink_message *message,
			      const struct ifinfomsg *header,
			      const struct netlink_attribute *found)
{
	if (message->size < sizeof(*header) || header->__ifi_pad || header->ifi_type ||
	    header->ifi_index || header->ifi_flags || header->ifi_change) {
		return -EINVAL;
	}
	for (u32 i = 1; i <= IFLA_EXT_MASK; i++) {
		if (found[i].data && i != IFLA_EXT_MASK && i != IFLA_MASTER &&
		    i != IFLA_LINKINFO) {
			return -EINVAL;
		}
	}
	return 0;
}

static int list_links(const struct netlink_request *request,
		      const struct netlink_message *message,
		      struct netlink_packet *packet, u16 *flags)
{
	struct netlink_attribute found[IFLA_EXT_MASK + 1];
	struct ifinfomsg header = {0};
	bool has_master;
	int error;

	memcpy(&header, message->payload, MIN(message->size, (u32)sizeof(header)));
	error = netlink_parse(message, sizeof(header), link_rules, IFLA_EXT_MASK, found);
	if (!error && is_strict(request)) {
		error = check_strict_links(message, &header, found);
	}
	if (error) {
		return error;
	}
	// The loopback is in no bridge, under no master and of no kind.
	has_master = found[IFLA_MASTER].data && netlink_get_u32(&found[IFLA_MASTER]);
	if (header.ifi_family != AF_BRIDGE && !has_master && !found[IFLA_LINKINFO].data) {
		put_link(packet, request, message, NLM_F_MULTI);
	}
	return 0;
}

static int list_addresses(const struct netlink_request *request,
			  const struct netlink_message *message,
			  struct netlink_packet *packet, u16 *flags)
{
	struct ifaddrmsg header = {0};

	memcpy(&header, message->payload, MIN(message->size, (u32)sizeof(header)));
	if (!is_strict(request)) {
		return 0;
	}
	if (message->size != sizeof(header) || header.ifa_prefixlen || header.ifa_flags ||
	    header.ifa_scope) {
		return -EINVAL;
	}
	*flags |= header.ifa_index ? NLM_F_DUMP_FILTERED : 0;
	return 0;
}

static int list_routes(const struct netlink_request *request,
		       const struct netlink_message *message,
		       struct netlink_packet *packet, u16 *flags)
{
	return is_strict(request) && message->size < sizeof(struct rtmsg) ? -EINVAL : 0;
}

/* How a list goes wrong is said at its end. */
static int list(const struct netlink_request *request,
		const struct netlink_message *message,
		int (*fill)(const struct netlink_request *request,
			    const struct netlink_message *message,
			    struct netlink_packet *packet, u16 *flags))
{
	struct netlink_packet *packet = netlink_packet_create(LINK_ROOM);
	u16 flags = 0;
	int error;

	if (!packet) {
		return -ENOBUFS;
	}
	error = fill(request, message, packet, &flags);
	netlink_put_done(packet, request, message, flags, error);
	return answer(request, packet);
}

static int list_any(const struct netlink_request *request,
		    const struct netlink_message *message)
{
	switch (message->header.nlmsg_type) {
	case RTM_GETLINK:
		return list(request, message, list_links);
	case RTM_GETADDR:
		return list(request, message, list_addresses);
	case RTM_GETROUTE:
		return list(request, message, list_routes);
	}
	return -EOPNOTSUPP;
}

static int handle(const struct netlink_request *request,
		  const struct netlink_message *message)
{
	u16 type = message->header.nlmsg_type;

	if (type > RTM_MAX) {
		return -EOPNOTSUPP;
	}
	if (message->size < sizeof(struct rtgenmsg)) {
		return 0;
	}
	if ((type & KINDS) != KIND_GET) {
		return netlink_may_administer_network(request) ? -EOPNOTSUPP : -EPERM;
	}
	if (message->header.nlmsg_flags & NLM_F_DUMP) {
		return list_any(request, message);
	}
	return type == RTM_GETLINK ? get_link(request, message) : -EOPNOTSUPP;
}

static void receive(const struct netlink_request *request)
{
	netlink_each_message(request, handle);
}

static struct netlink_protocol route = {
	.number = NETLINK_ROUTE,
	.group_count = RTNLGRP_MAX,
	.any_may_listen = true,
	.receive = receive,
};

void route_netlink_init(void)
{
	netlink_protocol_register(&route);
}
