// SPDX-License-Identifier: MIT
/*
 * io_setup(2), io_submit(2), io_getevents(2) and io_pgetevents(2): the ring as libraries see it, reading, writing, syncing, eventfds told of
 * it, a ring that is full, and each refusal.
 */
#include "aio.h"
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

static char text[64];
static _Atomic int signals;

static int make_file(void)
{
	int file = open("aio-data", O_RDWR | O_CREAT | O_TRUNC, 0600);

	CHECK(file >= 0);
	CHECK_EQ(write(file, "0123456789abcdef", 16), 16);
	return file;
}

static void check_ring(void)
{
	aio_context_t context = aio_new(100);
	const struct aio_ring *ring = ring_of(context);
	char line[200], start[20];
	FILE *maps = fopen("/proc/self/maps", "r");
	bool found = false;

	CHECK_EQ(ring->magic, (unsigned)AIO_MAGIC);
	CHECK(ring->nr >= 200);
	CHECK_EQ((sizeof(*ring) + ring->nr * sizeof(struct io_event)) % AIO_PAGE, 0);
	CHECK_EQ(ring->head, 0);
	CHECK_EQ(ring->tail, 0);
	CHECK_EQ(ring->compat_features, 1);
	CHECK_EQ(ring->incompat_features, 0);
	CHECK_EQ(ring->header_length, sizeof(*ring));
	snprintf(start, sizeof(start), "%lx-", context);
	while (fgets(line, sizeof(line), maps)) {
		if (strncmp(line, start, strlen(start)) == 0) {
			found = strstr(line, " rw-s 00000000 ") &&
				strstr(line, " /[aio] (deleted)\n");
		}
	}
	CHECK(found);
	fclose(maps);
	CHECK_EQ(aio_destroy(context), 0);
	CHECK_ERRNO(aio_destroy(context), EINVAL);
	ok("ring");
}

static void check_setup(void)
{
	aio_context_t context = 0;
	long most = aio_setting("aio-max-nr"), used = aio_setting("aio-nr");

	CHECK_ERRNO(aio_setup(0, &context), EINVAL);
	CHECK_ERRNO(aio_setup(1, KERNEL_ADDRESS), EFAULT);
	CHECK_ERRNO(aio_setup(1, NULL), EFAULT);
	CHECK_ERRNO(aio_setup((unsigned)most + 1, &context), EAGAIN);
	CHECK_ERRNO(aio_setup(1u << 23, &context), EINVAL);
	CHECK_ERRNO(aio_setup(1u << 31, &context), EAGAIN);
	context = 1;
	CHECK_ERRNO(aio_setup(1, &context), EINVAL);
	CHECK_EQ(aio_setting("aio-nr"), used);
	context = aio_new(1000);
	CHECK_EQ(aio_setting("aio-nr"), used + 1000);
	CHECK_EQ(aio_destroy(context), 0);
	CHECK_EQ(aio_setting("aio-nr"), used);
	CHECK_ERRNO(aio_destroy(0), EINVAL);
	CHECK_ERRNO(aio_destroy((unsigned long)text), EINVAL);
	ok("setup");
}

/* What can be written to, but for the number that io_setup would put there. */
static void check_setup_undone(void)
{
	long used = aio_setting("aio-nr");
	aio_context_t *page =
		mmap(NULL, AIO_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(page != MAP_FAILED);
	CHECK_ERRNO(aio_setup(1, page), EFAULT);
	CHECK_EQ(aio_setting("aio-nr"), used);
	munmap(page, AIO_PAGE);
	ok("setup_undone");
}

static void check_files(void)
{
	aio_context_t context = aio_new(4);
	int file = make_file();
	char one[4], two[8];
	struct iovec parts[2] = {{one, 4}, {two, 8}};
	struct iocb read = aio_request(IOCB_CMD_PREAD, file, text, 10, 4);
	struct iocb write = aio_request(IOCB_CMD_PWRITE, file, "WXYZ", 4, 14);
	struct iocb readv = aio_request(IOCB_CMD_PREADV, file, parts, 2, 6);
	struct iocb writev = aio_request(IOCB_CMD_PWRITEV, file, parts, 2, 0);
	struct iocb sync = aio_request(IOCB_CMD_FSYNC, file, NULL, 0, 0);
	struct iocb *both[] = {&write, &sync};
	struct io_event events[2];

	aio_run(context, &read, 10);
	CHECK_EQ(memcmp(text, "456789abcd", 10), 0);
	CHECK_EQ(aio_submit(context, 2, both), 2);
	CHECK_EQ(aio_get(context, 2, 2, events, NULL), 2);
	CHECK_EQ(events[0].res + events[1].res, 4);
	aio_run(context, &readv, 12);
	CHECK_EQ(memcmp(one, "6789", 4), 0);
	CHECK_EQ(memcmp(two, "abcdWXYZ", 8), 0);
	writev.aio_rw_flags = RWF_DSYNC;
	aio_run(context, &writev, 12);
	CHECK_EQ(lseek(file, 0, SEEK_CUR), 16); // nobody moved it
	CHECK_EQ(pread(file, text, 64, 0), 18);
	CHECK_EQ(memcmp(text, "6789abcdWXYZcdWXYZ", 18), 0);
	sync.aio_lio_opcode = IOCB_CMD_FDSYNC;
	aio_run(context, &sync, 0);
	read.aio_offset = 100;
	aio_run(context, &read, 0); // behind the end
	CHECK_EQ(aio_submit(context, 0, both), 0);
	CHECK_EQ(aio_destroy(context), 0);
	close(file);
	ok("files");
}

static void refuse(aio_context_t context, struct iocb iocb, int error)
{
	CHECK_ERRNO(aio_submit_one(context, &iocb), error);
}

static void check_requests(void)
{
	aio_context_t context = aio_new(4);
	int file = make_file(), closed = open("aio-data", O_RDONLY),
	    folder = open(".", O_RDONLY);
	struct iocb good = aio_request(IOCB_CMD_PREAD, file, text, 4, 0), bad;

#define REFUSE(field, value, error)          \
	do {                                 \
		bad = good;                  \
		bad.field = (value);         \
		refuse(context, bad, error); \
	} while (0)
	REFUSE(aio_fildes, 999, EBADF);
	REFUSE(aio_fildes, (unsigned)folder, EINVAL);
	REFUSE(aio_reserved2, 1, EINVAL);
	REFUSE(aio_nbytes, 1ull << 63, EINVAL);
	REFUSE(aio_offset, -1, EINVAL);
	REFUSE(aio_offset, INT64_MAX - 3, EINVAL);
	REFUSE(aio_buf, (unsigned long)KERNEL_ADDRESS, EFAULT);
	REFUSE(aio_rw_flags, 1 << 30, EOPNOTSUPP);
	REFUSE(aio_lio_opcode, IOCB_CMD_NOOP, EINVAL);
	REFUSE(aio_lio_opcode, 4, EINVAL);
	REFUSE(aio_lio_opcode, 99, EINVAL);
	good.aio_flags = IOCB_FLAG_IOPRIO;
	REFUSE(aio_reqprio, 7 << 13, EINVAL); // no such class
	good.aio_reqprio = 2 << 13 | 3;
	aio_run(context, &good, 4);
	good.aio_lio_opcode = IOCB_CMD_PWRITE;
	REFUSE(aio_fildes, (unsigned)closed, EBADF);
	good.aio_lio_opcode = IOCB_CMD_PREADV;
	REFUSE(aio_nbytes, 1025, EINVAL);
	REFUSE(aio_buf, 1, EFAULT);
	good = aio_request(IOCB_CMD_FSYNC, file, NULL, 0, 0);
	REFUSE(aio_buf, 1, EINVAL);
	REFUSE(aio_nbytes, 1, EINVAL);
	REFUSE(aio_offset, 1, EINVAL);
	aio_expect_none(context);
	CHECK_EQ(aio_destroy(context), 0);
	close(file);
	close(closed);
	close(folder);
	ok("requests");
}

static void check_submit(void)
{
	aio_context_t context = aio_new(4);
	int file = make_file();
	struct iocb good = aio_request(IOCB_CMD_PREAD, file, text, 4, 0), bad = good;
	struct iocb *some[] = {&good, &bad, &good};
	struct iocb **edge = mmap(NULL, 2 * AIO_PAGE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	bad.aio_fildes = 999;
	CHECK_EQ(aio_submit(context, 3, some), 1);
	aio_expect(context, &good, 4);
	aio_expect_none(context);
	CHECK_ERRNO(aio_submit(context, -1, some), EINVAL);
	CHECK_ERRNO(aio_submit(context, 1, KERNEL_ADDRESS), EFAULT);
	CHECK_ERRNO(aio_submit(0, 1, some), EINVAL);
	CHECK_ERRNO(aio_submit(context + 1, 1, some), EINVAL);
	CHECK_ERRNO(aio_submit_one(context, NULL), EFAULT);
	CHECK_EQ(munmap((char *)edge + AIO_PAGE, AIO_PAGE), 0);
	edge = (struct iocb **)((char *)edge + AIO_PAGE) - 1;
	*edge = &good;
	CHECK_EQ(aio_submit(context, 2, edge), 1);
	aio_expect(context, &good, 4);
	CHECK_ERRNO(aio_cancel(context, &good), EINVAL); // it has ended
	good.aio_key = 1;
	CHECK_ERRNO(aio_cancel(context, &good), EINVAL);
	CHECK_ERRNO(aio_cancel(context, NULL), EFAULT);
	CHECK_EQ(aio_destroy(context), 0);
	close(file);
	ok("submit");
}

static void check_streams(void)
{
	aio_context_t context = aio_new(4);
	int ends[2], pair[2];
	struct iocb iocb;

	signal(SIGPIPE, SIG_IGN);
	CHECK_EQ(pipe2(ends, O_NONBLOCK), 0);
	iocb = aio_request(IOCB_CMD_PWRITE, ends[1], "pipe", 4, 5);
	aio_run(context, &iocb, 4); // where it says is no matter
	iocb = aio_request(IOCB_CMD_PREAD, ends[0], text, 10, 0);
	aio_run(context, &iocb, 4);
	aio_run(context, &iocb, -EAGAIN);
	close(ends[0]);
	iocb = aio_request(IOCB_CMD_PWRITE, ends[1], "pipe", 4, 0);
	aio_run(context, &iocb, -EPIPE);
	close(ends[1]);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	iocb = aio_request(IOCB_CMD_PWRITE, pair[0], "sock", 4, 0);
	aio_run(context, &iocb, 4);
	iocb = aio_request(IOCB_CMD_PREAD, pair[1], text, 4, 1);
	aio_run(context, &iocb, -ESPIPE);
	iocb.aio_offset = 0;
	aio_run(context, &iocb, 4);
	iocb = aio_request(IOCB_CMD_FSYNC, pair[0], NULL, 0, 0);
	refuse(context, iocb, EINVAL);
	close(pair[0]);
	close(pair[1]);
	CHECK_EQ(aio_destroy(context), 0);
	ok("streams");
}

static void check_eventfd(void)
{
	aio_context_t context = aio_new(4);
	int file = make_file(), told = eventfd(0, EFD_NONBLOCK);
	struct iocb iocb = aio_request(IOCB_CMD_PREAD, file, text, 4, 0);
	uint64_t count;

	iocb.aio_flags = IOCB_FLAG_RESFD;
	iocb.aio_resfd = (unsigned)told;
	aio_run(context, &iocb, 4);
	aio_run(context, &iocb, 4);
	CHECK_EQ(read(told, &count, 8), 8);
	CHECK_EQ(count, 2);
	count = UINT64_MAX - 1; // what a write would wait for, the kernel does not
	CHECK_EQ(write(told, &count, 8), 8);
	aio_run(context, &iocb, 4);
	aio_run(context, &iocb, 4);
	struct pollfd item = {.fd = told, .events = POLLIN};

	CHECK_EQ(poll(&item, 1, 0), 1);
	CHECK(item.revents & POLLERR);
	CHECK_EQ(read(told, &count, 8), 8);
	CHECK_EQ(count, UINT64_MAX);
	iocb.aio_resfd = (unsigned)file;
	refuse(context, iocb, EINVAL);
	iocb.aio_resfd = 999;
	refuse(context, iocb, EBADF);
	aio_expect_none(context);
	CHECK_EQ(aio_destroy(context), 0);
	close(file);
	close(told);
	ok("eventfd");
}

/* What a library does in user mode: take what is there by moving the head. */
static void check_full(void)
{
	aio_context_t context = aio_new(64);
	struct aio_ring *ring = ring_of(context);
	int file = make_file();
	struct iocb iocb = aio_request(IOCB_CMD_PREAD, file, text, 1, 3);
	unsigned done = 0;

	while (aio_submit_one(context, &iocb) == 1) {
		CHECK(++done < ring->nr);
	}
	CHECK_EQ(errno, EAGAIN);
	CHECK(done >= 64);
	CHECK_EQ((ring->tail + ring->nr - ring->head) % ring->nr, done);
	for (unsigned at = ring->head; at != ring->tail; at = (at + 1) % ring->nr) {
		CHECK_EQ(ring->events[at].obj, (unsigned long)&iocb);
		CHECK_EQ(ring->events[at].res, 1);
	}
	ring->head = ring->tail;
	aio_expect_none(context);
	for (unsigned round = 0; round < 2 * ring->nr; round++) { // several times around
		aio_run(context, &iocb, 1);
	}
	ring->head = 0xfffffff0; // its own loss
	(void)aio_submit_one(context, &iocb);
	CHECK_EQ(aio_destroy(context), 0);
	close(file);
	ok("full");
}

static void count_signal(int signal)
{
	signals++;
}

static void check_waiting(void)
{
	aio_context_t context = aio_new(4);
	struct timespec now = {0}, soon = {.tv_nsec = 2000000}, past = {.tv_sec = -1};
	struct itimerval timer = {{0, 5000}, {0, 5000}}, none = {0};
	struct sigaction action = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
	struct io_event event;

	CHECK_ERRNO(aio_get(context, 2, 1, &event, &now), EINVAL);
	CHECK_ERRNO(aio_get(context, -1, 1, &event, &now), EINVAL);
	CHECK_ERRNO(aio_get(context, 0, -1, &event, &now), EINVAL);
	CHECK_ERRNO(aio_get(0, 0, 1, &event, &now), EINVAL);
	CHECK_ERRNO(aio_get(context, 0, 1, &event, KERNEL_ADDRESS), EFAULT);
	CHECK_EQ(aio_get(context, 0, 0, NULL, NULL), 0);
	CHECK_EQ(aio_get(context, 0, 1, KERNEL_ADDRESS, NULL), 0);
	CHECK_EQ(aio_get(context, 1, 1, &event, &soon), 0);
	CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
	CHECK_ERRNO(aio_get(context, 1, 1, &event, &past), EINTR); // that is long
	CHECK_ERRNO(aio_get(context, 1, 1, &event, NULL), EINTR);
	CHECK_EQ(setitimer(ITIMER_REAL, &none, NULL), 0);
	CHECK(signals > 0);
	CHECK_EQ(aio_destroy(context), 0);
	ok("waiting");
}

static void check_fault(void)
{
	aio_context_t context = aio_new(4);
	int file = make_file();
	struct iocb iocb = aio_request(IOCB_CMD_PREAD, file, text, 1, 3);

	CHECK_EQ(aio_submit_one(context, &iocb), 1);
	CHECK_ERRNO(aio_get(context, 1, 1, KERNEL_ADDRESS, NULL), EFAULT);
	CHECK_ERRNO(aio_get(context, 1, 1, NULL, NULL), EFAULT);
	aio_expect(context, &iocb, 1); // it was not lost
	CHECK_EQ(aio_destroy(context), 0);
	close(file);
	ok("fault");
}

static long pgetevents(aio_context_t context, long least, struct timespec *timeout,
		       const void *mask)
{
	struct io_event event;

	return syscall(SYS_io_pgetevents, context, least, 1, &event, timeout, mask);
}

static void check_masks(void)
{
	aio_context_t context = aio_new(4);
	unsigned long nothing = 0;
	struct {
		const void *mask;
		size_t size;
	} given = {&nothing, 8}, wrong = {&nothing, 4}, nowhere = {KERNEL_ADDRESS, 8},
	  absent = {NULL, 8};
	struct timespec now = {0};
	struct sigaction action = {.sa_handler = count_signal};
	sigset_t blocked;

	CHECK_ERRNO(pgetevents(context, 0, &now, &wrong), EINVAL);
	CHECK_ERRNO(pgetevents(context, 0, &now, &nowhere), EFAULT);
	CHECK_ERRNO(pgetevents(context, 0, &now, KERNEL_ADDRESS), EFAULT);
	CHECK_ERRNO(pgetevents(context, 0, KERNEL_ADDRESS, NULL), EFAULT);
	CHECK_EQ(pgetevents(context, 0, &now, &absent), 0);
	CHECK_EQ(pgetevents(context, 1, &now, NULL), 0);
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
	signals = 0;
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(signals, 0);
	CHECK_ERRNO(pgetevents(context, 1, NULL, &given), EINTR);
	CHECK_EQ(signals, 1);
	CHECK_EQ(raise(SIGUSR1), 0); // the old mask is in force again
	CHECK_EQ(signals, 1);
	CHECK_EQ(sigprocmask(SIG_UNBLOCK, &blocked, NULL), 0);
	CHECK_EQ(aio_destroy(context), 0);
	ok("masks");
}

static _Atomic bool moving;

static void *move_head_back(void *ring)
{
	while (moving) {
		((struct aio_ring *)ring)->head = 0;
	}
	return NULL;
}

/* No call brings more than the ring holds, though the program says again and again that nothing was taken. */
static void check_moved_head(void)
{
	enum { MOST = 65536 };
	aio_context_t context = aio_new(60);
	long long end = now_ns() + 300000000;
	struct io_event *events = calloc(MOST, sizeof(*events));
	struct timespec now = {0};
	int file = make_file();
	struct iocb iocb = aio_request(IOCB_CMD_PREAD, file, text, 1, 3);
	pthread_t mover;

	CHECK(events);
	memset(events, 1, MOST * sizeof(*events));
	while (aio_submit_one(context, &iocb) == 1) {
	}
	moving = true;
	CHECK_EQ(pthread_create(&mover, NULL, move_head_back, ring_of(context)), 0);
	while (now_ns() < end) {
		CHECK(aio_get(context, 0, MOST, events, &now) <= ring_of(context)->nr);
	}
	moving = false;
	CHECK_EQ(pthread_join(mover, NULL), 0);
	CHECK_EQ(aio_destroy(context), 0);
	free(events);
	close(file);
	ok("moved_head");
}

int main(void)
{
	check_ring();
	check_setup();
	check_setup_undone();
	check_files();
	check_requests();
	check_submit();
	check_streams();
	check_eventfd();
	check_full();
	check_waiting();
	check_fault();
	check_masks();
	check_moved_head();
	return 0;
}
