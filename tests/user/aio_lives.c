// SPDX-License-Identifier: MIT
/*
 * Polls by io_submit(2), which alone end later: ready at once, by others, cancelled, with an eventfd; and how contexts live: fork has none,
 * exec and exit end them and give back every file, io_destroy(2) wakes who waits and awaits who reads, mremap(2) renames. On Heddle
 * also with each allocation failing in turn.
 */
#include "aio.h"
#include "ledger.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>

enum { MOST = 60, MANY = 40 };

static struct iocb aio_poll(int file, unsigned events)
{
	return aio_request(IOCB_CMD_POLL, file, (void *)(unsigned long)events, 0, 0);
}

static void make_pipe(int ends[2])
{
	CHECK_EQ(pipe2(ends, O_CLOEXEC), 0);
}

static void close_pipe(int ends[2])
{
	close(ends[0]);
	close(ends[1]);
}

static void check_ready(void)
{
	aio_context_t context = aio_new(4);
	int ends[2], file = open("/proc/self/exe", O_RDONLY);
	struct iocb iocb;

	make_pipe(ends);
	iocb = aio_poll(ends[1], POLLOUT);
	aio_run(context, &iocb, POLLOUT);
	iocb = aio_poll(ends[0], POLLIN);
	CHECK_EQ(aio_submit_one(context, &iocb), 1);
	aio_expect_none(context);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	struct io_event event;

	CHECK_EQ(aio_get(context, 1, 1, &event, NULL), 1);
	CHECK_EQ(event.obj, (unsigned long)&iocb);
	CHECK(event.res & POLLIN);
	iocb = aio_poll(file, POLLIN);
	aio_run(context, &iocb, POLLIN);
	iocb = aio_poll(file, POLLPRI); // never, and nobody would say so
	CHECK_ERRNO(aio_submit_one(context, &iocb), EINVAL);
	iocb = aio_poll(ends[0], 0x10000);
	CHECK_ERRNO(aio_submit_one(context, &iocb), EINVAL);
	iocb = aio_poll(ends[0], POLLIN);
	iocb.aio_nbytes = 1;
	CHECK_ERRNO(aio_submit_one(context, &iocb), EINVAL);
	aio_expect_none(context);
	CHECK_EQ(aio_destroy(context), 0);
	close_pipe(ends);
	close(file);
	ok("ready");
}

static void check_cancel(void)
{
	aio_context_t context = aio_new(4);
	struct iocb iocb[2];
	int ends[2];

	make_pipe(ends);
	iocb[0] = aio_poll(ends[0], POLLIN);
	iocb[1] = aio_poll(ends[0], POLLIN);
	CHECK_EQ(aio_submit_one(context, &iocb[0]), 1);
	CHECK_EQ(aio_submit_one(context, &iocb[1]), 1);
	CHECK_ERRNO(aio_cancel(context, &iocb[1]), EINPROGRESS);
	aio_expect(context, &iocb[1], 0);
	CHECK_ERRNO(aio_cancel(context, &iocb[1]), EINVAL);
	CHECK_ERRNO(aio_cancel(0, &iocb[0]), EINVAL);
	close(ends[1]); // a hang-up is told to who did not ask
	struct io_event event;

	CHECK_EQ(aio_get(context, 1, 1, &event, NULL), 1);
	CHECK(event.res & POLLHUP);
	CHECK_EQ(aio_destroy(context), 0);
	close(ends[0]);
	ok("cancel");
}

/* Its file may be closed: the request keeps it. Who is told polls the eventfd. */
static void check_notified(void)
{
	aio_context_t context = aio_new(MANY);
	int told = eventfd(0, EFD_NONBLOCK), watch = epoll_create1(0), ends[2];
	struct epoll_event event = {.events = EPOLLIN};
	struct iocb iocb[MANY];
	struct io_event results[MANY];
	uint64_t count, sum = 0;

	CHECK_EQ(epoll_ctl(watch, EPOLL_CTL_ADD, told, &event), 0);
	make_pipe(ends);
	for (int i = 0; i < MANY; i++) {
		iocb[i] = aio_poll(ends[0], POLLIN);
		iocb[i].aio_flags = IOCB_FLAG_RESFD;
		iocb[i].aio_resfd = (unsigned)told;
		CHECK_EQ(aio_submit_one(context, &iocb[i]), 1);
	}
	close(ends[0]);
	CHECK_EQ(epoll_wait(watch, &event, 1, 0), 0);
	CHECK_EQ(write(ends[1], "x", 1), 1); // there is still a reader
	while (sum < MANY) {
		CHECK_EQ(epoll_wait(watch, &event, 1, -1), 1);
		CHECK_EQ(read(told, &count, 8), 8);
		sum += count;
	}
	CHECK_EQ(sum, MANY);
	CHECK_EQ(aio_get(context, MANY, MANY, results, NULL), MANY);
	aio_expect_none(context);
	CHECK_EQ(aio_destroy(context), 0);
	close(ends[1]);
	close(told);
	close(watch);
	ok("notified");
}

/* What waits for an epoll, which waits for a pipe. */
static void check_epoll(void)
{
	aio_context_t context = aio_new(4);
	struct epoll_event event = {.events = EPOLLIN};
	int watch = epoll_create1(0), ends[2];
	struct iocb iocb = aio_poll(watch, POLLIN);
	struct io_event result;

	make_pipe(ends);
	CHECK_EQ(epoll_ctl(watch, EPOLL_CTL_ADD, ends[0], &event), 0);
	CHECK_EQ(aio_submit_one(context, &iocb), 1);
	aio_expect_none(context);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(aio_get(context, 1, 1, &result, NULL), 1);
	CHECK(result.res & POLLIN);
	CHECK_EQ(aio_destroy(context), 0);
	close_pipe(ends);
	close(watch);
	ok("epoll");
}

/* Whose signals a signalfd shows depends on who asks; here somebody else does. It ends by the signal or by the cancelling. */
static void check_signalfd(void)
{
	aio_context_t context = aio_new(4);
	struct signalfd_siginfo info;
	struct io_event result;
	struct iocb iocb;
	sigset_t set;
	int file;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	file = signalfd(-1, &set, SFD_NONBLOCK);
	iocb = aio_poll(file, POLLIN);
	CHECK_EQ(aio_submit_one(context, &iocb), 1);
	CHECK_EQ(kill(getpid(), SIGUSR2), 0);
	if (aio_cancel(context, &iocb) < 0 && errno == EINPROGRESS) {
		CHECK_EQ(aio_get(context, 1, 1, &result, NULL), 1);
	}
	CHECK_EQ(read(file, &info, sizeof(info)), sizeof(info));
	CHECK_EQ(aio_destroy(context), 0);
	close(file);
	ok("signalfd");
}

static aio_context_t shared;
static int shared_pipe[2];

static void in_fork(void)
{
	struct iocb iocb = aio_poll(shared_pipe[0], POLLIN), *one = &iocb;

	CHECK_EQ(ring_of(shared)->magic, (unsigned)AIO_MAGIC); // the memory is there
	CHECK_ERRNO(aio_submit(shared, 1, &one), EINVAL);
	CHECK_ERRNO(aio_get(shared, 0, 0, NULL, NULL), EINVAL);
	CHECK_ERRNO(aio_destroy(shared), EINVAL);
}

static void check_fork(void)
{
	shared = aio_new(4);
	make_pipe(shared_pipe);
	must_pass_in_child(in_fork);
	CHECK_EQ(aio_destroy(shared), 0);
	close_pipe(shared_pipe);
	ok("fork");
}

/* With a poll that nothing will end but its process's end: the pipe's writer is gone when wait(2) returns. */
static void in_exit(void)
{
	struct iocb iocb = aio_poll(shared_pipe[1], POLLPRI);

	CHECK_EQ(aio_submit_one(aio_new(1000), &iocb), 1);
	(void)aio_new(10);
}

static void check_exit(void)
{
	long used = aio_setting("aio-nr");
	char byte;

	make_pipe(shared_pipe);
	must_pass_in_child(in_exit);
	CHECK_EQ(aio_setting("aio-nr"), used);
	close(shared_pipe[1]);
	CHECK_EQ(read(shared_pipe[0], &byte, 1), 0);
	close(shared_pipe[0]);
	ok("exit");
}

/* The program it becomes holds nothing of it, and says so on the second pipe. */
static void check_exec(void)
{
	long used = aio_setting("aio-nr");
	int said[2], held[2];
	char byte;
	pid_t child;

	make_pipe(held);
	CHECK_EQ(pipe(said), 0);
	child = fork();
	if (child == 0) {
		struct iocb iocb = aio_poll(held[1], POLLPRI);
		char number[12];

		snprintf(number, sizeof(number), "%d", said[1]);
		CHECK_EQ(aio_submit_one(aio_new(1000), &iocb), 1);
		close(said[0]);
		execl("/proc/self/exe", "aio_lives", "became", number, NULL);
		_exit(1);
	}
	close(held[1]);
	close(said[1]);
	CHECK_EQ(read(said[0], &byte, 1), 1);
	CHECK_EQ(aio_setting("aio-nr"), used);
	CHECK_EQ(read(held[0], &byte, 1), 0);
	kill(child, SIGKILL);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	close(said[0]);
	close(held[0]);
	ok("exec");
}

static void check_mremap(void)
{
	aio_context_t context = aio_new(4), moved;
	size_t size =
		sizeof(struct aio_ring) + ring_of(context)->nr * sizeof(struct io_event);
	void *place = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(mremap((void *)context, size, size + AIO_PAGE, MREMAP_MAYMOVE) ==
	      MAP_FAILED);
	CHECK_EQ(errno, EFAULT);
	CHECK(mremap((void *)context, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, place) ==
	      place);
	moved = (aio_context_t)place;
	CHECK_ERRNO(aio_get(context, 0, 0, NULL, NULL), EINVAL);
	aio_expect_none(moved);
	CHECK_EQ(aio_destroy(moved), 0);
	CHECK_ERRNO(madvise(place, size, MADV_NORMAL), ENOMEM); // unmapped
	ok("mremap");
}

static _Atomic pid_t waiter;
static char byte_read;

static void *wait_for_events(void *unused)
{
	struct io_event event;

	waiter = thread_id();
	CHECK_ERRNO(aio_get(shared, 1, 1, &event, NULL), EINVAL);
	return unused;
}

static void *read_pipe(void *unused)
{
	struct iocb iocb = aio_request(IOCB_CMD_PREAD, shared_pipe[0], &byte_read, 1, 0);

	waiter = thread_id();
	CHECK_EQ(aio_submit_one(shared, &iocb), 1);
	return unused;
}

static void *destroy(void *unused)
{
	waiter = thread_id();
	CHECK_EQ(aio_destroy(shared), 0);
	CHECK_EQ(byte_read, 'r');
	return unused;
}

static void wait_until_asleep(void)
{
	WAIT_UNTIL(waiter &&
		   (thread_state(waiter) == 'S' || thread_state(waiter) == 'D'));
	waiter = 0;
}

static void check_destroy(void)
{
	pthread_t one, two;

	shared = aio_new(4);
	one = start_thread(wait_for_events, NULL);
	wait_until_asleep();
	CHECK_EQ(aio_destroy(shared), 0);
	join_thread(one);
	shared = aio_new(4);
	make_pipe(shared_pipe);
	one = start_thread(read_pipe, NULL);
	wait_until_asleep();
	two = start_thread(destroy, NULL);
	wait_until_asleep();
	CHECK_EQ(write(shared_pipe[1], "r", 1), 1);
	join_thread(one);
	join_thread(two);
	close_pipe(shared_pipe);
	ok("destroy");
}

/* Writes, cancels and the end of the context meet: each poll ends once. */
static void *write_bytes(void *unused)
{
	for (int i = 0; i < 200; i++) {
		CHECK_EQ(write(shared_pipe[1], "x", 1), 1);
	}
	return unused;
}

static void check_races(void)
{
	struct iocb iocb[8];
	struct io_event events[8];
	pthread_t writer;
	char byte;

	make_pipe(shared_pipe);
	shared = aio_new(16);
	writer = start_thread(write_bytes, NULL);
	for (int i = 0; i < 200; i++) {
		for (int k = 0; k < 8; k++) {
			iocb[k] = aio_poll(shared_pipe[0], POLLIN);
			CHECK_EQ(aio_submit_one(shared, &iocb[k]), 1);
		}
		for (int k = 0; k < 8; k++) {
			CHECK(aio_cancel(shared, &iocb[k]) < 0);
			CHECK(errno == EINPROGRESS || errno == EINVAL);
		}
		if (i % 10 == 9) {
			CHECK_EQ(aio_destroy(shared), 0);
			shared = aio_new(16);
		} else {
			CHECK_EQ(aio_get(shared, 8, 8, events, NULL), 8);
		}
		CHECK_EQ(read(shared_pipe[0], &byte, 1), 1);
	}
	aio_expect_none(shared);
	join_thread(writer);
	CHECK_EQ(aio_destroy(shared), 0);
	close_pipe(shared_pipe);
	ok("races");
}

/* --- no memory --- */

static int control = -1;

/* Returns how far it came: 0: no context, 1: no poll, 2: all of it. */
static int once(int nth)
{
	struct iocb iocb = aio_poll(shared_pipe[0], POLLIN);
	aio_context_t context = 0;
	long submitted;

	fail_nth(control, nth);
	if (aio_setup(300, &context)) {
		int error = errno;

		fail_nth(control, 0);
		CHECK(error == ENOMEM || error == EFAULT);
		CHECK_EQ(context, 0);
		return 0;
	}
	submitted = aio_submit_one(context, &iocb);
	int error = errno;

	fail_nth(control, 0);
	CHECK(submitted == 1 || error == EAGAIN || error == EFAULT);
	if (submitted == 1) {
		CHECK_ERRNO(aio_cancel(context, &iocb), EINPROGRESS);
		aio_expect(context, &iocb, 0);
	}
	aio_expect_none(context);
	CHECK_EQ(aio_destroy(context), 0);
	return submitted == 1 ? 2 : 1;
}

static void check_no_memory(void)
{
	int reached[3] = {0};
	struct ledger before;

	control = open("/proc/heddle/fail_nth", O_WRONLY);
	if (control < 0) {
		return;
	}
	make_pipe(shared_pipe);
	CHECK_EQ(once(1000), 2);
	ledger_begin(&before);
	for (int nth = 1; nth < MOST; nth++) {
		reached[once(nth)]++;
	}
	// How many each takes depends on what the heap has at hand.
	CHECK(reached[0] > 0 && reached[1] > 0 && reached[2] > 0);
	ledger_expect(&before);
	close_pipe(shared_pipe);
	close(control);
	ok("no_memory");
}

__attribute__((noreturn)) static void became(const char *said)
{
	CHECK_EQ(write(atoi(said), "x", 1), 1);
	for (;;) {
		pause();
	}
}

int main(int argc, char **argv)
{
	if (argc == 3) {
		became(argv[2]);
	}
	check_ready();
	check_cancel();
	check_notified();
	check_epoll();
	check_signalfd();
	check_fork();
	check_exit();
	check_exec();
	check_mremap();
	check_destroy();
	check_races();
	check_no_memory();
	return 0;
}
