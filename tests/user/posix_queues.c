// SPDX-License-Identifier: MIT
/*
 * F4: mq_open, mq_send, mq_receive, mq_notify: priorities, waiting with an absolute time, polling, notices, permissions; queues are
 * files of the file system mqueue, one an IPC namespace.
 */
#include "sysv.h"
#include <mqueue.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>

enum { SIZE = 64 };

static mqd_t queue;
static char got[SIZE];
static unsigned priority;

static mqd_t open_new(const char *name, long messages, int flags)
{
	struct mq_attr attributes = {.mq_maxmsg = messages, .mq_msgsize = SIZE};
	mqd_t made = mq_open(name, O_CREAT | O_RDWR | flags, 0600, &attributes);

	CHECK(made >= 0);
	return made;
}

static void expect(const char *text, unsigned wanted)
{
	memset(got, 0, sizeof(got));
	CHECK_EQ(mq_receive(queue, got, SIZE, &priority), (ssize_t)strlen(text) + 1);
	CHECK(strcmp(got, text) == 0);
	CHECK_EQ(priority, wanted);
}

static int send(const char *text, unsigned wanted)
{
	return mq_send(queue, text, strlen(text) + 1, wanted);
}

static struct mq_attr attributes(void)
{
	struct mq_attr result;

	CHECK_EQ(mq_getattr(queue, &result), 0);
	return result;
}

static void names(void)
{
	struct mq_attr bad = {.mq_maxmsg = 0, .mq_msgsize = 1};
	char longest[300];

	CHECK_ERRNO(mq_open("/absent", O_RDWR), ENOENT);
	CHECK_ERRNO(mq_unlink("/absent"), ENOENT);
	queue = open_new("/name", 3, O_EXCL);
	CHECK_ERRNO(mq_open("/name", O_CREAT | O_EXCL | O_RDWR, 0600, NULL), EEXIST);
	mq_close(mq_open("/name", O_CREAT | O_RDONLY, 0600, NULL));
	CHECK_ERRNO(mq_open("/bad", O_CREAT | O_RDWR, 0600, &bad), EINVAL);
	CHECK_ERRNO(syscall(SYS_mq_open, "a/b", O_CREAT | O_RDWR, 0600, NULL), EACCES);
	CHECK_ERRNO(syscall(SYS_mq_open, "", O_CREAT | O_RDWR, 0600, NULL), ENOENT);
	CHECK_ERRNO(syscall(SYS_mq_open, "..", O_CREAT | O_RDWR, 0600, NULL), EACCES);
	CHECK_ERRNO(syscall(SYS_mq_open, UNMAPPED_ADDRESS, O_RDWR, 0, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_mq_open, "x", O_CREAT | O_RDWR, 0600, UNMAPPED_ADDRESS),
		    EFAULT);
	CHECK_ERRNO(syscall(SYS_mq_open, "name", O_ACCMODE, 0, NULL), EINVAL);
	memset(longest, 'n', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(longest) - 1] = 0;
	CHECK_ERRNO(mq_open(longest, O_CREAT | O_RDWR, 0600, NULL), ENAMETOOLONG);
	CHECK(fcntl(queue, F_GETFD) & FD_CLOEXEC);
	CHECK_EQ(attributes().mq_maxmsg, 3);
	CHECK_EQ(attributes().mq_msgsize, SIZE);
	ok("names");
}

static void order(void)
{
	CHECK_EQ(send("low", 1), 0);
	CHECK_EQ(send("high", 9), 0);
	CHECK_EQ(send("high too", 9), 0);
	CHECK_EQ(attributes().mq_curmsgs, 3);
	expect("high", 9);
	expect("high too", 9);
	CHECK_EQ(send("middle", 5), 0);
	expect("middle", 5);
	expect("low", 1);
	CHECK_EQ(mq_send(queue, NULL, 0, 32767), 0);
	CHECK_EQ(mq_receive(queue, got, SIZE, &priority), 0);
	CHECK_EQ(priority, 32767);
	ok("priorities");
}

static void bad_input(void)
{
	struct timespec bad = {.tv_nsec = 1000000000}, past = {0};
	mqd_t reader = mq_open("/name", O_RDONLY), writer = mq_open("/name", O_WRONLY);
	struct mq_attr flags = {.mq_flags = O_APPEND};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65};

	CHECK_ERRNO(mq_send(queue, got, SIZE + 1, 0), EMSGSIZE);
	CHECK_ERRNO(mq_receive(queue, got, SIZE - 1, NULL), EMSGSIZE);
	CHECK_ERRNO(mq_send(queue, got, 1, 32768), EINVAL);
	CHECK_ERRNO(mq_send(reader, got, 1, 0), EBADF);
	CHECK_ERRNO(mq_receive(writer, got, SIZE, NULL), EBADF);
	CHECK_ERRNO(mq_send(1, got, 1, 0), EBADF);
	CHECK_ERRNO(mq_send(-1, got, 1, 0), EBADF);
	CHECK_ERRNO(mq_timedreceive(queue, got, SIZE, NULL, &bad), EINVAL);
	CHECK_ERRNO(mq_timedreceive(queue, got, SIZE, NULL, &past), ETIMEDOUT);
	CHECK_ERRNO(syscall(SYS_mq_timedsend, queue, KERNEL_ADDRESS, 1, 0, NULL), EFAULT);
	CHECK_ERRNO(
		syscall(SYS_mq_timedreceive, queue, got, SIZE, NULL, UNMAPPED_ADDRESS),
		EFAULT);
	CHECK_ERRNO(mq_setattr(queue, &flags, NULL), EINVAL);
	CHECK_ERRNO(mq_getattr(1, &flags), EBADF);
	CHECK_ERRNO(mq_notify(queue, &event), EINVAL);
	event.sigev_notify = 77;
	CHECK_ERRNO(mq_notify(queue, &event), EINVAL);
	CHECK_ERRNO(mq_notify(1, NULL), EBADF);
	CHECK_EQ(attributes().mq_curmsgs, 0);
	mq_close(reader);
	mq_close(writer);
	ok("bad input");
}

/* --- waiting --- */

static _Atomic pid_t waiter;

static void *receive_one(void *unused)
{
	char mine[SIZE];

	waiter = thread_id();
	CHECK_EQ(mq_receive(queue, mine, SIZE, NULL), 4);
	CHECK(strcmp(mine, "one") == 0);
	return unused;
}

static void *send_one(void *unused)
{
	waiter = thread_id();
	CHECK_EQ(send("waited", 7), 0);
	return unused;
}

static void waiting(void)
{
	struct mq_attr nonblock = {.mq_flags = O_NONBLOCK}, none = {0};
	struct timespec soon;
	pthread_t other = start_thread(receive_one, NULL);

	WAIT_UNTIL(waiter && process_state(waiter) == 'S');
	CHECK_EQ(send("one", 0), 0);
	join_thread(other);
	CHECK_EQ(mq_setattr(queue, &nonblock, &none), 0);
	CHECK_EQ(none.mq_flags, 0);
	CHECK_ERRNO(mq_receive(queue, got, SIZE, NULL), EAGAIN);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(send("full", 3), 0);
	}
	CHECK_ERRNO(send("more", 3), EAGAIN);
	none.mq_flags = 0;
	CHECK_EQ(mq_setattr(queue, &none, &nonblock), 0);
	CHECK_EQ(nonblock.mq_flags, O_NONBLOCK);
	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &soon), 0);
	soon.tv_nsec += 20000000;
	soon.tv_sec += soon.tv_nsec / 1000000000;
	soon.tv_nsec %= 1000000000;
	CHECK_ERRNO(mq_timedsend(queue, "x", 1, 0, &soon), ETIMEDOUT);
	waiter = 0;
	other = start_thread(send_one, NULL);
	WAIT_UNTIL(waiter && process_state(waiter) == 'S');
	expect("full", 3);
	join_thread(other);
	expect("waited", 7); // it came in when there was room
	expect("full", 3);
	expect("full", 3);
	ok("waiting");
}

static void do_nothing(int signal)
{
	(void)signal;
}

static void *be_interrupted(void *unused)
{
	waiter = thread_id();
	CHECK_ERRNO(mq_receive(queue, got, SIZE, NULL), EINTR);
	return unused;
}

static void signals(void)
{
	struct sigaction action = {.sa_handler = do_nothing};
	pthread_t other;

	CHECK_EQ(sigaction(SIGUSR2, &action, NULL), 0);
	waiter = 0;
	other = start_thread(be_interrupted, NULL);
	WAIT_UNTIL(waiter && process_state(waiter) == 'S');
	CHECK_EQ(pthread_kill(other, SIGUSR2), 0);
	join_thread(other);
	ok("signals end a wait");
}

static void polling(void)
{
	struct pollfd at = {.fd = queue, .events = POLLIN | POLLOUT};

	CHECK_EQ(poll(&at, 1, 0), 1);
	CHECK_EQ(at.revents, POLLOUT);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(send("x", 0), 0);
	}
	CHECK_EQ(poll(&at, 1, 0), 1);
	CHECK_EQ(at.revents, POLLIN);
	for (int i = 0; i < 3; i++) {
		expect("x", 0);
	}
	ok("polling");
}

/* --- notices --- */

static void see_busy(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_NONE};

	CHECK_ERRNO(mq_notify(queue, &event), EBUSY);
	CHECK_EQ(mq_notify(queue, NULL), 0); // not this one's: nothing happens
	CHECK_ERRNO(mq_notify(queue, &event), EBUSY);
}

static void notices(void)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIGRTMIN,
		.sigev_value.sival_int = 42,
	};
	struct timespec none = {0};
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(mq_notify(queue, &event), 0);
	CHECK_ERRNO(mq_notify(queue, &event), EBUSY);
	must_pass_in_child(see_busy);
	CHECK_EQ(send("x", 0), 0);
	CHECK_EQ(sigtimedwait(&set, &info, &none), SIGRTMIN);
	CHECK_EQ(info.si_code, SI_MESGQ);
	CHECK_EQ(info.si_value.sival_int, 42);
	CHECK_EQ(info.si_pid, getpid());
	CHECK_EQ(mq_notify(queue, &event),
		 0); // once only; and not for a queue that is not empty
	CHECK_EQ(send("y", 0), 0);
	CHECK_ERRNO(sigtimedwait(&set, &info, &none), EAGAIN);
	expect("x", 0);
	expect("y", 0);
	CHECK_EQ(mq_close(dup(queue)), 0); // a close by the process ends it
	CHECK_EQ(mq_notify(queue, &event), 0);
	CHECK_EQ(mq_notify(queue, NULL), 0);
	CHECK_EQ(send("z", 0), 0);
	CHECK_ERRNO(sigtimedwait(&set, &info, &none), EAGAIN);
	expect("z", 0);
	ok("notices");
}

/* --- as files --- */

static void unlinking(void)
{
	mqd_t second;

	CHECK_EQ(send("kept", 2), 0);
	CHECK_EQ(mq_unlink("/name"), 0);
	CHECK_ERRNO(mq_open("/name", O_RDWR), ENOENT);
	second = open_new("/name", 1, O_EXCL);
	expect("kept", 2);
	mq_close(queue);
	queue = second;
	CHECK_EQ(attributes().mq_maxmsg, 1);
	CHECK_EQ(attributes().mq_curmsgs, 0);
	ok("unlinked queues live on");
}

static void be_somebody(void)
{
	mqd_t mine;

	CHECK_EQ(setresgid(4711, 4711, 4711), 0);
	CHECK_EQ(setresuid(4711, 4711, 4711), 0);
	CHECK_ERRNO(mq_open("/name", O_RDWR), EACCES);
	CHECK_ERRNO(mq_open("/name", O_RDONLY), EACCES);
	CHECK(mq_open("/name", O_WRONLY) >= 0);
	CHECK_ERRNO(syscall(SYS_mq_unlink, "name"), EPERM); // the directory is sticky
	mine = mq_open("/mine", O_CREAT | O_RDWR, 0200, NULL);
	CHECK(mine >= 0); // who makes it has it as he asked
	CHECK_ERRNO(mq_open("/mine", O_RDONLY), EACCES);
	CHECK_ERRNO(mq_open("/large", O_CREAT | O_RDWR, 0600,
			    &(struct mq_attr){.mq_maxmsg = 11, .mq_msgsize = 8}),
		    EINVAL);
	CHECK_EQ(mq_unlink("/mine"), 0);
}

static void permissions(void)
{
	CHECK_EQ(fchmod(queue, 0602), 0);
	must_pass_in_child(be_somebody);
	ok("permissions");
}

static void leave_namespace(void)
{
	CHECK_EQ(unshare(CLONE_NEWIPC), 0);
	CHECK_ERRNO(mq_open("/name", O_RDWR), ENOENT);
	CHECK(mq_open("/name", O_CREAT | O_RDWR, 0600, NULL) >= 0);
	CHECK_EQ(mq_send(queue, "from", 5, 0), 0); // an open one stays what it is
}

static void namespaces(void)
{
	must_pass_in_child(leave_namespace);
	expect("from", 0);
	ok("each IPC namespace has its own");
}

static void mounted(void)
{
	char text[128] = {0};
	struct stat status;
	int fd;

	if (mkdir("queues", 0700) || mount("none", "queues", "mqueue", 0, NULL)) {
		say("# no mqueue mounted here\n");
		rmdir("queues");
		return;
	}
	CHECK_EQ(stat("queues/name", &status), 0);
	CHECK(S_ISREG(status.st_mode));
	CHECK_EQ(send("12345", 0), 0);
	fd = open("queues/name", O_RDONLY);
	CHECK(fd >= 0);
	CHECK(read(fd, text, sizeof(text) - 1) > 0);
	CHECK(strncmp(text, "QSIZE:6 ", 8) == 0);
	close(fd);
	expect("12345", 0);
	fd = open("queues/touched", O_CREAT | O_RDWR, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(unlink("queues/name"), 0);
	CHECK_ERRNO(mq_open("/name", O_RDWR), ENOENT);
	mq_close(queue);
	queue = mq_open("/touched", O_RDWR);
	CHECK(queue >= 0);
	CHECK_EQ(attributes().mq_maxmsg, 10);
	close(fd);
	CHECK_EQ(umount2("queues", MNT_DETACH), 0);
	rmdir("queues");
	ok("mounted");
}

/* As a file it tells its state, from any place on. */
static void check_places(void)
{
	struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 100};
	mqd_t queue = mq_open("/places", O_CREAT | O_RDWR, 0600, &attributes);
	char text[128] = "", part[8] = "";

	CHECK(queue >= 0);
	CHECK(read(queue, text, sizeof(text)) > 20);
	CHECK_EQ(read(queue, text + 100, 1), 0);
	CHECK_EQ(lseek(queue, 0, SEEK_END), 80);
	CHECK_EQ(lseek(queue, 3, SEEK_SET), 3);
	CHECK_EQ(lseek(queue, 1, SEEK_CUR), 4);
	CHECK_EQ(read(queue, part, 4), 4);
	CHECK_EQ(memcmp(part, text + 4, 4), 0);
	CHECK_EQ(lseek(queue, 0, SEEK_CUR), 8);
	CHECK_ERRNO(lseek(queue, -1, SEEK_SET), EINVAL);
	mq_close(queue);
	CHECK_EQ(mq_unlink("/places"), 0);
	ok("places");
}

int main(void)
{
	own_ipc_namespace();
	if (unshare(CLONE_NEWNS) == 0) {
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	}
	if (mq_unlink("/absent") && errno == ENOSYS) {
		skip("no POSIX message queues here");
	}
	names();
	order();
	bad_input();
	waiting();
	signals();
	polling();
	notices();
	unlinking();
	permissions();
	namespaces();
	mounted();
	check_places();
	return 0;
}
