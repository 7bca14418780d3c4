// SPDX-License-Identifier: MIT
/*
 * netdevice(7): what a socket's ioctl(2) tells of the one interface there is, the namespace's loopback.
 *
 * It carries nothing: no family here has addresses. Being up and its MTU are kept, so that what sets up a network
 * namespace finds what it set.
 */
#include "net/interface.h"

#include "abi/network.h"
#include "abi/socket.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "net/net_namespace.h"
#include <linux/capability.h>
#include <linux/sockios.h>

STATIC_ASSERT(sizeof(struct interface_request) == 40);
STATIC_ASSERT(sizeof(struct interface_list) == 16);

/* An alias ("lo:1") means its interface. */
static int check_name(const char *name)
{
	size_t length = strnlen(name, INTERFACE_NAME_SIZE);
	const char *colon = strchr(name, ':');

	if (colon) {
		length = (size_t)(colon - name);
	}
	return length == 2 && memcmp(name, "lo", 2) == 0 ? 0 : -ENODEV;
}

u32 interface_flags(struct net_namespace *network)
{
	return atomic_load(&network->loopback_up)
		       ? INTERFACE_UP | INTERFACE_LOOPBACK | INTERFACE_RUNNING
		       : INTERFACE_LOOPBACK;
}

static int find_by_index(struct interface_request *request)
{
	if (request->number != LOOPBACK_INDEX) {
		return -ENODEV;
	}
	memset(request->name, 0, sizeof(request->name));
	memcpy(request->name, "lo", 2);
	return 0;
}

static int get(struct net_namespace *network, unsigned command,
	       struct interface_request *request)
{
	u16 family = HARDWARE_LOOPBACK;
	int err = command == SIOCGIFNAME ? 0 : check_name(request->name);

	if (err) {
		return err;
	}
	switch (command) {
	case SIOCGIFNAME:
		return find_by_index(request);
	case SIOCGIFINDEX:
		request->number = LOOPBACK_INDEX;
		return 0;
	case SIOCGIFFLAGS:
		request->flags = (s16)interface_flags(network);
		return 0;
	case SIOCGIFMTU:
		request->number = atomic_load(&network->loopback_mtu);
		return 0;
	case SIOCGIFMETRIC:
		request->number = 0;
		return 0;
	case SIOCGIFTXQLEN:
		request->number = LOOPBACK_QUEUE_LENGTH;
		return 0;
	case SIOCGIFHWADDR:
		memset(request->hardware_address, 0, sizeof(request->hardware_address));
		memcpy(request->hardware_address, &family, sizeof(family));
		return 0;
	}
	return -ENOTTY;
}

static int set(struct net_namespace *network, unsigned command,
	       const struct interface_request *request)
{
	int err = net_capable(&network->base, CAP_NET_ADMIN) ? 0 : -EPERM;

	if (!err) {
		err = check_name(request->name);
	}
	if (err) {
		return err;
	}
	if (command == SIOCSIFMTU) {
		if (request->number < 0) {
			return -EINVAL;
		}
		atomic_store(&network->loopback_mtu, request->number);
		return 0;
	}
	atomic_store(&network->loopback_up, (request->flags & INTERFACE_UP) != 0);
	return 0;
}

/* SIOCGIFCONF lists interfaces with addresses: none has one. */
static int list_addresses(u64 argument)
{
	struct interface_list list;

	if (user_read(&list, argument, sizeof(list))) {
		return -EFAULT;
	}
	list.length = 0;
	return user_write(argument, &list, sizeof(list));
}

s64 net_interface_ioctl(struct net_namespace *network, unsigned command, u64 argument)
{
	struct interface_request request;
	int err;

	switch (command) {
	case SIOCGIFCONF:
		return list_addresses(argument);
	case SIOCGIFNAME:
	case SIOCGIFINDEX:
	case SIOCGIFFLAGS:
	case SIOCGIFMTU:
	case SIOCGIFMETRIC:
	case SIOCGIFTXQLEN:
	case SIOCGIFHWADDR:
	case SIOCSIFFLAGS:
	case SIOCSIFMTU:
		break;
	default:
		return -ENOTTY;
	}
	if (user_read(&request, argument, sizeof(request))) {
		return -EFAULT;
	}
	request.name[INTERFACE_NAME_SIZE - 1] = '\0';
	if (command == SIOCSIFFLAGS || command == SIOCSIFMTU) {
		return set(network, command, &request);
	}
	err = get(network, command, &request);
	return err ? err : user_write(argument, &request, sizeof(request));
}
