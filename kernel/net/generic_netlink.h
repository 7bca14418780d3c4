// SPDX-License-Identifier: MIT
/*
 * Generic netlink: families with names, each with commands, that share the protocol NETLINK_GENERIC. See <linux/genetlink.h>.
 *
 * A family is registered at boot by the room that answers it. The controller, a family itself, tells programs the others' numbers.
 */
#pragma once

#include "net/netlink.h"
#include <linux/genetlink.h>

struct generic_request {
	const struct netlink_request *request;
	const struct netlink_message *message;
	struct genlmsghdr header;
};

struct generic_command {
	u8 number;
	u32 flags;                        /* GENL_ADMIN_PERM: over the machine */
	const struct netlink_rule *rules; /* rules[last + 1], of its attributes */
	u16 last;
	/* found[last + 1]; the answer is the command's own business. NULL: -EOPNOTSUPP */
	int (*act)(const struct generic_request *asked,
		   const struct netlink_attribute *found);
	/* Likewise for NLM_F_DUMP: everything but the end goes to `packet`. */
	int (*dump)(const struct generic_request *asked, struct netlink_packet *packet);
};

enum { GENERIC_ATTRIBUTES_MAX = 16 };

struct generic_family {
	const char *name;
	u16 number; /* 0: the next one free */
	u32 version;
	const struct generic_command *commands;
	u32 command_count;
	const char *group; /* its multicast group, number `number`; NULL: none */

	struct generic_family *next; /* generic_netlink.c; in order of their numbers */
};
void generic_family_register(struct generic_family *family); /* boot */

/* Begin an answer, or (asked NULL) a message that none asked for. */
void generic_begin(struct netlink_packet *packet, const struct generic_family *family,
		   u8 command, const struct generic_request *asked, u32 sequence);
/* Hand an answer, taken over, to who asked. -EMSGSIZE: it did not fit. */
int generic_answer(const struct generic_request *asked, struct netlink_packet *packet);
/* A copy to a port of the first network namespace. -ECONNREFUSED: nobody has it any more */
int generic_unicast(u32 port, const struct netlink_packet *packet);

void generic_netlink_init(void); /* boot, behind netlink_init() */
