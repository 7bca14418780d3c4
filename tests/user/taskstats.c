// SPDX-License-Identifier: MIT
/*
 * Generic netlink: the controller, by name, by number and as a list, what is refused, and TASKSTATS: of threads and processes, and
 * of those that end; rights; attributes that lie. Wants to be root.
 */
#include "netlink.h"
#include <linux/genetlink.h>
#include <linux/taskstats.h>
#include <sys/resource.h>

enum { ROOM = 16384, NOBODY = 65534, BASE = NLMSG_HDRLEN + GENL_HDRLEN };

static int fd, family;
static unsigned char answer[ROOM];
static struct nlmsghdr *const head = (struct nlmsghdr *)answer;

static void begin(struct netlink_text *text, int type, int flags, int command)
{
	struct genlmsghdr header = {.cmd = (unsigned char)command, .version = 1};

	netlink_start(text, type, flags, 9, &header, sizeof(header));
}

/* Send, and take the first packet of the answer; its length. */
static size_t ask(struct netlink_text *text)
{
	ssize_t got;

	CHECK_EQ(send(fd, text, text->header.nlmsg_len, 0), text->header.nlmsg_len);
	got = recv(fd, answer, sizeof(answer), 0);
	CHECK(got >= (ssize_t)sizeof(*head));
	CHECK_EQ(head->nlmsg_seq, 9);
	CHECK_EQ(head->nlmsg_pid, netlink_own_name(fd).nl_pid);
	return (size_t)got;
}

/* The errno that the answer, NLMSG_ERROR, has: 0 or more. */
static int refusal(struct netlink_text *text)
{
	struct nlmsgerr error;
	size_t size = ask(text);

	CHECK_EQ(head->nlmsg_type, NLMSG_ERROR);
	CHECK(size >= NLMSG_LENGTH(sizeof(error)));
	memcpy(&error, NLMSG_DATA(head), sizeof(error));
	CHECK_EQ(error.msg.nlmsg_type, text->header.nlmsg_type);
	CHECK_EQ(error.msg.nlmsg_seq, 9);
	if (error.error) {
		CHECK_EQ(size, NLMSG_LENGTH(sizeof(error)) +
				       NLMSG_ALIGN(text->header.nlmsg_len) -
				       NLMSG_HDRLEN);
		CHECK_EQ(memcmp(NLMSG_DATA(head) + sizeof(error),
				text->bytes + NLMSG_HDRLEN,
				text->header.nlmsg_len - NLMSG_HDRLEN),
			 0);
	} else {
		CHECK_EQ(size, NLMSG_LENGTH(sizeof(error)));
		CHECK_EQ(head->nlmsg_flags, NLM_F_CAPPED);
	}
	return -error.error;
}

static int refused(int type, int flags, int command, int attribute, const void *data,
		   size_t size)
{
	struct netlink_text text;

	begin(&text, type, flags, command);
	if (attribute) {
		netlink_add(&text, attribute, data, size);
	}
	return refusal(&text);
}

static const void *found(const struct nlmsghdr *message, int type, size_t *length)
{
	return netlink_find((const char *)message + BASE, message->nlmsg_len - BASE, type,
			    length);
}

static void check_controller(void)
{
	struct netlink_text text;
	const void *data;
	size_t length;
	unsigned short number;

	begin(&text, GENL_ID_CTRL, NLM_F_REQUEST, CTRL_CMD_GETFAMILY);
	netlink_add(&text, CTRL_ATTR_FAMILY_NAME, TASKSTATS_GENL_NAME,
		    sizeof(TASKSTATS_GENL_NAME));
	ask(&text);
	CHECK_EQ(head->nlmsg_type, GENL_ID_CTRL);
	CHECK_EQ(head->nlmsg_flags, 0);
	CHECK_EQ(answer[NLMSG_HDRLEN], CTRL_CMD_NEWFAMILY);
	CHECK_EQ(answer[NLMSG_HDRLEN + 1], 2);
	data = found(head, CTRL_ATTR_FAMILY_ID, &length);
	CHECK(data && length == 2);
	memcpy(&number, data, 2);
	family = number;
	CHECK(family > GENL_ID_CTRL);
	data = found(head, CTRL_ATTR_FAMILY_NAME, &length);
	CHECK(data && strcmp(data, TASKSTATS_GENL_NAME) == 0);
	CHECK(found(head, CTRL_ATTR_VERSION, &length) && length == 4);
	data = found(head, CTRL_ATTR_OPS, &length); // the first: { number, flags }
	CHECK(data && length >= 20);
	CHECK_EQ(((const unsigned *)data)[2], TASKSTATS_CMD_GET);
	CHECK_EQ(((const unsigned *)data)[4],
		 GENL_ADMIN_PERM | GENL_CMD_CAP_DO | GENL_CMD_CAP_HASPOL);
	begin(&text, GENL_ID_CTRL, NLM_F_REQUEST | NLM_F_ACK, CTRL_CMD_GETFAMILY);
	number = GENL_ID_CTRL;
	netlink_add(&text, CTRL_ATTR_FAMILY_ID, &number, 2);
	ask(&text);
	data = found(head, CTRL_ATTR_FAMILY_NAME, &length);
	CHECK(data && strcmp(data, "nlctrl") == 0);
	CHECK(found(head, CTRL_ATTR_MCAST_GROUPS, &length));
	CHECK_EQ(recv(fd, answer, sizeof(answer), 0),
		 NLMSG_LENGTH(sizeof(struct nlmsgerr)));
	ok("controller");
}

static void check_list(void)
{
	bool self = false, stats = false, done = false;
	struct netlink_text text;

	begin(&text, GENL_ID_CTRL, NLM_F_REQUEST | NLM_F_DUMP, CTRL_CMD_GETFAMILY);
	CHECK(send(fd, &text, text.header.nlmsg_len, 0) > 0);
	while (!done) {
		ssize_t got = recv(fd, answer, sizeof(answer), 0);
		unsigned left = (unsigned)got;

		CHECK(got > 0);
		for (struct nlmsghdr *at = head; NLMSG_OK(at, left);
		     at = NLMSG_NEXT(at, left)) {
			size_t length;
			const char *name = found(at, CTRL_ATTR_FAMILY_NAME, &length);

			CHECK_EQ(at->nlmsg_flags, NLM_F_MULTI);
			CHECK_EQ(at->nlmsg_seq, 9);
			done |= at->nlmsg_type == NLMSG_DONE;
			if (at->nlmsg_type != NLMSG_DONE) {
				CHECK(name);
				self |= strcmp(name, "nlctrl") == 0;
				stats |= strcmp(name, TASKSTATS_GENL_NAME) == 0;
			}
		}
	}
	CHECK(self && stats);
	ok("list");
}

static void check_refusals(void)
{
	struct netlink_text text;
	unsigned short number = 1000;

	CHECK_EQ(refused(GENL_ID_CTRL, 1, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME,
			 "nobody", 7),
		 ENOENT);
	CHECK_EQ(refused(GENL_ID_CTRL, 1, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME,
			 TASKSTATS_GENL_NAME, 9),
		 EINVAL);
	CHECK_EQ(refused(GENL_ID_CTRL, 1, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME,
			 "a name of more than fifteen bytes", 34),
		 EINVAL);
	CHECK_EQ(refused(GENL_ID_CTRL, 1, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, "",
			 0),
		 EINVAL);
	CHECK_EQ(refused(GENL_ID_CTRL, 1, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID,
			 &number, 2),
		 ENOENT);
	CHECK_EQ(refused(GENL_ID_CTRL, 1, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID,
			 &number, 1),
		 ERANGE);
	CHECK_EQ(refused(GENL_ID_CTRL, 1, CTRL_CMD_GETFAMILY, 0, NULL, 0), EINVAL);
	CHECK_EQ(refused(GENL_ID_CTRL, 1, 99, 0, NULL, 0), EOPNOTSUPP);
	CHECK_EQ(refused(GENL_ID_CTRL, 1, CTRL_CMD_GETPOLICY, 0, NULL, 0), EOPNOTSUPP);
	CHECK_EQ(refused(GENL_ID_CTRL, NLM_F_REQUEST | NLM_F_DUMP, CTRL_CMD_NEWFAMILY, 0,
			 NULL, 0),
		 EOPNOTSUPP);
	CHECK_EQ(refused(1023, 1, 1, 0, NULL, 0), ENOENT);
	CHECK_EQ(refused(GENL_ID_CTRL, NLM_F_ACK, 99, 0, NULL, 0), 0); // no request
	CHECK_EQ(refused(NLMSG_NOOP, NLM_F_ACK | 1, 99, 0, NULL, 0), 0);
	netlink_start(&text, GENL_ID_CTRL, 1, 9, "", 0);
	CHECK_EQ(refusal(&text), EINVAL);
	CHECK_EQ(refused(family, 1, TASKSTATS_CMD_NEW, 0, NULL, 0), EOPNOTSUPP);
	CHECK_EQ(refused(family, 1, TASKSTATS_CMD_GET, 0, NULL, 0), EINVAL);
	CHECK_EQ(refused(family, NLM_F_REQUEST | NLM_F_DUMP, TASKSTATS_CMD_GET, 0, NULL,
			 0),
		 EOPNOTSUPP);
	CHECK_EQ(refused(family, 1, TASKSTATS_CMD_GET, TASKSTATS_CMD_ATTR_PID, "\0", 1),
		 ERANGE);
	CHECK_EQ(refused(family, 1, TASKSTATS_CMD_GET, TASKSTATS_CMD_ATTR_PID, "\0\0\0",
			 4),
		 ESRCH);
	CHECK_EQ(refused(family, 1, TASKSTATS_CMD_GET, TASKSTATS_CMD_ATTR_TGID,
			 "\xff\xff\xff", 4),
		 ESRCH);
	ok("refusals");
}

/* An acknowledgement is short with NETLINK_CAP_ACK, and says which attribute was bad with NETLINK_EXT_ACK. */
static void check_acknowledgements(void)
{
	struct netlink_text text;
	size_t size, length;
	const void *data;
	unsigned offset;

	begin(&text, family, 1, TASKSTATS_CMD_GET);
	netlink_add(&text, TASKSTATS_CMD_ATTR_PID, "\0", 1);
	CHECK_EQ(netlink_set(fd, NETLINK_CAP_ACK, 1), 0);
	CHECK_EQ(ask(&text), NLMSG_LENGTH(sizeof(struct nlmsgerr)));
	CHECK_EQ(head->nlmsg_flags, NLM_F_CAPPED);
	CHECK_EQ(netlink_set(fd, NETLINK_EXT_ACK, 1), 0);
	size = ask(&text);
	CHECK_EQ(head->nlmsg_flags, NLM_F_CAPPED | NLM_F_ACK_TLVS);
	data = netlink_find(answer + NLMSG_LENGTH(sizeof(struct nlmsgerr)),
			    size - NLMSG_LENGTH(sizeof(struct nlmsgerr)),
			    NLMSGERR_ATTR_OFFS, &length);
	CHECK(data && length == sizeof(offset));
	memcpy(&offset, data, sizeof(offset));
	CHECK_EQ(offset, BASE);
	CHECK_EQ(netlink_set(fd, NETLINK_CAP_ACK, 0), 0);
	CHECK_EQ(netlink_set(fd, NETLINK_EXT_ACK, 0), 0);
	ok("acknowledgements");
}

/* What the answer has about `number`, in the nest of this type. */
static void unpack(int nest, int number_type, unsigned number, struct taskstats *stats)
{
	size_t length, inner;
	const void *data = found(head, nest, &length), *part;

	CHECK_EQ(head->nlmsg_type, family);
	CHECK_EQ(answer[NLMSG_HDRLEN], TASKSTATS_CMD_NEW);
	CHECK(data);
	part = netlink_find(data, length, number_type, &inner);
	CHECK(part && inner == 4);
	CHECK_EQ(memcmp(part, &number, 4), 0);
	part = netlink_find(data, length, TASKSTATS_TYPE_STATS, &inner);
	CHECK(part && inner >= 328);
	memset(stats, 0, sizeof(*stats));
	memcpy(stats, part, inner < sizeof(*stats) ? inner : sizeof(*stats));
	CHECK(stats->version >= 8);
}

static void get(int attribute, unsigned number, struct taskstats *stats)
{
	bool process = attribute == TASKSTATS_CMD_ATTR_TGID;
	struct netlink_text text;

	begin(&text, family, NLM_F_REQUEST, TASKSTATS_CMD_GET);
	netlink_add(&text, attribute, &number, sizeof(number));
	ask(&text);
	unpack(process ? TASKSTATS_TYPE_AGGR_TGID : TASKSTATS_TYPE_AGGR_PID,
	       process ? TASKSTATS_TYPE_TGID : TASKSTATS_TYPE_PID, number, stats);
}

static void check_own(void)
{
	struct taskstats before, after;
	static volatile char pages[1 << 20];
	long long start;
	char byte = 0;

	get(TASKSTATS_CMD_ATTR_PID, (unsigned)getpid(), &before);
	CHECK_EQ(before.ac_pid, getpid());
	CHECK_EQ(before.ac_ppid, getppid());
	CHECK_EQ(before.ac_uid, getuid());
	CHECK_EQ((signed char)before.ac_nice, getpriority(PRIO_PROCESS, 0));
	CHECK_EQ(before.ac_exitcode, 0);
	CHECK_EQ(strncmp(before.ac_comm, "taskstats", 9), 0);
	CHECK(llabs((long long)before.ac_btime - (long long)time(NULL)) < 100);
	CHECK(before.hiwater_rss > 0 && before.hiwater_vm >= before.hiwater_rss);
	for (size_t i = 0; i < sizeof(pages); i += 4096) {
		pages[i] = 1;
	}
	start = now_ns();
	do {
		int file = open("/proc/self/comm", O_RDONLY);

		CHECK_EQ(read(file, &byte, 1), 1);
		close(file);
	} while (now_ns() - start < 30 * 1000000);
	get(TASKSTATS_CMD_ATTR_PID, (unsigned)getpid(), &after);
	CHECK(after.ac_utime + after.ac_stime > before.ac_utime + before.ac_stime);
	CHECK(after.ac_etime >= before.ac_etime + 30000);
	CHECK(after.ac_minflt > before.ac_minflt);
	CHECK(after.read_char >= before.read_char && after.read_char % 1024 == 0);
	CHECK(after.read_syscalls % 1024 == 0); // calls are rounded too
	CHECK(after.nvcsw >= before.nvcsw && after.nivcsw >= before.nivcsw);
	get(TASKSTATS_CMD_ATTR_TGID, (unsigned)getpid(), &before);
	CHECK(before.ac_utime + before.ac_stime >= after.ac_utime + after.ac_stime);
	CHECK_EQ(before.ac_pid, 0);
	ok("own");
}

static void *nothing(void *unused)
{
	return unused;
}

/* The next end of thread `number`: its answer is in `answer`. */
static void await_end(unsigned number)
{
	for (;;) {
		size_t length, inner;
		const void *data;

		CHECK(recv(fd, answer, sizeof(answer), 0) > 0);
		data = found(head, TASKSTATS_TYPE_AGGR_PID, &length);
		CHECK(data && head->nlmsg_type == family && head->nlmsg_pid == 0);
		data = netlink_find(data, length, TASKSTATS_TYPE_PID, &inner);
		CHECK(data && inner == 4);
		if (memcmp(data, &number, 4) == 0) {
			return;
		}
	}
}

static void end_at_once(void)
{
}

static void check_ends(void)
{
	char all[32];
	int length =
		snprintf(all, sizeof(all), "0-%ld", sysconf(_SC_NPROCESSORS_CONF) - 1) +
		1;
	struct taskstats stats;
	size_t size;
	pid_t child;

	if (length <= 4 && all[2] == '0') {
		strcpy(all, "0");
		length = 2;
	}
	CHECK_EQ(refused(family, 5, TASKSTATS_CMD_GET,
			 TASKSTATS_CMD_ATTR_REGISTER_CPUMASK, "x", 2),
		 EINVAL);
	CHECK_EQ(refused(family, 5, TASKSTATS_CMD_GET,
			 TASKSTATS_CMD_ATTR_REGISTER_CPUMASK, "1-0", 4),
		 EINVAL);
	CHECK_EQ(refused(family, 5, TASKSTATS_CMD_GET,
			 TASKSTATS_CMD_ATTR_REGISTER_CPUMASK, "", 0),
		 ERANGE);
	CHECK_EQ(refused(family, 5, TASKSTATS_CMD_GET,
			 TASKSTATS_CMD_ATTR_REGISTER_CPUMASK, "70000", 6),
		 ERANGE);
	CHECK_EQ(refused(family, 5, TASKSTATS_CMD_GET,
			 TASKSTATS_CMD_ATTR_REGISTER_CPUMASK, all, (size_t)length),
		 0);
	child = fork();
	if (child == 0) {
		_exit(5);
	}
	CHECK_EQ(waitpid(child, NULL, 0), child);
	await_end((unsigned)child);
	unpack(TASKSTATS_TYPE_AGGR_PID, TASKSTATS_TYPE_PID, (unsigned)child, &stats);
	CHECK_EQ(stats.ac_exitcode, 5 << 8);
	CHECK_EQ(stats.ac_pid, child);
	CHECK_EQ(stats.ac_flag & 1, 1); // AFORK
	CHECK(!found(head, TASKSTATS_TYPE_AGGR_TGID, &size));
	child = fork();
	if (child == 0) {
		join_thread(start_thread(nothing, NULL));
		_exit(6);
	}
	CHECK_EQ(waitpid(child, NULL, 0), child);
	await_end((unsigned)child);
	unpack(TASKSTATS_TYPE_AGGR_TGID, TASKSTATS_TYPE_TGID, (unsigned)child, &stats);
	CHECK(send(fd, "no message", 10, 0) == 10);
	close(fd); // still registered: nobody minds
	must_pass_in_child(end_at_once);
	fd = netlink_open(NETLINK_GENERIC);
	CHECK_EQ(netlink_bind(fd, 0, 0), 0);
	CHECK_EQ(refused(family, 5, TASKSTATS_CMD_GET,
			 TASKSTATS_CMD_ATTR_DEREGISTER_CPUMASK, all, (size_t)length),
		 0);
	ok("ends");
}

static void as_nobody(void)
{
	unsigned own = (unsigned)getpid();

	CHECK_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
	CHECK_EQ(refused(family, 1, TASKSTATS_CMD_GET, TASKSTATS_CMD_ATTR_PID, &own, 4),
		 EPERM);
	fd = netlink_open(NETLINK_GENERIC);
	CHECK_EQ(netlink_bind(fd, 0, 0), 0);
	CHECK_EQ(refused(family, 1, TASKSTATS_CMD_GET, TASKSTATS_CMD_ATTR_PID, &own, 4),
		 EPERM);
	check_controller();
}

static void elsewhere(void)
{
	struct taskstats stats;

	CHECK_EQ(unshare(CLONE_NEWNET), 0);
	fd = netlink_open(NETLINK_GENERIC);
	CHECK_EQ(netlink_bind(fd, 0, 0), 0);
	check_controller();
	get(TASKSTATS_CMD_ATTR_PID, (unsigned)getpid(), &stats);
	CHECK_EQ(stats.ac_pid, getpid());
}

/* Messages and attributes whose lengths and kinds are anything: each send takes them all, and something is still answered at the end. */
static void check_malformed(void)
{
	struct netlink_text text;
	unsigned seed = 7;

	for (int i = 0; i < 4000; i++) {
		size_t size = 20 + (unsigned)i % 60;

		begin(&text, i % 2 ? family : GENL_ID_CTRL, i % 8, i % 4);
		for (size_t k = BASE; k < 80; k++) {
			seed = seed * 1103515245u + 12345u;
			text.bytes[k] = k % 4 ? 0 : (unsigned char)(seed >> 24) % 40;
		}
		if (i % 2 && i % 4 == TASKSTATS_CMD_GET) {
			text.bytes[BASE + 2] %= 3; // registers nobody
		}
		text.header.nlmsg_len = (unsigned)(i % 5 ? size : seed >> 20);
		CHECK_EQ(send(fd, &text, size, 0), size);
		while (recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0) {
		}
	}
	check_controller();
	ok("malformed");
}

int main(void)
{
	if (geteuid() != 0) {
		skip("must be root");
	}
	fd = netlink_open(NETLINK_GENERIC);
	CHECK_EQ(netlink_bind(fd, 0, 0), 0);
	check_controller();
	check_list();
	check_refusals();
	check_acknowledgements();
	check_own();
	check_ends();
	must_pass_in_child(as_nobody);
	must_pass_in_child(elsewhere);
	check_malformed();
	return 0;
}
