// SPDX-License-Identifier: MIT
/*
 * netlink(7): messages in a request, their attributes, and what is answered.
 *
 * Everything here is read from a copy in kernel memory; lengths in it are the sender's words and are checked against what is left
 * before they are used. Attributes may lie at any address: they are copied out, not pointed into.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "net/netlink_internal.h"

enum { HEADER = sizeof(struct nlmsghdr), ATTRIBUTE_HEADER = sizeof(struct nlattr) };

STATIC_ASSERT(sizeof(struct nlmsghdr) == 16);
STATIC_ASSERT(sizeof(struct nlattr) == 4);

/* ---- building ---- */

/* Zeroed room for `size` more bytes and their padding, or NULL. */
static u8 *extend(struct netlink_packet *packet, u32 size)
{
	u8 *at = packet->data + packet->size;

	if (packet->overflow || size > packet->room ||
	    ALIGN_UP(size, 4u) > packet->room - packet->size) {
		packet->overflow = true;
		return NULL;
	}
	packet->size += ALIGN_UP(size, 4u);
	return at;
}

void netlink_begin(struct netlink_packet *packet, u16 type, u16 flags, u32 sequence,
		   u32 port)
{
	struct nlmsghdr header = {.nlmsg_type = type,
				  .nlmsg_flags = flags,
				  .nlmsg_seq = sequence,
				  .nlmsg_pid = port};

	packet->message = packet->size;
	netlink_put_bytes(packet, &header, sizeof(header));
}

void netlink_end(struct netlink_packet *packet)
{
	u32 length = packet->size - packet->message;

	if (!packet->overflow) {
		memcpy(packet->data + packet->message, &length, sizeof(length));
	}
}

void netlink_put_bytes(struct netlink_packet *packet, const void *data, u32 size)
{
	u8 *at = extend(packet, size);

	if (at) {
		memcpy(at, data, size);
	}
}

void netlink_put(struct netlink_packet *packet, u16 type, const void *data, u32 size)
{
	struct nlattr header = {.nla_len = (u16)(ATTRIBUTE_HEADER + size),
				.nla_type = type};
	u8 *at = size > 0xffff - ATTRIBUTE_HEADER
			 ? NULL
			 : extend(packet, ATTRIBUTE_HEADER + size);

	if (at) {
		memcpy(at, &header, sizeof(header));
		memcpy(at + sizeof(header), data, size);
	} else {
		packet->overflow = true;
	}
}

void netlink_put_u8(struct netlink_packet *packet, u16 type, u8 value)
{
	netlink_put(packet, type, &value, sizeof(value));
}

void netlink_put_u16(struct netlink_packet *packet, u16 type, u16 value)
{
	netlink_put(packet, type, &value, sizeof(value));
}

void netlink_put_u32(struct netlink_packet *packet, u16 type, u32 value)
{
	netlink_put(packet, type, &value, sizeof(value));
}

void netlink_put_string(struct netlink_packet *packet, u16 type, const char *value)
{
	netlink_put(packet, type, value, (u32)strlen(value) + 1);
}

u32 netlink_nest(struct netlink_packet *packet, u16 type)
{
	u32 at = packet->size;

	netlink_put(packet, type, "", 0);
	return at;
}

void netlink_nest_end(struct netlink_packet *packet, u32 nest)
{
	u16 length = (u16)(packet->size - nest);

	if (packet->size - nest > 0xffff) {
		packet->overflow = true;
	}
	if (!packet->overflow) {
		memcpy(packet->data + nest, &length, sizeof(length));
	}
}

int netlink_packet_error(const struct netlink_packet *packet)
{
	return packet->overflow ? -EMSGSIZE : 0;
}

void netlink_put_done(struct netlink_packet *packet,
		      const struct netlink_request *request,
		      const struct netlink_message *message, u16 flags, s32 result)
{
	netlink_begin(packet, NLMSG_DONE, NLM_F_MULTI | flags, message->header.nlmsg_seq,
		      request->port);
	netlink_put_bytes(packet, &result, sizeof(result));
	netlink_end(packet);
}

/* ---- answering ---- */

static void put_complaint(struct netlink_packet *packet,
			  const struct netlink_complaint *complaint)
{
	if (complaint->words) {
		netlink_put_string(packet, NLMSGERR_ATTR_MSG, complaint->words);
	}
	if (complaint->offset) {
		netlink_put_u32(packet, NLMSGERR_ATTR_OFFS, complaint->offset);
	}
}

/* NLMSG_ERROR: the request's header, and unless it went well or the sender wants it short, the request too. */
static void acknowledge(const struct netlink_request *request,
			const struct netlink_message *message, s32 error)
{
	const struct netlink_complaint *complaint = message->complaint;
	bool whole = error && !netlink_option(request->from, NETLINK_CAP_ACK);
	bool explained = error && netlink_option(request->from, NETLINK_EXT_ACK) &&
			 (complaint->words || complaint->offset);
	u32 words = complaint->words ? (u32)strlen(complaint->words) : 0;
	u16 flags = (u16)((whole ? 0 : NLM_F_CAPPED) | (explained ? NLM_F_ACK_TLVS : 0));
	struct netlink_packet *packet = netlink_packet_create(
		2 * HEADER + 32 + words + (whole ? message->size + 4 : 0));

	if (!packet) {
		netlink_overrun(request->from);
		return;
	}
	netlink_begin(packet, NLMSG_ERROR, flags, message->header.nlmsg_seq,
		      request->port);
	netlink_put_bytes(packet, &error, sizeof(error));
	netlink_put_bytes(packet, &message->header, sizeof(message->header));
	if (whole) {
		netlink_put_bytes(packet, message->payload, message->size);
	}
	if (explained) {
		put_complaint(packet, complaint);
	}
	netlink_end(packet);
	netlink_deliver(request->from, packet);
}

void netlink_each_message(const struct netlink_request *request,
			  int (*handle)(const struct netlink_request *request,
					const struct netlink_message *message))
{
	u32 at = 0;

	while (request->size - at >= HEADER) {
		struct netlink_complaint complaint = {0};
		struct netlink_message message = {.complaint = &complaint};
		u32 length, left = request->size - at;
		int error = 0;

		memcpy(&message.header, request->data + at, HEADER);
		length = message.header.nlmsg_len;
		if (length < HEADER || length > left) {
			return;
		}
		message.payload = request->data + at + HEADER;
		message.size = length - HEADER;
		if (message.header.nlmsg_flags & NLM_F_REQUEST &&
		    message.header.nlmsg_type >= NLMSG_MIN_TYPE) {
			error = handle(request, &message);
		}
		if (error || message.header.nlmsg_flags & NLM_F_ACK) {
			acknowledge(request, &message, error);
		}
		at += left - length < 4 ? left : ALIGN_UP(length, 4u);
	}
}

/* ---- attributes ---- */

static int check_string(const struct netlink_rule *rule, const u8 *data, u32 size)
{
	if (rule->kind == NETLINK_NUL_STRING) {
		u32 looked = rule->most ? MIN(size, rule->most + 1) : size;

		if (!looked || strnlen((const char *)data, looked) == looked) {
			return -EINVAL;
		}
	}
	if (size < 1) {
		return -ERANGE;
	}
	size -= data[size - 1] == '\0';
	return rule->most && size > rule->most ? -ERANGE : 0;
}

static int check_attribute(const struct netlink_rule *rule, const u8 *data, u32 size)
{
	switch (rule->kind) {
	case NETLINK_ANY:
		return 0;
	case NETLINK_U16:
		return size < sizeof(u16) ? -ERANGE : 0;
	case NETLINK_U32:
		return size < sizeof(u32) ? -ERANGE : 0;
	case NETLINK_STRING:
	case NETLINK_NUL_STRING:
		return check_string(rule, data, size);
	}
	return 0;
}

int netlink_parse(const struct netlink_message *message, u32 from,
		  const struct netlink_rule *rules, u16 last,
		  struct netlink_attribute *found)
{
	u32 at = ALIGN_UP(from, 4u);

	memset(found, 0, ((size_t)last + 1) * sizeof(*found));
	while (at < message->size && message->size - at >= ATTRIBUTE_HEADER) {
		const u8 *data = message->payload + at + ATTRIBUTE_HEADER;
		u32 size, left = message->size - at;
		struct nlattr header;
		u16 type;

		memcpy(&header, message->payload + at, sizeof(header));
		type = header.nla_type & NLA_TYPE_MASK;
		if (header.nla_len < ATTRIBUTE_HEADER || header.nla_len > left) {
			return 0;
		}
		size = header.nla_len - (u32)ATTRIBUTE_HEADER;
		if (type > 0 && type <= last) {
			int error = check_attribute(&rules[type], data, size);

			if (error) {
				message->complaint->words = "attribute breaks its rule";
				message->complaint->offset = (u32)HEADER + at;
				return error;
			}
			found[type] = (struct netlink_attribute){data, size};
		}
		at += ALIGN_UP((u32)header.nla_len, 4u);
	}
	return 0;
}

u32 netlink_get_u32(const struct netlink_attribute *attribute)
{
	u32 value;

	memcpy(&value, attribute->data, sizeof(value));
	return value;
}

u16 netlink_get_u16(const struct netlink_attribute *attribute)
{
	u16 value;

	memcpy(&value, attribute->data, sizeof(value));
	return value;
}
