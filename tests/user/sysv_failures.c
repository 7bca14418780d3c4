// SPDX-License-Identifier: MIT
/*
 * R6, R10, T12, F4, C8: each allocation of the calls of System V IPC fails once; what they made is whole or not there; and the
 * ledger is where it was, also when a namespace goes with all that is in it.
 * deadline: 60
 */
#include "ledger.h"
#include "raw.h"
#include "sysv.h"
#include <mqueue.h>

enum { MOST = 200 };

static int plan_file;

/* Each allocation of `body` fails in turn, until it succeeds; it leaves nothing behind either way. */
static void walk(const char *name, bool (*body)(void))
{
	struct ledger before;
	int nth = 0;
	bool passed;

	CHECK(body());
	ledger_begin(&before);
	do {
		CHECK(++nth < MOST);
		fail_nth(plan_file, nth);
		passed = body();
		fail_nth(plan_file, 0);
		ledger_expect(&before);
	} while (!passed);
	say("# %s: %d allocations\n", name, nth - 1);
	ok(name);
}

/* errno is ENOMEM, as the only thing that may go wrong. */
static bool failed(void)
{
	CHECK_EQ(errno, ENOMEM);
	return false;
}

static bool make_set(void)
{
	int set = semget(77, 100, IPC_CREAT | 0600);

	if (set < 0) {
		failed();
		fail_nth(plan_file, 0);
		CHECK_ERRNO(semget(77, 0, 0), ENOENT);
		return false;
	}
	fail_nth(plan_file, 0);
	remove_set(set);
	return true;
}

static int old_set, old_queue, old_segment;

static bool many_operations(void)
{
	struct sembuf operations[40] = {0};
	unsigned short values[4];
	union semctl_argument argument = {.array = values};

	for (int i = 0; i < 40; i++) {
		operations[i].sem_op = (short)(i % 2 ? -1 : 1);
	}
	if (semop(old_set, operations, 40) || semctl(old_set, 0, GETALL, argument) ||
	    semctl(old_set, 0, SETALL, argument)) {
		return failed();
	}
	return true;
}

static bool send_message(void)
{
	struct {
		long type;
		char text[3000];
	} message = {.type = 1};

	if (msgsnd(old_queue, &message, sizeof(message.text), IPC_NOWAIT)) {
		return failed();
	}
	if (msgrcv(old_queue, &message, sizeof(message.text), 0, IPC_NOWAIT | MSG_COPY) <
	    0) {
		failed();
		fail_nth(plan_file, 0);
		CHECK_EQ(msgrcv(old_queue, &message, sizeof(message.text), 0, IPC_NOWAIT),
			 3000);
		return false;
	}
	CHECK_EQ(msgrcv(old_queue, &message, sizeof(message.text), 0, IPC_NOWAIT), 3000);
	return true;
}

static bool make_queue(void)
{
	int queue = msgget(IPC_PRIVATE, 0600);

	if (queue < 0) {
		return failed();
	}
	fail_nth(plan_file, 0);
	CHECK_EQ(msgctl(queue, IPC_RMID, NULL), 0);
	return true;
}

static bool make_segment(void)
{
	int segment = shmget(IPC_PRIVATE, 10000, 0600);

	if (segment < 0) {
		return failed();
	}
	fail_nth(plan_file, 0);
	CHECK_EQ(shmctl(segment, IPC_RMID, NULL), 0);
	return true;
}

static bool attach_segment(void)
{
	struct shmid_ds status;
	void *at = shmat(old_segment, NULL, 0);

	fail_nth(plan_file, 0);
	if (at == (void *)-1) {
		failed();
		CHECK_EQ(shmctl(old_segment, IPC_STAT, &status), 0);
		CHECK_EQ(status.shm_nattch, 0);
		return false;
	}
	*(char *)at = 1;
	CHECK_EQ(shmdt(at), 0);
	return true;
}

static int do_nothing(void *unused)
{
	(void)unused;
	return 0;
}

/* A list is made for the child, and given to the parent only when nothing can fail any more. */
static bool clone_sharing(void)
{
	static char stack[16384] __attribute__((aligned(16)));
	struct clone_args args = {
		.flags = CLONE_SYSVSEM | CLONE_VM | CLONE_VFORK,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
	};
	long child = clone3_call(&args, sizeof(args), do_nothing, NULL);

	fail_nth(plan_file, 0);
	if (child < 0) {
		CHECK(child == -ENOMEM || child == -EAGAIN);
		return false;
	}
	CHECK_EQ(waitpid((pid_t)child, NULL, 0), child);
	CHECK_EQ(unshare(CLONE_SYSVSEM), 0); // a fresh one: as many as before
	return true;
}

static bool leave_list(void)
{
	CHECK_EQ(one_op(old_set, 1, 1, 0), 0);
	if (one_op(old_set, 0, 2, SEM_UNDO)) {
		failed();
		fail_nth(plan_file, 0);
		CHECK_EQ(value_of(old_set, 0), 0);
		return false;
	}
	if (unshare(CLONE_SYSVSEM)) {
		failed();
		fail_nth(plan_file, 0);
		CHECK_EQ(value_of(old_set, 0), 2); // nothing has changed
		CHECK_EQ(unshare(CLONE_SYSVSEM), 0);
		return false;
	}
	fail_nth(plan_file, 0);
	CHECK_EQ(value_of(old_set, 0), 0);
	return true;
}

static bool posix_queue(void)
{
	static char text[8192];
	mqd_t made = mq_open("/made", O_CREAT | O_EXCL | O_RDWR, 0600, NULL);
	bool sent;

	if (made < 0) {
		failed();
		fail_nth(plan_file, 0);
		mq_unlink(
			"/made"); // as in Linux, the open file may be what could not be had
		return false;
	}
	sent = mq_send(made, text, 7000, 0) == 0 || failed();
	fail_nth(plan_file, 0);
	CHECK_EQ(mq_close(made), 0);
	CHECK_EQ(mq_unlink("/made"), 0);
	return sent;
}

static bool new_namespace(void)
{
	if (unshare(CLONE_NEWIPC)) {
		return failed();
	}
	fail_nth(plan_file, 0);
	return true;
}

/* --- nothing is left of a namespace --- */

static void fill_and_leave(void)
{
	char *at;
	int set, queue, segment;

	CHECK_EQ(unshare(CLONE_NEWIPC), 0);
	set = new_set(20);
	CHECK_EQ(one_op(set, 3, 2, SEM_UNDO), 0);
	queue = msgget(1, IPC_CREAT | 0600);
	CHECK_EQ(msgsnd(queue, &(long[8]){1}, 56, 0), 0);
	segment = shmget(2, 100000, IPC_CREAT | 0600);
	at = shmat(segment, NULL, 0);
	CHECK(at != (void *)-1);
	memset(at, 1, 100000);
	CHECK(shmget(3, 100000, IPC_CREAT | 0600) >= 0);
	queue = mq_open("/left", O_CREAT | O_RDWR, 0600, NULL);
	CHECK(queue >= 0);
	CHECK_EQ(mq_send(queue, at, 5000, 3), 0);
	CHECK(mq_open("/also left", O_CREAT | O_RDWR, 0600, NULL) >= 0);
}

static void leave_attached(void)
{
	char *at;

	fill_and_leave();
	at = shmat(shmget(2, 0, 0), NULL, 0);
	CHECK(at != (void *)-1);
	CHECK_EQ(unshare(CLONE_NEWIPC), 0); // the old one goes; what is mapped stays
	CHECK_EQ(at[99999], 1);
	at[5] = 7;
	must_pass_in_child((void (*)(void))sched_yield);
	CHECK_EQ(shmdt(at), 0);
}

static void namespaces_vanish(void)
{
	struct ledger before;

	must_pass_in_child(fill_and_leave);
	must_pass_in_child(leave_attached);
	ledger_begin(&before);
	for (int i = 0; i < 20; i++) {
		must_pass_in_child(fill_and_leave);
		must_pass_in_child(leave_attached);
	}
	ledger_expect(&before);
	ok("a namespace goes with all that is in it");
}

int main(void)
{
	ledger_required();
	own_ipc_namespace();
	plan_file = open("/proc/heddle/fail_nth", O_RDWR);
	CHECK(plan_file >= 0);
	old_set = new_set(4);
	old_queue = msgget(IPC_PRIVATE, 0600);
	old_segment = shmget(IPC_PRIVATE, 8192, 0600);
	CHECK(old_queue >= 0 && old_segment >= 0);
	namespaces_vanish();
	walk("semget", make_set);
	walk("semop of many, GETALL, SETALL", many_operations);
	walk("msgget", make_queue);
	walk("msgsnd and a copy", send_message);
	walk("shmget", make_segment);
	walk("shmat", attach_segment);
	walk("clone with CLONE_SYSVSEM", clone_sharing);
	walk("SEM_UNDO and unshare", leave_list);
	walk("mq_open and mq_send", posix_queue);
	walk("unshare(CLONE_NEWIPC)", new_namespace);
	return 0;
}
