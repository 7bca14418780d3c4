// SPDX-License-Identifier: MIT
/*
 * rtnetlink(7) in a network namespace of its own: the loopback by index, by name and in a list, down and up; no addresses, no routes; what
 * is refused; NETLINK_GET_STRICT_CHK; the C library's if_nameindex and getifaddrs. Wants to be root.
 */
#include "netlink.h"
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>

enum { ROOM = 16384, NOBODY = 65534, HARDWARE_LOOPBACK = 772, STATE_DOWN = 2 };

static int fd;
static unsigned char answer[ROOM];
static struct nlmsghdr *const head = (struct nlmsghdr *)answer;

static void start(struct netlink_text *text, int type, int flags, int index)
{
	struct ifinfomsg header = {.ifi_index = index};

	netlink_start(text, type, flags, 5, &header, sizeof(header));
}

static size_t ask(struct netlink_text *text)
{
	ssize_t got;

	CHECK_EQ(send(fd, text, text->header.nlmsg_len, 0), text->header.nlmsg_len);
	got = recv(fd, answer, sizeof(answer), 0);
	CHECK(got >= NLMSG_HDRLEN);
	CHECK_EQ(head->nlmsg_seq, 5);
	CHECK_EQ(head->nlmsg_pid, netlink_own_name(fd).nl_pid);
	return (size_t)got;
}

static int refusal(struct netlink_text *text)
{
	struct nlmsgerr error;

	ask(text);
	CHECK_EQ(head->nlmsg_type, NLMSG_ERROR);
	memcpy(&error, NLMSG_DATA(head), sizeof(error));
	return -error.error;
}

static int refused(int type, int flags, int index, int attribute, const void *data,
		   size_t size)
{
	struct netlink_text text;

	start(&text, type, flags, index);
	if (attribute) {
		netlink_add(&text, attribute, data, size);
	}
	return refusal(&text);
}

static const void *found(const struct nlmsghdr *message, int type, size_t *length)
{
	const size_t before = NLMSG_LENGTH(sizeof(struct ifinfomsg));

	return netlink_find((const char *)message + before, message->nlmsg_len - before,
			    type, length);
}

static void check_loopback(const struct nlmsghdr *message, bool up, int flags)
{
	struct ifinfomsg link;
	size_t length;
	const void *data;
	unsigned number;

	CHECK_EQ(message->nlmsg_type, RTM_NEWLINK);
	CHECK_EQ(message->nlmsg_flags, flags);
	memcpy(&link, NLMSG_DATA(message), sizeof(link));
	CHECK_EQ(link.ifi_family, 0);
	CHECK_EQ(link.ifi_type, HARDWARE_LOOPBACK);
	CHECK_EQ(link.ifi_index, 1);
	CHECK_EQ(link.ifi_flags, up ? 0x10049 : 8);
	data = found(message, IFLA_IFNAME, &length);
	CHECK(data && length == 3 && strcmp(data, "lo") == 0);
	data = found(message, IFLA_MTU, &length);
	CHECK(data && length == 4);
	memcpy(&number, data, 4);
	CHECK_EQ(number, 65536);
	data = found(message, IFLA_OPERSTATE, &length);
	CHECK(data && length == 1);
	CHECK_EQ(*(const char *)data, up ? 0 : STATE_DOWN);
	CHECK(found(message, IFLA_ADDRESS, &length) && length == 6);
	CHECK(found(message, IFLA_BROADCAST, &length) && length == 6);
	CHECK(found(message, IFLA_STATS, &length) && length >= 92);
	CHECK(found(message, IFLA_STATS64, &length) && length >= 184);
	data = found(message, IFLA_QDISC, &length);
	CHECK(data && strcmp(data, up ? "noqueue" : "noop") == 0);
}

static void check_one(bool up)
{
	struct netlink_text text;

	start(&text, RTM_GETLINK, NLM_F_REQUEST, 1);
	ask(&text);
	check_loopback(head, up, 0);
	start(&text, RTM_GETLINK, NLM_F_REQUEST, 0);
	netlink_add(&text, IFLA_IFNAME, "lo", 3);
	ask(&text);
	check_loopback(head, up, 0);
	CHECK_EQ(refused(RTM_GETLINK, 1, 7, 0, NULL, 0), ENODEV);
	CHECK_EQ(refused(RTM_GETLINK, 1, -1, 0, NULL, 0), EINVAL);
	CHECK_EQ(refused(RTM_GETLINK, 1, 0, 0, NULL, 0), EINVAL);
	CHECK_EQ(refused(RTM_GETLINK, 1, 0, IFLA_IFNAME, "eth9", 5), ENODEV);
	CHECK_EQ(refused(RTM_GETLINK, 1, 0, IFLA_IFNAME, "a name that is too long", 24),
		 ERANGE);
	netlink_start(&text, RTM_GETLINK, 1, 5, "", 1);
	CHECK_EQ(refusal(&text), EINVAL);
	ok(up ? "up" : "down");
}

/* Messages until NLMSG_DONE: how many, and what that says. */
static int list(struct netlink_text *text, int *result, int *flags)
{
	int count = 0;

	CHECK(send(fd, text, text->header.nlmsg_len, 0) > 0);
	for (;;) {
		ssize_t got = recv(fd, answer, sizeof(answer), 0);
		unsigned left = (unsigned)got;

		CHECK(got > 0);
		for (struct nlmsghdr *at = head; NLMSG_OK(at, left);
		     at = NLMSG_NEXT(at, left)) {
			CHECK(at->nlmsg_flags & NLM_F_MULTI);
			CHECK_EQ(at->nlmsg_seq, 5);
			if (at->nlmsg_type == NLMSG_DONE) {
				memcpy(result, NLMSG_DATA(at), sizeof(*result));
				*flags = at->nlmsg_flags;
				return count;
			}
			check_loopback(at, false, NLM_F_MULTI);
			count++;
		}
	}
}

static void expect(int type, const void *family, size_t size, int count, int result,
		   int flags)
{
	struct netlink_text text;
	int got_result, got_flags;

	netlink_start(&text, type, NLM_F_REQUEST | NLM_F_DUMP, 5, family, size);
	CHECK_EQ(list(&text, &got_result, &got_flags), count);
	CHECK_EQ(got_result, result);
	CHECK_EQ(got_flags, flags);
}

static void check_lists(void)
{
	struct ifinfomsg all = {0}, bridges = {.ifi_family = 7}, one = {.ifi_index = 1};
	struct ifaddrmsg addresses = {0}, of_one = {.ifa_index = 1};
	struct rtmsg routes = {.rtm_family = 2};

	expect(RTM_GETLINK, &all, sizeof(all), 1, 0, NLM_F_MULTI);
	expect(RTM_GETLINK, &all, 1, 1, 0, NLM_F_MULTI);
	expect(RTM_GETLINK, &bridges, sizeof(bridges), 0, 0, NLM_F_MULTI);
	expect(RTM_GETADDR, &addresses, sizeof(addresses), 0, 0, NLM_F_MULTI);
	expect(RTM_GETROUTE, &routes, sizeof(routes), 0, 0, NLM_F_MULTI);
	CHECK_EQ(netlink_set(fd, NETLINK_GET_STRICT_CHK, 1), 0);
	expect(RTM_GETLINK, &all, sizeof(all), 1, 0, NLM_F_MULTI);
	expect(RTM_GETLINK, &all, 1, 0, -EINVAL, NLM_F_MULTI);
	expect(RTM_GETLINK, &one, sizeof(one), 0, -EINVAL, NLM_F_MULTI);
	expect(RTM_GETADDR, &addresses, sizeof(addresses), 0, 0, NLM_F_MULTI);
	expect(RTM_GETADDR, &of_one, sizeof(of_one), 0, 0,
	       NLM_F_MULTI | NLM_F_DUMP_FILTERED);
	expect(RTM_GETADDR, &addresses, 1, 0, -EINVAL, NLM_F_MULTI);
	CHECK_EQ(netlink_set(fd, NETLINK_GET_STRICT_CHK, 0), 0);
	ok("lists");
}

static void check_refusals(void)
{
	struct netlink_text text;

	CHECK_EQ(refused(RTM_DELLINK, 5, 1, 0, NULL, 0), EOPNOTSUPP);
	CHECK_EQ(refused(200, 5, 1, 0, NULL, 0), EOPNOTSUPP);
	CHECK_EQ(refused(RTM_GETADDR, 5, 1, 0, NULL, 0), EOPNOTSUPP);
	netlink_start(&text, RTM_DELLINK, 5, 5, "", 0);
	CHECK_EQ(refusal(&text), 0); // too short to ask for anything
	ok("refusals");
}

static void check_library(void)
{
	struct if_nameindex *names = if_nameindex();
	struct ifaddrs *addresses;
	char name[IF_NAMESIZE];
	int count = 0;

	CHECK(names);
	CHECK_EQ(names[0].if_index, 1);
	CHECK_EQ(strcmp(names[0].if_name, "lo"), 0);
	CHECK_EQ(names[1].if_index, 0);
	if_freenameindex(names);
	CHECK_EQ(if_nametoindex("lo"), 1);
	CHECK(if_indextoname(1, name) && strcmp(name, "lo") == 0);
	CHECK_EQ(getifaddrs(&addresses), 0);
	for (struct ifaddrs *at = addresses; at; at = at->ifa_next, count++) {
		CHECK_EQ(strcmp(at->ifa_name, "lo"), 0);
		CHECK_EQ(at->ifa_addr->sa_family, AF_PACKET);
		CHECK_EQ(at->ifa_flags, 8);
	}
	CHECK_EQ(count, 1);
	freeifaddrs(addresses);
	ok("library");
}

static void set_up(void)
{
	int plain = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};

	CHECK_EQ(ioctl(plain, SIOCSIFFLAGS, &request), 0);
	close(plain);
}

static void as_nobody(void)
{
	CHECK_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
	CHECK_EQ(refused(RTM_DELLINK, 5, 1, 0, NULL, 0), EPERM);
	CHECK_EQ(refused(RTM_NEWADDR, 5, 1, 0, NULL, 0), EPERM);
	check_one(true);
}

static void check_malformed(void)
{
	struct netlink_text text;
	unsigned seed = 5;

	for (int i = 0; i < 3000; i++) {
		size_t size = 16 + (unsigned)i % 80;

		start(&text, RTM_GETLINK + 4 * (i % 3), i % 2 ? 1 : 0x301, i % 3);
		for (size_t k = NLMSG_LENGTH(sizeof(struct ifinfomsg)); k < 100; k++) {
			seed = seed * 1103515245u + 12345u;
			text.bytes[k] = k % 2 ? 0 : (unsigned char)(seed >> 24) % 64;
		}
		text.header.nlmsg_len = (unsigned)(i % 5 ? size : seed >> 20);
		CHECK_EQ(send(fd, &text, size, 0), size);
		while (recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0) {
		}
	}
	check_one(true);
	ok("malformed");
}

int main(void)
{
	if (geteuid() != 0) {
		skip("must be root");
	}
	CHECK_EQ(unshare(CLONE_NEWNET), 0);
	fd = netlink_open(NETLINK_ROUTE);
	CHECK_EQ(netlink_bind(fd, 0, 0), 0);
	check_one(false);
	check_lists();
	check_refusals();
	check_library();
	set_up();
	check_one(true);
	must_pass_in_child(as_nobody);
	check_malformed();
	return 0;
}
