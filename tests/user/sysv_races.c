// SPDX-License-Identifier: MIT
/*
 * F4, R8: semop against IPC_RMID, and against exits that undo; messages and attachments against IPC_RMID. 200 rounds each: nobody
 * hangs, nobody gets an answer that no order explains, and no value is lost.
 * deadline: 120
 */
#include "sysv.h"

enum { ROUNDS = 200, WORKERS = 3 };

static int id;
static pthread_barrier_t start;

static void gate(void)
{
	pthread_barrier_wait(&start);
}

/* Give and take until the set is gone. */
static void *work_until_removed(void *unused)
{
	gate();
	for (;;) {
		if (one_op(id, 0, -1, SEM_UNDO) || one_op(id, 0, 1, SEM_UNDO)) {
			CHECK(errno == EIDRM || errno == EINVAL);
			return unused;
		}
	}
}

static void operate_against_removal(void)
{
	pthread_t workers[WORKERS];

	for (int round = 0; round < ROUNDS; round++) {
		id = new_set(1);
		set_value(id, 0, round % (WORKERS + 1)); // at 0 all of them sleep
		for (int i = 0; i < WORKERS; i++) {
			workers[i] = start_thread(work_until_removed, NULL);
		}
		gate();
		if (round % 2) {
			sched_yield();
		}
		remove_set(id);
		for (int i = 0; i < WORKERS; i++) {
			join_thread(workers[i]);
		}
	}
	ok("semop against removal");
}

/* Take it with undo and die without giving it back. */
static void take_and_die(int how)
{
	CHECK_EQ(one_op(id, 0, -1, SEM_UNDO), 0);
	CHECK_EQ(one_op(id, 1, 1, 0), 0); // counts those who had it
	if (how % 2) {
		raise(SIGKILL);
	}
	_exit(0);
}

/* One unit goes from each to the next by the undo of who dies: all get it, and it is there in the end. */
static void waiters_against_exits(void)
{
	pid_t children[WORKERS];

	for (int round = 0; round < ROUNDS; round++) {
		id = new_set(2);
		for (int i = 0; i < WORKERS; i++) {
			children[i] = fork();
			CHECK(children[i] >= 0);
			if (children[i] == 0) {
				take_and_die(round + i);
			}
		}
		CHECK_EQ(one_op(id, 0, 1, 0), 0);
		CHECK_EQ(one_op(id, 1, -WORKERS, 0), 0);
		CHECK_EQ(one_op(id, 0, -1, 0), 0); // the last one's undo ends the wait
		CHECK_EQ(value_of(id, 0), 0);
		for (int i = 0; i < WORKERS; i++) {
			CHECK_EQ(waitpid(children[i], NULL, 0), children[i]);
		}
		CHECK_EQ(value_of(id, 0), 0);
		remove_set(id);
	}
	ok("waiters against exits that undo");
}

static void exits_against_removal(void)
{
	pid_t child;

	for (int round = 0; round < ROUNDS; round++) {
		id = new_set(2);
		set_value(id, 0, 1);
		child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			take_and_die(round);
		}
		CHECK_EQ(one_op(id, 1, -1, 0), 0); // it is about to die
		remove_set(id);
		CHECK_EQ(waitpid(child, NULL, 0), child);
	}
	ok("exits that undo against removal");
}

/*
 * Killed in its sleep, a waiter leaves the queue: what comes goes to the other one. (Unless the victim was given it before it
 * saw the signal; then it died with it, or exited.)
 */
static void killed_waiters(void)
{
	pid_t victim, other;
	int status;

	for (int round = 0; round < ROUNDS; round++) {
		id = new_set(1);
		victim = fork();
		CHECK(victim >= 0);
		if (victim == 0) {
			_exit(one_op(id, 0, -1, 0) ? 1 : 0);
		}
		other = fork();
		CHECK(other >= 0);
		if (other == 0) {
			_exit(one_op(id, 0, -1, 0) ? 1 : 0);
		}
		WAIT_UNTIL(semctl(id, 0, GETNCNT) == 2);
		CHECK_EQ(kill(victim, SIGKILL), 0);
		CHECK_EQ(one_op(id, 0, 1, 0), 0);
		CHECK_EQ(waitpid(victim, &status, 0), victim);
		if (WIFEXITED(status) || semctl(id, 0, GETNCNT) == 1) {
			CHECK_EQ(one_op(id, 0, 1, 0),
				 0); // the victim had got the other's
		}
		CHECK_EQ(waitpid(other, &status, 0), other);
		CHECK_EQ(status, 0);
		remove_set(id);
	}
	ok("killed waiters");
}

struct small_message {
	long type;
	int number;
};

static void *send_until_removed(void *unused)
{
	struct small_message message = {.type = 1};

	gate();
	while (msgsnd(id, &message, sizeof(message.number), 0) == 0) {
		message.number++;
	}
	CHECK(errno == EIDRM || errno == EINVAL);
	return unused;
}

/* One sender's messages come in order. */
static void *receive_until_removed(void *unused)
{
	struct small_message message;
	int next = 0;

	gate();
	while (msgrcv(id, &message, sizeof(message.number), 0, 0) ==
	       (ssize_t)sizeof(message.number)) {
		CHECK_EQ(message.number, next);
		next++;
	}
	CHECK(errno == EIDRM || errno == EINVAL);
	return unused;
}

static void messages_against_removal(void)
{
	pthread_t sender, receiver;
	struct msqid_ds status;

	for (int round = 0; round < ROUNDS; round++) {
		id = msgget(IPC_PRIVATE, 0600);
		CHECK(id >= 0);
		CHECK_EQ(msgctl(id, IPC_STAT, &status), 0);
		status.msg_qbytes = 8; // two at a time: both sleep in turn
		CHECK_EQ(msgctl(id, IPC_SET, &status), 0);
		sender = start_thread(send_until_removed, NULL);
		receiver = start_thread(receive_until_removed, NULL);
		gate();
		CHECK_EQ(msgctl(id, IPC_RMID, NULL), 0);
		join_thread(sender);
		join_thread(receiver);
	}
	ok("messages against removal");
}

static _Atomic bool removed;

/* A removed segment can be attached while others have it: so the flag, not an error, ends the loop for sure. */
static void *attach_until_removed(void *unused)
{
	char *at;

	gate();
	while (!removed) {
		at = shmat(id, NULL, 0);
		if (at == (void *)-1) {
			CHECK(errno == EINVAL || errno == EIDRM);
			break;
		}
		at[0]++;
		CHECK_EQ(shmdt(at), 0);
	}
	return unused;
}

static void attachments_against_removal(void)
{
	pthread_t workers[WORKERS];
	struct shmid_ds status;

	for (int round = 0; round < ROUNDS; round++) {
		id = shmget(IPC_PRIVATE, 8192, 0600);
		CHECK(id >= 0);
		removed = false;
		for (int i = 0; i < WORKERS; i++) {
			workers[i] = start_thread(attach_until_removed, NULL);
		}
		gate();
		CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
		removed = true;
		for (int i = 0; i < WORKERS; i++) {
			join_thread(workers[i]);
		}
		CHECK_ERRNO(shmctl(id, IPC_STAT, &status), EINVAL);
	}
	ok("attachments against removal");
}

int main(void)
{
	own_ipc_namespace();
	CHECK_EQ(pthread_barrier_init(&start, NULL, WORKERS + 1), 0);
	operate_against_removal();
	waiters_against_exits();
	exits_against_removal();
	killed_waiters();
	attachments_against_removal();
	pthread_barrier_destroy(&start);
	CHECK_EQ(pthread_barrier_init(&start, NULL, 3), 0);
	messages_against_removal();
	return 0;
}
