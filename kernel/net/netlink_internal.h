// SPDX-License-Identifier: MIT
/* netlink(7), inside the room: the socket, its queue of packets, and who is bound where. */
#pragma once

#include "core/refcount.h"
#include "net/netlink.h"
#include "net/socket.h"
#include "sched/wait.h"
#include "sync/mutex.h"
#include "sync/rwlock.h"

enum {
	NETLINK_PACKET_OVERHEAD =
		768, /* what a packet costs its receiver besides its bytes */
};

/* One count: being in a queue, or whoever builds or reads it. */
struct netlink_packet {
	struct list link; /* netlink_socket.lock of where it waits */
	struct refcount references;
	u32 room, size; /* bytes of data there are, and those used */
	u32 message;    /* where the message being built begins */
	bool overflow;
	u32 port, group; /* whom it is from, 0: the kernel; and to which group */
	struct user_ucred sender;
	u8 data[];
};

/*
 * Legend: I immutable · a atomic · t netlink_lock for writing, either of both locks for reading · l lock
 * One count: the file, and whoever called netlink_socket_get().
 */
struct netlink_socket {
	struct socket socket; /* must be first */
	struct refcount references;
	struct netlink_protocol *protocol;       /* I */
	bool maker_of_machine, maker_of_network; /* I: had CAP_NET_ADMIN there */
	_Atomic u64 word;                        /* a: the protocol's own */
	_Atomic u32 options;                     /* a: 1 << NETLINK_… */

	_Atomic bool bound;                   /* a, set once under t, after port */
	u32 port;                             /* t */
	u64 groups;                           /* t: bit n: group n + 1 */
	struct list port_link, protocol_link; /* t */

	struct mutex lock;   /* RANK_SOCKET */
	struct list packets; /* l: oldest first */
	u64 queued;          /* l: their cost */
	bool congested; /* l: something was lost: until all is read nothing new comes */
	bool closed;    /* l */
	u32 drops;      /* l */
	bool connected; /* l: hears destination_port only */
	u32 destination_port, destination_group; /* l */

	struct wait_queue readable, writable; /* writable: room in OUR queue was made */
};

static inline struct netlink_socket *netlink_from_socket(struct socket *socket)
{
	return (struct netlink_socket *)socket;
}
static inline bool netlink_option(const struct netlink_socket *socket, int option)
{
	return atomic_load_explicit(&socket->options, memory_order_relaxed) >> option & 1;
}
static inline u32 netlink_group_mask(u32 group)
{
	return group && group <= 32 ? 1u << (group - 1) : 0;
}
/* The lowest group of a mask; 0: none. */
static inline u32 netlink_lowest_group(u32 mask)
{
	u32 group = mask != 0;

	for (; group && !(mask & 1); mask >>= 1) {
		group++;
	}
	return group;
}
void netlink_socket_put(struct netlink_socket *socket);

/* netlink_table.c: who has which port, who is in which group. */
extern struct rwlock netlink_lock; /* RANK_NETLINK, outside the sockets' own */
void netlink_table_init(void);
void netlink_table_add(struct netlink_socket *socket);    /* not bound yet */
void netlink_table_remove(struct netlink_socket *socket); /* bound or not */
/* Port 0: a free one, the caller's process number if that is. 0 too if it has this port already. -EADDRINUSE, -EINVAL: has another */
int netlink_take_port(struct netlink_socket *socket, u32 port) must_check;
/* Any port, unless it has one. */
int netlink_autobind(struct netlink_socket *socket) must_check;
/* With a reference, or NULL. */
struct netlink_socket *netlink_find(const struct netlink_protocol *protocol,
				    const struct net_namespace *network,
				    u32 port) must_check;
/* Copies to all of the group but `except`, who may be NULL. */
void netlink_broadcast_from(const struct netlink_socket *except,
			    const struct netlink_protocol *protocol,
			    const struct net_namespace *network, u32 group,
			    const struct netlink_packet *packet,
			    bool (*wants)(struct netlink_socket *socket,
					  const void *context),
			    const void *context);

/* Ports that the kernel chooses are below 0 as an s32: downwards from one at random, and from the lowest on from here. */
enum { NETLINK_AUTOMATIC_FIRST = -4096 };
static inline s32 netlink_automatic_after(s32 port)
{
	return port == INT32_MIN ? NETLINK_AUTOMATIC_FIRST : port - 1;
}

/* netlink_queue.c: packets at a receiver. */
/* Queue (taken over) or lose it, and tell the receiver. */
void netlink_deliver(struct netlink_socket *to, struct netlink_packet *packet);
/* Something for it is lost. */
void netlink_overrun(struct netlink_socket *to);
/* From another program, taken over: waits for room. -EAGAIN, -ERESTART, -EINTR, -ECONNREFUSED */
int netlink_deliver_waiting(struct netlink_socket *to, struct netlink_packet *packet,
			    u32 from_port, bool nonblocking, nsec_t deadline) must_check;
/* The oldest, with a reference, and taken out unless `peek`. -EAGAIN, -ENOBUFS, … */
int netlink_take(struct netlink_socket *socket, bool peek, bool nonblocking,
		 nsec_t deadline, struct netlink_packet **out) must_check;
struct netlink_packet *
netlink_packet_copy(const struct netlink_packet *packet) must_check;
void netlink_queue_drop(struct netlink_socket *socket); /* closed: all of it */

/* netlink_transfer.c */
s64 netlink_send(struct socket *socket, struct socket_message *message,
		 const struct socket_caller *caller);
s64 netlink_receive(struct socket *socket, struct socket_message *message,
		    const struct socket_caller *caller);
/* netlink_options.c */
int netlink_set_option(struct socket *socket, int level, int name, const void *value,
		       u32 length);
int netlink_get_option(struct socket *socket, int level, int name, void *value,
		       u32 *length);
