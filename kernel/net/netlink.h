// SPDX-License-Identifier: MIT
/*
 * netlink(7): messages between the kernel and programs, and among programs.
 *
 * A protocol (what socket(2) is given) is registered by the room that answers its requests. Requests are handled in the
 * context of who sends them; what the kernel says is a packet, queued at the sockets it is for. Both may sleep and allocate,
 * with no spinlock held and no lock from RANK_NETLINK on.
 */
#pragma once

#include "abi/socket.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"
#include <linux/netlink.h>
#include <stdatomic.h>

struct net_namespace;
struct netlink_packet;
struct netlink_request;
struct netlink_socket;

enum { NETLINK_GROUPS_MAX = 64 };

struct netlink_protocol {
	int number;
	u32 group_count;      /* 32 to NETLINK_GROUPS_MAX */
	bool any_may_listen;  /* to groups, without CAP_NET_ADMIN */
	bool any_may_address; /* groups and other sockets, likewise */
	bool first_only; /* the kernel listens in the first network namespace alone */
	/* May the running thread join this group? 0 or -EPERM. NULL: yes */
	int (*join)(const struct net_namespace *network, u32 group);
	/* What a program sent to the kernel, whole and unchecked. NULL: -ECONNREFUSED */
	void (*receive)(const struct netlink_request *request);
	/* A socket is closed. NULL: nothing */
	void (*released)(struct netlink_socket *socket);

	struct netlink_protocol *next; /* netlink_socket.c; written at boot only */
	struct list sockets;           /* netlink_lock: netlink_socket.protocol_link */
};
void netlink_protocol_register(struct netlink_protocol *protocol); /* boot */

/* One send to the kernel. */
struct netlink_request {
	struct netlink_socket *from;
	struct net_namespace *network; /* from's */
	u32 port;                      /* from's: where answers go */
	bool addressed;                /* the destination was named in the call */
	const u8 *data;
	u32 size;
};

/* Have the running thread and, unless the kernel was named as the destination, who made the socket CAP_NET_ADMIN: over the machine,
 * or over the socket's network namespace? */
bool netlink_may_administer_machine(const struct netlink_request *request);
bool netlink_may_administer_network(const struct netlink_request *request);
/* A word of the protocol's own. */
_Atomic u64 *netlink_protocol_word(struct netlink_socket *socket);

/* ---- packets: what is built here is one or more messages ---- */

/* With `room` bytes for messages, to be handed over to one of the next two or to netlink_packet_put(). NULL: no memory. */
struct netlink_packet *netlink_packet_create(u32 room) must_check;
void netlink_packet_put(struct netlink_packet *packet);
/* Queue it, taken over, at the socket of that port; what finds no room is lost, which the receiver is told. -ECONNREFUSED: nobody has it. */
int netlink_unicast(const struct netlink_protocol *protocol,
		    const struct net_namespace *network, u32 port,
		    struct netlink_packet *packet);
/* Queue copies at those of the group for whom `wants` (NULL: all) is true; the packet stays the caller's. */
void netlink_broadcast(const struct netlink_protocol *protocol,
		       const struct net_namespace *network, u32 group,
		       const struct netlink_packet *packet,
		       bool (*wants)(struct netlink_socket *socket, const void *context),
		       const void *context);

/* Begin a message; netlink_end() sets its length. What does not fit makes the whole packet bad, which is asked once at the end. */
void netlink_begin(struct netlink_packet *packet, u16 type, u16 flags, u32 sequence,
		   u32 port);
void netlink_end(struct netlink_packet *packet);
/* Raw bytes (a family's own header), padded to 4. */
void netlink_put_bytes(struct netlink_packet *packet, const void *data, u32 size);
void netlink_put(struct netlink_packet *packet, u16 type, const void *data, u32 size);
void netlink_put_u8(struct netlink_packet *packet, u16 type, u8 value);
void netlink_put_u16(struct netlink_packet *packet, u16 type, u16 value);
void netlink_put_u32(struct netlink_packet *packet, u16 type, u32 value);
void netlink_put_string(struct netlink_packet *packet, u16 type, const char *value);
u32 netlink_nest(struct netlink_packet *packet, u16 type);
void netlink_nest_end(struct netlink_packet *packet, u32 nest);
/* -EMSGSIZE: something did not fit. */
int netlink_packet_error(const struct netlink_packet *packet) must_check;

/* ---- requests ---- */

/* Why a request is refused, for who asked with NETLINK_EXT_ACK. */
struct netlink_complaint {
	const char *words; /* NULL: none */
	u32 offset;        /* of the bad attribute in the message; 0: none */
};

/* One message of a request: its header, its payload (padding included, as far as it was sent). */
struct netlink_message {
	struct nlmsghdr header;
	const u8 *payload;
	u32 size; /* header.nlmsg_len less the header */
	struct netlink_complaint *complaint;
};
/*
 * Hand each request in it to `handle` and answer with NLMSG_ERROR where that fails or an acknowledgement is asked for. What is
 * malformed ends the loop, without an answer.
 */
void netlink_each_message(const struct netlink_request *request,
			  int (*handle)(const struct netlink_request *request,
					const struct netlink_message *message));
/* The end of a NLM_F_DUMP: NLMSG_DONE behind what the packet has, with more flags and how it went (0 or an errno, negative). */
void netlink_put_done(struct netlink_packet *packet,
		      const struct netlink_request *request,
		      const struct netlink_message *message, u16 flags, s32 result);

enum netlink_attribute_kind {
	NETLINK_ANY, /* 0: not looked at */
	NETLINK_U16,
	NETLINK_U32,
	NETLINK_STRING,     /* at most `most` bytes, an end counts not */
	NETLINK_NUL_STRING, /* with an end */
};
struct netlink_rule {
	enum netlink_attribute_kind kind;
	u32 most; /* strings: bytes; 0: any */
};
struct netlink_attribute {
	const u8 *data; /* NULL: not there; may not be aligned */
	u32 size;
};
/*
 * found[1 … last] from the attributes in data; the last of a kind counts, unknown ones are skipped, and so is what overruns.
 * -ERANGE, -EINVAL: one breaks its rule; message->complaint says which.
 */
int netlink_parse(const struct netlink_message *message, u32 from,
		  const struct netlink_rule *rules, u16 last,
		  struct netlink_attribute *found) must_check;
u32 netlink_get_u32(const struct netlink_attribute *attribute);
u16 netlink_get_u16(const struct netlink_attribute *attribute);

/* For /proc/net/netlink: every socket of a network namespace. */
struct netlink_socket_shown {
	int protocol;
	u32 port, groups, drops;
	u64 waiting_bytes; /* with what their packets cost */
	u64 inode_number;
};
void netlink_for_each(const struct net_namespace *network,
		      void (*show)(const struct netlink_socket_shown *socket,
				   void *context),
		      void *context);

void netlink_init(void); /* boot */
