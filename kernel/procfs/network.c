// SPDX-License-Identifier: MIT
/*
 * proc(5): /proc/PID/net, of the network namespace the process is in.
 */
#include "procfs/procfs_internal.h"

#include "lib/errno.h"
#include "lib/hash.h"
#include "net/net_namespace.h"
#include "net/netlink.h"
#include "process/namespace/namespace.h"
#include <linux/stat.h>

#define TEXT(n, function) {.name = n, .mode = S_IFREG | 0444, .show = function}

static int show_net_dev(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text,
		   "Inter-|   Receive                                                |  "
		   "Transmit\n face |bytes    packets errs drop fifo frame compressed "
		   "multicast|bytes    packets errs drop fifo colls carrier compressed\n"
		   "    lo:       0       0    0    0    0     0          0         0    "
		   "    0 "
		   "      0    0    0    0     0       0          0\n");
	return 0;
}

static int show_net_unix(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	return 0;
}

/* What stands for the address of a socket tells one from another, and no more. */
static void show_netlink_socket(const struct netlink_socket_shown *socket, void *context)
{
	proc_print(context, "%016lx %-3d %-10u %08x %-8lu %-8d %-5d %-8d %-8u %-8lu\n",
		   hash_u64(socket->inode_number) >> 32, socket->protocol, socket->port,
		   socket->groups, socket->waiting_bytes, 0, 0, 2, socket->drops,
		   socket->inode_number);
}

static int show_net_netlink(struct proc_text *text, const struct proc_node *node)
{
	struct thread *thread = proc_thread(node);
	struct namespace *network =
		thread ? thread_get_namespace(thread, NAMESPACE_SLOT_NETWORK) : NULL;

	thread_put(thread);
	if (!network) {
		return -EINVAL;
	}
	proc_print(text, "sk               Eth Pid        Groups   "
			 "Rmem     Wmem     Dump  Locks    Drops    Inode\n");
	netlink_for_each(container_of(network, struct net_namespace, base),
			 show_netlink_socket, text);
	namespace_put(network);
	return 0;
}

const struct proc_entry proc_net_entries[] = {
	TEXT("dev", show_net_dev),
	TEXT("netlink", show_net_netlink),
	TEXT("unix", show_net_unix),
	{0},
};
