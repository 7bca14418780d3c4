// SPDX-License-Identifier: MIT
/*
 * Processes that fork, exec nothing and end, as fast as they can, while listeners of the process events come, read a little, fill up
 * and go, on every CPU. At the end the ledger is where it was, and a listener hears of the next child. Wants to be root.
 * deadline: 60
 */
#include "ledger.h"
#include "netlink.h"
#include <linux/genetlink.h>
#include <linux/taskstats.h>

enum { FORKERS = 4, LISTENERS = 3, FORKS = 20 };

static long rounds;

static int open_listener(unsigned mask)
{
	int fd = netlink_open(NETLINK_CONNECTOR);

	CHECK_EQ(netlink_bind(fd, 0, CN_IDX_PROC), 0);
	CHECK(process_events_ask(fd, PROC_CN_MCAST_LISTEN, mask, mask ? 8 : 4) > 0);
	return fd;
}

static int taskstats_family(void)
{
	struct genlmsghdr header = {.cmd = CTRL_CMD_GETFAMILY, .version = 1};
	int fd = netlink_open(NETLINK_GENERIC);
	struct netlink_text text;
	unsigned short number;
	const void *data;
	size_t length;

	netlink_start(&text, GENL_ID_CTRL, NLM_F_REQUEST, 1, &header, sizeof(header));
	netlink_add(&text, CTRL_ATTR_FAMILY_NAME, "TASKSTATS", 10);
	CHECK_EQ(send(fd, &text, text.header.nlmsg_len, 0), text.header.nlmsg_len);
	CHECK(recv(fd, &text, sizeof(text), 0) > 0);
	data = netlink_find(text.bytes + NLMSG_LENGTH(sizeof(header)),
			    text.header.nlmsg_len - NLMSG_LENGTH(sizeof(header)),
			    CTRL_ATTR_FAMILY_ID, &length);
	CHECK(data && length == sizeof(number));
	memcpy(&number, data, sizeof(number));
	close(fd);
	return number;
}

static void fork_much(void)
{
	for (long i = 0; i < rounds; i++) {
		pid_t child = fork();

		CHECK(child >= 0);
		if (child == 0) {
			_exit((int)(i & 1));
		}
		CHECK_EQ(waitpid(child, NULL, 0), child);
	}
	_exit(0);
}

static void come_and_go(atomic_int *over)
{
	struct process_event_message message;
	unsigned turn = 0;

	while (!atomic_load(over)) {
		int size = 2304, fd = open_listener(++turn % 3 ? 0 : EVENT_NONZERO_EXIT);

		if (turn % 4 == 0) {
			CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size,
					    sizeof(size)),
				 0);
		}
		for (unsigned i = 0; i < turn % 16; i++) {
			(void)process_events_next(fd, &message, MSG_DONTWAIT);
		}
		if (turn % 5 == 0) {
			CHECK(process_events_ask(fd, PROC_CN_MCAST_IGNORE, 0, 4) > 0);
		}
		close(fd);
	}
	_exit(0);
}

/* TASKSTATS of every end, on all CPUs: registered, read a little, and gone without a word. */
static void register_and_go(atomic_int *over)
{
	struct genlmsghdr header = {.cmd = TASKSTATS_CMD_GET, .version = 1};
	struct netlink_text text;
	char answer[2048], all[16];
	unsigned turn = 0;
	int family = taskstats_family();

	if (sysconf(_SC_NPROCESSORS_CONF) > 1) {
		snprintf(all, sizeof(all), "0-%ld", sysconf(_SC_NPROCESSORS_CONF) - 1);
	} else {
		strcpy(all, "0");
	}
	netlink_start(&text, family, NLM_F_REQUEST, 1, &header, sizeof(header));
	netlink_add(&text, TASKSTATS_CMD_ATTR_REGISTER_CPUMASK, all, strlen(all) + 1);
	while (!atomic_load(over)) {
		int fd = netlink_open(NETLINK_GENERIC);

		CHECK_EQ(send(fd, &text, text.header.nlmsg_len, 0),
			 text.header.nlmsg_len);
		for (unsigned i = 0; i < ++turn % 8; i++) {
			(void)recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
		}
		close(fd);
	}
	_exit(0);
}

static void hear_of_one(void)
{
	struct process_event_message message;
	int fd = open_listener(EVENT_NONZERO_EXIT);
	pid_t child = fork();

	if (child == 0) {
		_exit(9);
	}
	do {
		CHECK(process_events_next(fd, &message, 0));
	} while (message.event.event_data.exit.process_pid != child);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	close(fd);
}

int main(void)
{
	const char *soak = getenv("HEDDLE_SOAK");
	atomic_int *over = mmap(NULL, sizeof(*over), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool counts = access("/proc/heddle/ledger", R_OK) == 0;
	pid_t forkers[FORKERS], listeners[LISTENERS];
	struct ledger before;

	if (geteuid() != 0) {
		skip("must be root");
	}
	atomic_store(over, 0); // its page is there
	rounds = FORKS * (soak ? atol(soak) : 1);
	hear_of_one();
	if (counts) {
		ledger_begin(&before);
	}
	for (int i = 0; i < LISTENERS; i++) {
		listeners[i] = fork();
		if (listeners[i] == 0) {
			if (i == 0) {
				register_and_go(over);
			}
			come_and_go(over);
		}
	}
	for (int i = 0; i < FORKERS; i++) {
		forkers[i] = fork();
		if (forkers[i] == 0) {
			fork_much();
		}
	}
	for (int i = 0, status; i < FORKERS; i++) {
		CHECK_EQ(waitpid(forkers[i], &status, 0), forkers[i]);
		CHECK_EQ(status, 0);
	}
	atomic_store(over, 1);
	for (int i = 0, status; i < LISTENERS; i++) {
		CHECK_EQ(waitpid(listeners[i], &status, 0), listeners[i]);
		CHECK_EQ(status, 0);
	}
	hear_of_one(); // and who listened last to the ends of others is found to be gone
	if (counts) {
		ledger_expect(&before);
	}
	ok("storm");
	return 0;
}
