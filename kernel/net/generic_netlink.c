// SPDX-License-Identifier: MIT
/*
 * Generic netlink: finding the family and the command of a request, and the controller ("nlctrl").
 *
 * Owns      the list of families (written at boot only). As none comes or goes later, the controller's group never hears anything.
 *
 * CTRL_CMD_GETPOLICY is not there: -EOPNOTSUPP.
 */
#include "net/generic_netlink.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "net/net_namespace.h"
#include "net/netlink_internal.h"

enum { DESCRIPTION_ROOM = 512, DUMP_ROOM = 8192 };

STATIC_ASSERT(sizeof(struct genlmsghdr) == 4);

static struct generic_family *families;
static struct netlink_protocol generic;

void generic_family_register(struct generic_family *family)
{
	struct generic_family **at = &families;

	while (*at && (!family->number || (*at)->number < family->number)) {
		if (!family->number && !(*at)->next) {
			family->number =
				(u16)MAX((*at)->number + 1, (int)GENL_START_ALLOC);
		}
		at = &(*at)->next;
	}
	family->next = *at;
	*at = family;
}

void generic_begin(struct netlink_packet *packet, const struct generic_family *family,
		   u8 command, const struct generic_request *asked, u32 sequence)
{
	struct genlmsghdr header = {.cmd = command, .version = (u8)family->version};
	bool dump =
		asked && (asked->message->header.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;

	netlink_begin(packet, family->number, dump ? NLM_F_MULTI : 0, sequence,
		      asked ? asked->request->port : 0);
	netlink_put_bytes(packet, &header, sizeof(header));
}

int generic_answer(const struct generic_request *asked, struct netlink_packet *packet)
{
	int error = netlink_packet_error(packet);

	if (error) {
		netlink_packet_put(packet);
		return error;
	}
	// Who asked is there: it is in the middle of its send.
	return netlink_unicast(&generic, asked->request->network, asked->request->port,
			       packet);
}

int generic_unicast(u32 port, const struct netlink_packet *packet)
{
	struct netlink_socket *to = netlink_find(&generic, &first_net_namespace, port);
	struct netlink_packet *copy;

	if (!to) {
		return -ECONNREFUSED;
	}
	copy = netlink_packet_copy(packet);
	if (copy) {
		netlink_deliver(to, copy);
	} else {
		netlink_overrun(to);
	}
	netlink_socket_put(to);
	return 0;
}

/* ---- requests ---- */

static const struct generic_command *find_command(const struct generic_family *family,
						  u8 number, bool dump)
{
	for (u32 i = 0; i < family->command_count; i++) {
		const struct generic_command *command = &family->commands[i];

		if (command->number == number &&
		    (dump ? !!command->dump : !!command->act)) {
			return command;
		}
	}
	return NULL;
}

static int run_dump(const struct generic_command *command,
		    const struct generic_request *asked)
{
	struct netlink_packet *packet = netlink_packet_create(DUMP_ROOM);
	int error = packet ? command->dump(asked, packet) : -ENOMEM;

	if (error) {
		netlink_packet_put(packet);
		return error;
	}
	netlink_put_done(packet, asked->request, asked->message, 0, 0);
	return generic_answer(asked, packet);
}

static int run(const struct generic_command *command, const struct generic_request *asked,
	       bool dump)
{
	struct netlink_attribute found[GENERIC_ATTRIBUTES_MAX];
	int error;

	if (command->flags & GENL_ADMIN_PERM &&
	    !netlink_may_administer_machine(asked->request)) {
		return -EPERM;
	}
	if (dump) {
		return run_dump(command, asked);
	}
	error = netlink_parse(asked->message, GENL_HDRLEN, command->rules, command->last,
			      found);
	return error ? error : command->act(asked, found);
}

static int handle(const struct netlink_request *request,
		  const struct netlink_message *message)
{
	struct generic_request asked = {.request = request, .message = message};
	bool dump = (message->header.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	const struct generic_family *family = families;
	const struct generic_command *command;

	while (family && family->number != message->header.nlmsg_type) {
		family = family->next;
	}
	if (!family) {
		return -ENOENT;
	}
	if (message->size < GENL_HDRLEN) {
		return -EINVAL;
	}
	memcpy(&asked.header, message->payload, sizeof(asked.header));
	command = find_command(family, asked.header.cmd, dump);
	return command ? run(command, &asked, dump) : -EOPNOTSUPP;
}

static void receive(const struct netlink_request *request)
{
	netlink_each_message(request, handle);
}

/* ---- the controller ---- */

static struct generic_family controller;

static void put_commands(struct netlink_packet *packet,
			 const struct generic_family *family)
{
	u32 all = netlink_nest(packet, CTRL_ATTR_OPS);

	for (u32 i = 0; i < family->command_count; i++) {
		const struct generic_command *command = &family->commands[i];
		u32 one = netlink_nest(packet, (u16)(i + 1));

		netlink_put_u32(packet, CTRL_ATTR_OP_ID, command->number);
		netlink_put_u32(packet, CTRL_ATTR_OP_FLAGS,
				command->flags | (command->act ? GENL_CMD_CAP_DO : 0) |
					(command->dump ? GENL_CMD_CAP_DUMP : 0) |
					(command->rules ? GENL_CMD_CAP_HASPOL : 0));
		netlink_nest_end(packet, one);
	}
	netlink_nest_end(packet, all);
}

static void put_group(struct netlink_packet *packet, const struct generic_family *family)
{
	u32 all = netlink_nest(packet, CTRL_ATTR_MCAST_GROUPS);
	u32 one = netlink_nest(packet, 1);

	netlink_put_u32(packet, CTRL_ATTR_MCAST_GRP_ID, family->number);
	netlink_put_string(packet, CTRL_ATTR_MCAST_GRP_NAME, family->group);
	netlink_nest_end(packet, one);
	netlink_nest_end(packet, all);
}

static void put_family(struct netlink_packet *packet, const struct generic_family *family,
		       const struct generic_request *asked)
{
	generic_begin(packet, &controller, CTRL_CMD_NEWFAMILY, asked,
		      asked->message->header.nlmsg_seq);
	netlink_put_string(packet, CTRL_ATTR_FAMILY_NAME, family->name);
	netlink_put_u16(packet, CTRL_ATTR_FAMILY_ID, family->number);
	netlink_put_u32(packet, CTRL_ATTR_VERSION, family->version);
	netlink_put_u32(packet, CTRL_ATTR_HDRSIZE, 0);
	netlink_put_u32(packet, CTRL_ATTR_MAXATTR, 0); // each command has its own
	put_commands(packet, family);
	if (family->group) {
		put_group(packet, family);
	}
	netlink_end(packet);
}

static const struct generic_family *
find_by_attributes(const struct netlink_attribute *found)
{
	const struct netlink_attribute *name = &found[CTRL_ATTR_FAMILY_NAME];
	const struct generic_family *family = families;

	for (; family; family = family->next) {
		if (name->data ? strcmp((const char *)name->data, family->name) == 0
			       : netlink_get_u16(&found[CTRL_ATTR_FAMILY_ID]) ==
					 family->number) {
			break;
		}
	}
	return family;
}

static int get_family(const struct generic_request *asked,
		      const struct netlink_attribute *found)
{
	const struct generic_family *family;
	struct netlink_packet *packet;

	if (!found[CTRL_ATTR_FAMILY_NAME].data && !found[CTRL_ATTR_FAMILY_ID].data) {
		return -EINVAL;
	}
	family = find_by_attributes(found);
	if (!family) {
		return -ENOENT;
	}
	packet = netlink_packet_create(DESCRIPTION_ROOM);
	if (!packet) {
		return -ENOBUFS;
	}
	put_family(packet, family, asked);
	return generic_answer(asked, packet);
}

static int dump_families(const struct generic_request *asked,
			 struct netlink_packet *packet)
{
	for (const struct generic_family *family = families; family;
	     family = family->next) {
		put_family(packet, family, asked);
	}
	return 0;
}

static const struct netlink_rule family_rules[] = {
	[CTRL_ATTR_FAMILY_ID] = {NETLINK_U16, 0},
	[CTRL_ATTR_FAMILY_NAME] = {NETLINK_NUL_STRING, GENL_NAMSIZ - 1},
};

static const struct generic_command controller_commands[] = {
	{
		.number = CTRL_CMD_GETFAMILY,
		.rules = family_rules,
		.last = CTRL_ATTR_FAMILY_NAME,
		.act = get_family,
		.dump = dump_families,
	},
};

static struct generic_family controller = {
	.name = "nlctrl",
	.number = GENL_ID_CTRL,
	.version = 2,
	.commands = controller_commands,
	.command_count = 1,
	.group = "notify",
};

static struct netlink_protocol generic = {
	.number = NETLINK_GENERIC,
	.group_count = NETLINK_GROUPS_MAX,
	.any_may_listen = true,
	.receive = receive,
};

void generic_netlink_init(void)
{
	generic_family_register(&controller);
	netlink_protocol_register(&generic);
}
