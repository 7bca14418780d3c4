// SPDX-License-Identifier: MIT
/*
 * The process events connector (<linux/cn_proc.h>): each event with its layout and numbers, masks, LISTEN and IGNORE, and requests that are
 * none. Wants to be root. On a machine where others run their events are passed over.
 */
#include "netlink.h"
#include <sys/prctl.h>

static int fd;

/* The next event of this kind about `process`; all others are passed over. */
static struct proc_event await(unsigned what, pid_t process)
{
	struct process_event_message message;

	for (;;) {
		struct proc_event event;
		pid_t about;

		CHECK(process_events_next(fd, &message, 0));
		event = message.event;
		about = event.event_data.exit.process_tgid;
		if (what == PROC_EVENT_FORK) {
			about = event.event_data.fork.child_tgid;
		}
		if ((unsigned)event.what == what && about == process) {
			return event;
		}
	}
}

static void listen_to(unsigned mask)
{
	struct process_event_message message;

	CHECK_EQ(process_events_ask(fd, PROC_CN_MCAST_LISTEN, mask, mask ? 8 : 4),
		 mask ? 44 : 40);
	if (mask) {
		return; // the answer is no event that a mask could name
	}
	do {
		CHECK(process_events_next(fd, &message, 0));
	} while (message.event.what != PROC_EVENT_NONE);
	CHECK_EQ(message.connector.ack, 101);
	CHECK_EQ(message.event.event_data.ack.err, 0);
}

static void live_a_little(void)
{
	CHECK_EQ(setsid(), getpid());
	CHECK_EQ(prctl(PR_SET_NAME, "a little"), 0);
	CHECK_EQ(setresgid(5, 6, 7), 0);
	CHECK_EQ(setresuid(3, 4, 5), 0);
	abort();
}

static void check_life(void)
{
	long long before = now_ns();
	struct proc_event event;
	pid_t child;

	listen_to(0);
	child = fork();
	if (child == 0) {
		live_a_little();
	}
	event = await(PROC_EVENT_FORK, child);
	CHECK_EQ(event.event_data.fork.parent_pid, getpid());
	CHECK_EQ(event.event_data.fork.parent_tgid, getpid());
	CHECK_EQ(event.event_data.fork.child_pid, child);
	CHECK((long long)event.timestamp_ns >= before &&
	      (long long)event.timestamp_ns <= now_ns());
	event = await(PROC_EVENT_SID, child);
	CHECK_EQ(event.event_data.sid.process_pid, child);
	event = await(PROC_EVENT_COMM, child);
	CHECK_EQ(strcmp(event.event_data.comm.comm, "a little"), 0);
	event = await(PROC_EVENT_GID, child);
	CHECK_EQ(event.event_data.id.r.rgid, 5);
	CHECK_EQ(event.event_data.id.e.egid, 6);
	event = await(PROC_EVENT_UID, child);
	CHECK_EQ(event.event_data.id.r.ruid, 3);
	CHECK_EQ(event.event_data.id.e.euid, 4);
	event = await(PROC_EVENT_COREDUMP, child);
	CHECK_EQ(event.event_data.coredump.parent_tgid, getpid());
	event = await(PROC_EVENT_EXIT, child);
	CHECK_EQ(event.event_data.exit.process_pid, child);
	CHECK_EQ(event.event_data.exit.exit_code & 0x7f, SIGABRT);
	CHECK_EQ(event.event_data.exit.exit_signal, SIGCHLD);
	CHECK_EQ(event.event_data.exit.parent_pid, getpid());
	CHECK_EQ(event.event_data.exit.parent_tgid, getpid());
	CHECK_EQ(waitpid(child, NULL, 0), child);
	ok("life");
}

static void *nothing(void *argument)
{
	*(pid_t *)argument = thread_id();
	return NULL;
}

static void check_threads(void)
{
	struct proc_event event;
	pid_t number;
	pthread_t thread = start_thread(nothing, &number);

	join_thread(thread);
	do {
		event = await(PROC_EVENT_FORK, getpid());
	} while (event.event_data.fork.child_pid != number);
	CHECK_EQ(event.event_data.fork.parent_tgid, getppid());
	event = await(PROC_EVENT_EXIT, getpid());
	CHECK_EQ(event.event_data.exit.process_pid, number);
	CHECK_EQ(event.event_data.exit.exit_code, 0);
	CHECK_EQ(event.event_data.exit.exit_signal, ~0u);
	ok("threads");
}

static void check_exec(const char *self)
{
	struct proc_event event;
	pid_t child = fork();

	if (child == 0) {
		execl(self, self, "end", NULL);
		_exit(1);
	}
	event = await(PROC_EVENT_EXEC, child);
	CHECK_EQ(event.event_data.exec.process_pid, child);
	event = await(PROC_EVENT_EXIT, child);
	CHECK_EQ(event.event_data.exit.exit_code, 7 << 8);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	ok("exec");
}

static pid_t end_with(int status)
{
	pid_t child = fork();

	if (child == 0) {
		_exit(status);
	}
	CHECK_EQ(waitpid(child, NULL, 0), child);
	return child;
}

static void check_masks(void)
{
	struct process_event_message message;
	pid_t good, bad;

	while (process_events_next(fd, &message, MSG_DONTWAIT)) {
	}
	listen_to(EVENT_NONZERO_EXIT);
	while (process_events_next(fd, &message, MSG_DONTWAIT)) {
	}
	good = end_with(0);
	bad = end_with(3);
	for (;;) {
		CHECK(process_events_next(fd, &message, 0));
		CHECK_EQ((unsigned)message.event.what, PROC_EVENT_EXIT);
		CHECK(message.event.event_data.exit.exit_code != 0);
		CHECK(message.event.event_data.exit.process_pid != good);
		if (message.event.event_data.exit.process_pid == bad) {
			break;
		}
	}
	CHECK_EQ(process_events_ask(fd, PROC_CN_MCAST_IGNORE, 0, 4), 40);
	while (process_events_next(fd, &message, MSG_DONTWAIT)) {
	}
	end_with(3);
	CHECK_ERRNO(recv(fd, &message, sizeof(message), MSG_DONTWAIT), EAGAIN);
	ok("masks");
}

/* Who is of the group and has asked for nothing hears what others want, and what they are told. */
static void check_company(void)
{
	int other = netlink_open(NETLINK_CONNECTOR);
	struct process_event_message message;
	bool answered = false;
	pid_t child;

	CHECK_EQ(process_events_ask(fd, PROC_CN_MCAST_LISTEN, PROC_EVENT_SID, 8), 44);
	CHECK_EQ(netlink_bind(other, 0, CN_IDX_PROC), 0);
	CHECK_EQ(process_events_ask(other, 77, 0, 4), 40);
	child = end_with(0);
	for (bool ended = false; !ended;) {
		CHECK(process_events_next(other, &message, 0));
		answered |= message.event.what == PROC_EVENT_NONE &&
			    message.event.event_data.ack.err == EINVAL;
		ended = (unsigned)message.event.what == PROC_EVENT_EXIT &&
			message.event.event_data.exit.process_pid == child;
	}
	CHECK(answered);
	close(other);
	ok("company");
}

/* Not for the connector: other ids, lengths that lie. Nobody is answered, though somebody listens. */
static void check_others(void)
{
	int other = netlink_open(NETLINK_CONNECTOR);
	struct process_event_message message;
	struct {
		struct nlmsghdr header;
		struct cn_msg asked;
		unsigned operation[4];
	} __attribute__((packed)) text = {.operation = {PROC_CN_MCAST_LISTEN}};

	CHECK_EQ(netlink_bind(other, 0, CN_IDX_PROC), 0);
	for (int i = 0; i < 8; i++) {
		text.asked.id.idx = i == 0 ? 2 : CN_IDX_PROC;
		text.asked.id.val = i == 1 ? 2 : CN_VAL_PROC;
		text.asked.len = (unsigned short)(i == 2   ? 5
						  : i == 3 ? 0xffff
						  : i == 4 ? 0
							   : 4);
		text.header.nlmsg_len = i == 5 ? 15 : i == 6 ? 35 : i == 7 ? 4000 : 40;
		CHECK_EQ(send(other, &text, 40, 0), 40);
	}
	end_with(0);
	while (process_events_next(other, &message, MSG_DONTWAIT)) {
		CHECK(message.event.what != PROC_EVENT_NONE);
	}
	close(other);
	ok("others");
}

/* Numbers of the first namespaces are for who is in them. */
static void ask_inside(void)
{
	struct process_event_message message;
	int inside = netlink_open(NETLINK_CONNECTOR);

	CHECK_EQ(netlink_bind(inside, 0, CN_IDX_PROC), 0);
	CHECK_EQ(process_events_ask(inside, PROC_CN_MCAST_LISTEN, 0, 4), 40);
	while (process_events_next(inside, &message, MSG_DONTWAIT)) {
		CHECK(message.event.what != PROC_EVENT_NONE);
	}
}

static void in_a_pid_namespace(void)
{
	CHECK_EQ(unshare(CLONE_NEWPID), 0);
	must_pass_in_child(ask_inside);
}

static void in_a_network_namespace(void)
{
	int inside;

	CHECK_EQ(unshare(CLONE_NEWNET), 0);
	inside = netlink_open(NETLINK_CONNECTOR);
	CHECK_EQ(netlink_bind(inside, 0, CN_IDX_PROC), 0);
	CHECK_ERRNO(process_events_ask(inside, PROC_CN_MCAST_LISTEN, 0, 4), ECONNREFUSED);
	// Ports of another namespace are nobody here.
	CHECK_ERRNO(netlink_send_to(fd, "x", 1, netlink_own_name(inside).nl_pid, 0),
		    ECONNREFUSED);
}

int main(int count, char **words)
{
	if (count > 1) {
		return 7;
	}
	if (geteuid() != 0) {
		skip("must be root");
	}
	fd = netlink_open(NETLINK_CONNECTOR);
	CHECK_EQ(netlink_bind(fd, 0, CN_IDX_PROC), 0);
	check_life();
	check_threads();
	check_exec(words[0]);
	check_masks();
	check_company();
	check_others();
	must_pass_in_child(in_a_pid_namespace);
	must_pass_in_child(in_a_network_namespace);
	ok("namespaces");
	return 0;
}
