// SPDX-License-Identifier: MIT
/*
 * F4: msgget, msgsnd, msgrcv, msgctl: what is received first, who waits and who is woken, what is refused.
 * libc: musl
 */
#include "sysv.h"

enum { KEY = 0x3e55a6e, ANY_SIZE = 64 };

struct text_message {
	long type;
	char text[8192];
};

static int queue;
static struct text_message got;

static int new_queue(void)
{
	int made = msgget(IPC_PRIVATE, IPC_CREAT | 0600);

	CHECK(made >= 0);
	return made;
}

static int send(long type, const char *text, int flags)
{
	struct text_message message = {.type = type};

	strcpy(message.text, text);
	return msgsnd(queue, &message, strlen(text) + 1, flags);
}

/* Receives and compares. */
static void expect(long wanted, int flags, long type, const char *text)
{
	ssize_t length;

	memset(&got, 0, sizeof(got));
	length = msgrcv(queue, &got, ANY_SIZE, wanted, flags | IPC_NOWAIT);
	CHECK_EQ(length, (ssize_t)strlen(text) + 1);
	CHECK_EQ(got.type, type);
	CHECK(strcmp(got.text, text) == 0);
}

static struct msqid_ds status(void)
{
	struct msqid_ds result;

	CHECK_EQ(msgctl(queue, IPC_STAT, &result), 0);
	return result;
}

static void keys(void)
{
	queue = msgget(KEY, IPC_CREAT | IPC_EXCL | 0600);
	CHECK(queue >= 0);
	CHECK_EQ(msgget(KEY, 0), queue);
	CHECK_EQ(msgget(KEY, IPC_CREAT | 0600), queue);
	CHECK_ERRNO(msgget(KEY, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	CHECK_ERRNO(msgget(KEY + 1, 0600), ENOENT);
	CHECK_EQ(msgctl(queue, IPC_RMID, NULL), 0);
	CHECK_ERRNO(msgctl(queue, IPC_RMID, NULL), EINVAL);
	CHECK_ERRNO(msgget(KEY, 0), ENOENT);
	ok("keys");
}

static void order(void)
{
	queue = new_queue();
	CHECK_EQ(send(5, "five", 0), 0);
	CHECK_EQ(send(2, "two", 0), 0);
	CHECK_EQ(send(7, "seven", 0), 0);
	CHECK_EQ(send(2, "two again", 0), 0);
	CHECK_EQ(send(1, "one", 0), 0);
	expect(0, 0, 5, "five");
	expect(-2, 0, 1, "one"); // the lowest type, not the first that will do
	expect(-6, 0, 2, "two");
	expect(7, MSG_EXCEPT, 2, "two again");
	CHECK_ERRNO(msgrcv(queue, &got, ANY_SIZE, -6, IPC_NOWAIT), ENOMSG);
	CHECK_ERRNO(msgrcv(queue, &got, ANY_SIZE, 7, IPC_NOWAIT | MSG_EXCEPT), ENOMSG);
	CHECK_ERRNO(msgrcv(queue, &got, ANY_SIZE, 3, IPC_NOWAIT), ENOMSG);
	expect(__LONG_MAX__ * -1 - 1, 0, 7, "seven");
	CHECK_EQ(status().msg_qnum, 0);
	CHECK_EQ(status().__msg_cbytes, 0);
	ok("types choose");
}

static void sizes(void)
{
	CHECK_EQ(send(1, "long text", 0), 0);
	CHECK_ERRNO(msgrcv(queue, &got, 4, 0, IPC_NOWAIT), E2BIG);
	CHECK_EQ(status().msg_qnum, 1); // it is still there
	memset(&got, 'x', sizeof(got));
	CHECK_EQ(msgrcv(queue, &got, 4, 0, IPC_NOWAIT | MSG_NOERROR), 4);
	CHECK(memcmp(got.text, "longx", 5) == 0);
	CHECK_EQ(msgsnd(queue, &(long){3}, 0, 0), 0);
	CHECK_EQ(msgrcv(queue, &got, 0, 0, IPC_NOWAIT), 0);
	CHECK_EQ(got.type, 3);
	ok("sizes");
}

static void bad_input(void)
{
	struct text_message message = {.type = 1};

	CHECK_ERRNO(msgsnd(queue, &message, 8193, 0), EINVAL);
	CHECK_ERRNO(msgsnd(queue, &message, (size_t)-1, 0), EINVAL);
	CHECK_ERRNO(msgsnd(-1, &message, 1, 0), EINVAL);
	CHECK_ERRNO(msgsnd(queue + 1, &message, 1, 0), EINVAL);
	message.type = 0;
	CHECK_ERRNO(msgsnd(queue, &message, 1, 0), EINVAL);
	message.type = -1;
	CHECK_ERRNO(msgsnd(queue, &message, 1, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_msgsnd, queue, UNMAPPED_ADDRESS, 1, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_msgsnd, queue, KERNEL_ADDRESS, 1, 0), EFAULT);
	CHECK_ERRNO(msgrcv(queue, &got, (size_t)-1, 0, IPC_NOWAIT), EINVAL);
	CHECK_ERRNO(msgrcv(-1, &got, 1, 0, IPC_NOWAIT), EINVAL);
	CHECK_ERRNO(msgrcv(queue + 1, &got, 1, 0, IPC_NOWAIT), EINVAL);
	CHECK_EQ(send(1, "lost", 0), 0);
	CHECK_ERRNO(syscall(SYS_msgrcv, queue, KERNEL_ADDRESS, 64, 0, IPC_NOWAIT),
		    EFAULT);
	CHECK_EQ(status().msg_qnum, 0); // taken, and lost
	CHECK_ERRNO(syscall(SYS_msgctl, queue, 99, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_msgctl, queue, -1, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_msgctl, queue, IPC_STAT, UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(syscall(SYS_msgctl, queue, IPC_SET, UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(syscall(SYS_msgctl, 0, IPC_INFO, UNMAPPED_ADDRESS), EFAULT);
	CHECK_EQ(status().msg_qnum, 0);
	ok("bad input");
}

static void copies(void)
{
	int flags = IPC_NOWAIT | 040000; // MSG_COPY

	CHECK_EQ(send(4, "first", 0), 0);
	CHECK_EQ(send(5, "second", 0), 0);
	CHECK_ERRNO(msgrcv(queue, &got, ANY_SIZE, 0, 040000), EINVAL);
	CHECK_ERRNO(msgrcv(queue, &got, ANY_SIZE, 0, flags | MSG_EXCEPT), EINVAL);
	if (msgrcv(queue, &got, ANY_SIZE, 1, flags) < 0 && errno == ENOSYS) {
		say("# no MSG_COPY here\n");
	} else {
		CHECK(got.type == 5 && strcmp(got.text, "second") == 0);
		CHECK_EQ(status().msg_qnum, 2);
		CHECK_ERRNO(msgrcv(queue, &got, ANY_SIZE, 2, flags), ENOMSG);
		CHECK_ERRNO(msgrcv(queue, &got, 2, 0, flags), E2BIG);
	}
	expect(0, 0, 4, "first");
	expect(0, 0, 5, "second");
	ok("copies");
}

/* --- waiting --- */

static _Atomic int waiters_tid[3];

static void *receive_type(void *argument)
{
	long type = (long)argument;
	struct text_message mine = {0};

	waiters_tid[type] = thread_id();
	CHECK_EQ(msgrcv(queue, &mine, ANY_SIZE, type, 0), 6);
	CHECK_EQ(mine.type, type);
	return NULL;
}

static void receivers_wait(void)
{
	pthread_t one = start_thread(receive_type, (void *)1);
	pthread_t two = start_thread(receive_type, (void *)2);

	WAIT_UNTIL(waiters_tid[1] && process_state(waiters_tid[1]) == 'S');
	WAIT_UNTIL(waiters_tid[2] && process_state(waiters_tid[2]) == 'S');
	CHECK_EQ(send(2, "hello", 0), 0);
	join_thread(two);
	CHECK_EQ(status().msg_qnum, 0); // from hand to hand
	CHECK(status().msg_lrpid == getpid() ||
	      status().msg_lrpid == waiters_tid[2]); // Linux takes the thread
	CHECK_EQ(send(1, "hello", 0), 0);
	join_thread(one);
	ok("receivers wait for their type");
}

static void *receive_little(void *unused)
{
	waiters_tid[0] = thread_id();
	CHECK_ERRNO(msgrcv(queue, &(struct text_message){0}, 2, 0, 0), E2BIG);
	return unused;
}

static void too_big_for_waiter(void)
{
	pthread_t little;

	waiters_tid[0] = 0;
	little = start_thread(receive_little, NULL);
	WAIT_UNTIL(waiters_tid[0] && process_state(waiters_tid[0]) == 'S');
	CHECK_EQ(send(1, "too long", 0), 0);
	join_thread(little);
	expect(0, 0, 1, "too long");
	ok("a message too big wakes the waiter, and stays");
}

static void set_limit(unsigned long bytes)
{
	struct msqid_ds wanted = status();

	wanted.msg_qbytes = bytes;
	CHECK_EQ(msgctl(queue, IPC_SET, &wanted), 0);
}

static void *send_blocked(void *argument)
{
	waiters_tid[0] = thread_id();
	CHECK_EQ(send(9, argument, 0), 0);
	return NULL;
}

static void senders_wait(void)
{
	pthread_t sender;

	set_limit(10);
	CHECK_EQ(send(1, "12345", 0), 0);
	CHECK_ERRNO(send(1, "12345", IPC_NOWAIT), EAGAIN);
	waiters_tid[0] = 0;
	sender = start_thread(send_blocked, "12345678");
	WAIT_UNTIL(waiters_tid[0] && process_state(waiters_tid[0]) == 'S');
	CHECK_EQ(send(2, "", IPC_NOWAIT), 0); // what fits may pass
	CHECK_EQ(status().msg_qnum, 2);
	expect(1, 0, 1, "12345");
	join_thread(sender);
	CHECK_EQ(status().__msg_cbytes, 10);
	waiters_tid[0] = 0;
	sender = start_thread(send_blocked, "1234");
	WAIT_UNTIL(waiters_tid[0] && process_state(waiters_tid[0]) == 'S');
	set_limit(16384); // more room lets it go on
	join_thread(sender);
	expect(9, 0, 9, "12345678");
	expect(9, 0, 9, "1234");
	expect(0, 0, 2, "");
	set_limit(2);
	CHECK_EQ(msgsnd(queue, &(long){1}, 0, IPC_NOWAIT), 0); // empty ones count too
	CHECK_EQ(msgsnd(queue, &(long){1}, 0, IPC_NOWAIT), 0);
	CHECK_ERRNO(msgsnd(queue, &(long){1}, 0, IPC_NOWAIT), EAGAIN);
	ok("senders wait for room");
}

static void *send_to_removed(void *unused)
{
	waiters_tid[0] = thread_id();
	CHECK_ERRNO(send(1, "123", 0), EIDRM);
	return unused;
}

static void *receive_from_removed(void *unused)
{
	waiters_tid[1] = thread_id();
	CHECK_ERRNO(msgrcv(queue, &(struct text_message){0}, ANY_SIZE, 77, 0), EIDRM);
	return unused;
}

static void removal_wakes(void)
{
	pthread_t sender, receiver;

	waiters_tid[0] = waiters_tid[1] = 0;
	sender = start_thread(send_to_removed, NULL);
	receiver = start_thread(receive_from_removed, NULL);
	WAIT_UNTIL(waiters_tid[0] && process_state(waiters_tid[0]) == 'S');
	WAIT_UNTIL(waiters_tid[1] && process_state(waiters_tid[1]) == 'S');
	CHECK_EQ(msgctl(queue, IPC_RMID, NULL), 0);
	join_thread(sender);
	join_thread(receiver);
	ok("removal wakes with EIDRM");
}

static void do_nothing(int signal)
{
	(void)signal;
}

static void *be_interrupted(void *unused)
{
	waiters_tid[0] = thread_id();
	CHECK_ERRNO(msgrcv(queue, &(struct text_message){0}, ANY_SIZE, 0, 0), EINTR);
	return unused;
}

static void signals(void)
{
	struct sigaction action = {.sa_handler = do_nothing, .sa_flags = SA_RESTART};
	pthread_t receiver;

	queue = new_queue();
	waiters_tid[0] = 0;
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	receiver = start_thread(be_interrupted, NULL);
	WAIT_UNTIL(waiters_tid[0] && process_state(waiters_tid[0]) == 'S');
	CHECK_EQ(pthread_kill(receiver, SIGUSR1), 0);
	join_thread(receiver);
	CHECK_EQ(send(1, "later", 0), 0);
	expect(0, 0, 1, "later");
	ok("signals end a wait");
}

/* --- who may --- */

static void be_somebody(void)
{
	struct msqid_ds described = status();

	CHECK_EQ(setresgid(4711, 4711, 4711), 0);
	CHECK_EQ(setresuid(4711, 4711, 4711), 0);
	CHECK_ERRNO(msgget(KEY, 0600), EACCES);
	CHECK_ERRNO(msgrcv(queue, &got, ANY_SIZE, 0, IPC_NOWAIT), EACCES);
	CHECK_ERRNO(msgctl(queue, IPC_STAT, &described), EACCES);
	CHECK_ERRNO(msgctl(queue, IPC_SET, &described), EPERM);
	CHECK_ERRNO(msgctl(queue, IPC_RMID, NULL), EPERM);
	CHECK_EQ(send(1, "allowed", IPC_NOWAIT), 0);
	queue = new_queue();
	described.msg_perm.uid = 4711;
	described.msg_perm.gid = 4711;
	described.msg_qbytes = 16385;
	CHECK_ERRNO(msgctl(queue, IPC_SET, &described), EPERM);
	described.msg_qbytes = 16384;
	CHECK_EQ(msgctl(queue, IPC_SET, &described), 0);
	CHECK_EQ(msgctl(queue, IPC_RMID, NULL), 0);
}

static void permissions(void)
{
	CHECK_EQ(msgctl(queue, IPC_RMID, NULL), 0);
	queue = msgget(KEY, IPC_CREAT | 0602);
	CHECK(queue >= 0);
	must_pass_in_child(be_somebody);
	expect(0, 0, 1, "allowed");
	CHECK_EQ(msgctl(queue, IPC_RMID, NULL), 0);
	ok("permissions");
}

static void info(void)
{
	struct msginfo about;
	struct msqid_ds described;
	int index;

	queue = new_queue();
	CHECK_EQ(send(1, "text", 0), 0);
	index = msgctl(0, MSG_INFO, (struct msqid_ds *)&about);
	CHECK(index >= 0 && about.msgpool == 1 && about.msgmap == 1 && about.msgtql == 5);
	CHECK_EQ(msgctl(index, MSG_STAT, &described), queue);
	CHECK(described.msg_qnum == 1 && described.msg_lspid == getpid() &&
	      described.msg_lrpid == 0 && described.msg_rtime == 0 &&
	      described.msg_stime >= time(NULL) - 5);
	CHECK_ERRNO(msgctl(index + 1, MSG_STAT, &described), EINVAL);
	CHECK_EQ(msgctl(0, IPC_INFO, (struct msqid_ds *)&about), index);
	CHECK(about.msgmax == 8192 && about.msgmnb == 16384 && about.msgmni == 32000);
	CHECK_EQ(msgctl(queue, IPC_RMID, NULL), 0);
	ok("info");
}

int main(void)
{
	own_ipc_namespace();
	keys();
	order();
	sizes();
	bad_input();
	copies();
	receivers_wait();
	too_big_for_waiter();
	senders_wait();
	removal_wakes();
	signals();
	permissions();
	info();
	return 0;
}
