// SPDX-License-Identifier: MIT
/*
 * R6, R10: each allocation of making a netlink socket, sending, answering and telling events fails once. What fails says so, what is lost for a
 * receiver is ENOBUFS there, and nothing is left. Heddle only.
 * deadline: 60
 */
#include "ledger.h"
#include "netlink.h"
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>
#include <linux/taskstats.h>

enum { MOST = 60, PORT = 1000003 };

static int close_keeping_errno(int fd, long result)
{
	int error = errno;

	close(fd);
	errno = error;
	return result < 0 ? -1 : 0;
}

static int act_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);

	return fd < 0 ? -1 : close_keeping_errno(fd, netlink_bind(fd, 0, 3));
}

static int act_send(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);
	long result;

	if (fd < 0) {
		return -1;
	}
	result = netlink_bind(fd, PORT, 0);
	if (result == 0) {
		result = netlink_send_to(fd, "some bytes", 10, PORT, 0);
	}
	return close_keeping_errno(fd, result);
}

/* A request that is answered: an answer that cannot be had is missed by who waits for it. */
static int act_listen(void)
{
	struct process_event_message message;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_CONNECTOR);
	long result;

	if (fd < 0) {
		return -1;
	}
	result = netlink_bind(fd, 0, CN_IDX_PROC);
	if (result == 0) {
		result = process_events_ask(fd, PROC_CN_MCAST_LISTEN, 0, 4);
	}
	if (result > 0) {
		result = recv(fd, &message, sizeof(message), MSG_DONTWAIT);
		errno = result < 0 && errno == EAGAIN ? ENOBUFS : errno;
	}
	return close_keeping_errno(fd, result);
}

/* Send the request and look at the first of the answer. The socket is closed. */
static int ask(int fd, const struct netlink_text *text)
{
	char answer[2048];
	long result = send(fd, text, text->header.nlmsg_len, 0);

	if (result > 0) {
		result = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
	}
	if (result > 0 && ((struct nlmsghdr *)answer)->nlmsg_type == NLMSG_ERROR) {
		errno = -((struct nlmsgerr *)NLMSG_DATA(answer))->error;
		result = -1;
	}
	return close_keeping_errno(fd, result);
}

static int ask_generic(int family, int command, int attribute, const void *data,
		       size_t size)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	struct genlmsghdr header = {.cmd = (unsigned char)command, .version = 1};
	struct netlink_text text;

	if (fd < 0) {
		return -1;
	}
	netlink_start(&text, family, NLM_F_REQUEST | (attribute ? 0 : NLM_F_DUMP), 1,
		      &header, sizeof(header));
	if (attribute) {
		netlink_add(&text, attribute, data, size);
	}
	return ask(fd, &text);
}

static int act_controller(void)
{
	return ask_generic(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME,
			   "nlctrl", 7);
}

static int act_families(void)
{
	return ask_generic(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0, NULL, 0);
}

/* The first family after the controller: the numbers are given out from 19 on. */
static int act_taskstats(void)
{
	unsigned number = (unsigned)getpid();

	return ask_generic(GENL_START_ALLOC, TASKSTATS_CMD_GET, TASKSTATS_CMD_ATTR_PID,
			   &number, sizeof(number));
}

static int act_links(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	struct ifinfomsg header = {.ifi_index = 1};
	struct netlink_text text;

	if (fd < 0) {
		return -1;
	}
	netlink_start(&text, RTM_GETLINK, NLM_F_REQUEST, 1, &header, sizeof(header));
	return ask(fd, &text);
}

static int act_table(void)
{
	int netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), fd;
	char text[4096];

	if (netlink < 0) {
		return -1;
	}
	fd = open("/proc/self/net/netlink", O_RDONLY);
	if (fd < 0) {
		return close_keeping_errno(netlink, -1);
	}
	return close_keeping_errno(netlink,
				   close_keeping_errno(fd, read(fd, text, sizeof(text))));
}

static const struct failing_act acts[] = {
	{"open", act_open},
	{"send", act_send},
	{"listen", act_listen},
	{"families", act_families},
	{"controller", act_controller},
	{"taskstats", act_taskstats},
	{"links", act_links},
	{"table", act_table},
};

int main(void)
{
	ledger_required();
	fail_acts(acts, sizeof(acts) / sizeof(*acts), MOST, ENOBUFS);
	return 0;
}
