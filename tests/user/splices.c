// SPDX-License-Identifier: MIT
/*
 * issue part 6: splice, tee and vmsplice move every byte once and in order, between pipes, files, sockets and memory; what the far side does
 * not take stays in the pipe; waiting, ends, refusals; and on Heddle without memory.
 */
#include "raw.h"
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { BIG = 1 << 20, FULL = 65536 };

static unsigned char pattern(size_t at)
{
	return (unsigned char)(at * 7 + at / 251);
}

static void fill(unsigned char *to, size_t from, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		to[i] = pattern(from + i);
	}
}

static void check(const unsigned char *data, size_t from, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		CHECK_EQ(data[i], pattern(from + i));
	}
}

static void make_pipe(int ends[2], int flags)
{
	CHECK_EQ(pipe2(ends, flags), 0);
}

static int held(int end)
{
	int bytes;

	CHECK_EQ(ioctl(end, FIONREAD, &bytes), 0);
	return bytes;
}

static void check_files(void)
{
	int in = open("in", O_RDWR | O_CREAT | O_TRUNC, 0600);
	int out = open("out", O_RDWR | O_CREAT | O_TRUNC, 0600), ends[2];
	unsigned char data[10000];
	loff_t at = 1000;

	make_pipe(ends, 0);
	fill(data, 0, sizeof(data));
	CHECK_EQ(write(in, data, sizeof(data)), sizeof(data));
	CHECK_EQ(splice(in, &at, ends[1], NULL, 5000, 0), 5000);
	CHECK_EQ(at, 6000);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), sizeof(data));
	CHECK_EQ(lseek(in, 6000, SEEK_SET), 6000);
	CHECK_EQ(splice(in, NULL, ends[1], NULL, 100000, 0), 4000);
	CHECK_EQ(splice(in, NULL, ends[1], NULL, 1, 0), 0); // the file's end
	CHECK_EQ(held(ends[0]), 9000);
	at = 3;
	CHECK_EQ(splice(ends[0], NULL, out, &at, 20000, 0), 9000);
	CHECK_EQ(at, 9003);
	CHECK_EQ(pread(out, data, sizeof(data), 3), 9000);
	check(data, 1000, 9000);
	CHECK_EQ(lseek(out, 0, SEEK_CUR), 0);
	close(in);
	close(out);
	close(ends[0]);
	close(ends[1]);
	ok("files");
}

static void check_tee(void)
{
	int first[2], second[2];
	unsigned char data[6000];

	make_pipe(first, 0);
	make_pipe(second, O_NONBLOCK);
	fill(data, 0, sizeof(data));
	CHECK_EQ(write(first[1], data, sizeof(data)), sizeof(data));
	CHECK_EQ(tee(first[0], second[1], 5000, 0), 5000);
	CHECK_EQ(held(first[0]), 6000);
	CHECK_EQ(read(second[0], data, sizeof(data)), 5000);
	check(data, 0, 5000);
	CHECK_EQ(splice(first[0], NULL, second[1], NULL, 1 << 20, 0), 6000);
	CHECK_EQ(held(first[0]), 0);
	CHECK_EQ(read(second[0], data, sizeof(data)), 6000);
	check(data, 0, 6000);
	CHECK_ERRNO(tee(first[0], second[1], 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_ERRNO(splice(first[0], NULL, second[1], NULL, 1, SPLICE_F_NONBLOCK),
		    EAGAIN);
	CHECK_ERRNO(tee(first[0], first[1], 1, 0), EINVAL);
	close(first[1]);
	CHECK_EQ(tee(first[0], second[1], 1, 0), 0);
	CHECK_EQ(splice(first[0], NULL, second[1], NULL, 1, 0), 0);
	close(first[0]);
	close(second[0]);
	close(second[1]);
	ok("tee");
}

/* A socket that is full: what it did not take is still in the pipe, in its place. */
static void check_left_over(void)
{
	static unsigned char data[BIG], more[BIG];
	int ends[2], sockets[2];
	size_t taken = 0, got = 0;
	ssize_t moved;

	make_pipe(ends, 0);
	CHECK_EQ(fcntl(ends[0], F_SETPIPE_SZ, BIG), BIG);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets), 0);
	fill(data, 0, BIG);
	CHECK_EQ(write(ends[1], data, BIG), BIG);
	while ((moved = splice(ends[0], NULL, sockets[0], NULL, BIG, 0)) > 0) {
		taken += (size_t)moved;
		CHECK(taken < BIG);
	}
	CHECK_EQ(moved, -1);
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(held(ends[0]), BIG - taken);
	while ((moved = read(sockets[1], more + got, BIG - got)) > 0) {
		got += (size_t)moved;
	}
	CHECK_EQ(got, taken);
	CHECK_EQ(read(ends[0], more + got, BIG - got), BIG - got);
	check(more, 0, BIG);
	close(ends[0]);
	close(ends[1]);
	close(sockets[0]);
	close(sockets[1]);
	ok("left over");
}

static void check_memory(void)
{
	static _Alignas(4096) unsigned char data[2 * FULL]; // Linux fills a slot a page
	struct iovec ranges[2] = {{data, 3000}, {data + 3000, 4000}};
	int ends[2];

	make_pipe(ends, 0);
	fill(data, 0, sizeof(data));
	CHECK_EQ(vmsplice(ends[1], ranges, 2, 0), 7000);
	memset(data, 0, 7000);
	CHECK_EQ(vmsplice(ends[0], ranges, 2, 0), 7000);
	CHECK_EQ(held(ends[0]), 0);
	CHECK_ERRNO(vmsplice(ends[0], ranges, 1, SPLICE_F_NONBLOCK), EAGAIN);
	fill(data, 0, sizeof(data));
	ranges[0].iov_len = sizeof(data);
	CHECK_EQ(vmsplice(ends[1], ranges, 1, 0), FULL); // it does not wait for the rest
	CHECK_ERRNO(vmsplice(ends[1], ranges, 1, SPLICE_F_NONBLOCK), EAGAIN);
	close(ends[0]);
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERRNO(vmsplice(ends[1], ranges, 1, 0), EPIPE);
	signal(SIGPIPE, SIG_DFL);
	close(ends[1]);
	ok("memory");
}

static void check_refusals(void)
{
	int file = open("in", O_RDWR),
	    log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
	int folder = open(".", O_RDONLY), ends[2];
	loff_t at = 0, before = -1;
	struct iovec range = {&at, sizeof(at)};

	make_pipe(ends, O_NONBLOCK);
	CHECK_EQ(splice(file, NULL, ends[1], NULL, 0, 0), 0);
	CHECK_ERRNO(splice(file, NULL, ends[1], NULL, 1, 16), EINVAL);
	CHECK_ERRNO(splice(file, NULL, log, NULL, 1, 0), EINVAL);
	CHECK_ERRNO(splice(file, NULL, ends[1], &at, 1, 0), ESPIPE);
	CHECK_ERRNO(splice(ends[0], &at, file, NULL, 1, 0), ESPIPE);
	CHECK_ERRNO(splice(file, NULL, ends[0], NULL, 1, 0), EBADF);
	CHECK_ERRNO(splice(-1, NULL, ends[1], NULL, 1, 0), EBADF);
	CHECK_ERRNO(splice(file, NON_CANONICAL, ends[1], NULL, 1, 0), EFAULT);
	CHECK_ERRNO(splice(file, &before, ends[1], NULL, 1, 0), EINVAL);
	CHECK_ERRNO(splice(folder, NULL, ends[1], NULL, 1, 0), EINVAL);
	CHECK_ERRNO(tee(file, ends[1], 1, 0), EINVAL);
	CHECK_EQ(vmsplice(file, NULL, 0, 0), 0);
	CHECK_ERRNO(vmsplice(file, &range, 1, 0), EBADF);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_ERRNO(splice(ends[0], NULL, log, NULL, 1, 0), EINVAL);
	CHECK_EQ(held(ends[0]), 1);
	close(file);
	close(log);
	close(folder);
	close(ends[0]);
	close(ends[1]);
	ok("refusals");
}

static int from[2], onward[2];

static void *write_all(void *unused)
{
	static unsigned char data[3001];

	(void)unused;
	for (size_t done = 0; done < BIG;) {
		size_t size = BIG - done < sizeof(data) ? BIG - done : sizeof(data);

		fill(data, done, size);
		CHECK_EQ(write(from[1], data, size), size);
		done += size;
	}
	close(from[1]);
	return NULL;
}

static void *pass_on(void *unused)
{
	ssize_t moved;

	(void)unused;
	while ((moved = splice(from[0], NULL, onward[1], NULL, 5003, 0)) > 0) {
	}
	CHECK_EQ(moved, 0);
	close(onward[1]);
	return NULL;
}

static void check_stream(void)
{
	static unsigned char data[BIG];
	pthread_t writer, middle;
	size_t done = 0;
	ssize_t got;

	make_pipe(from, 0);
	make_pipe(onward, 0);
	writer = start_thread(write_all, NULL);
	middle = start_thread(pass_on, NULL);
	while ((got = read(onward[0], data + done, BIG - done + (done == BIG))) > 0) {
		done += (size_t)got;
	}
	CHECK_EQ(done, BIG);
	check(data, 0, BIG);
	join_thread(writer);
	join_thread(middle);
	close(from[0]);
	close(onward[0]);
	ok("stream");
}

/* --- no memory; Heddle alone --- */

enum { MOST = 30, SPLICED = 20000 };

static int control;

static void arm(int nth, pid_t thread)
{
	char plan[32];
	int length = snprintf(plan, sizeof(plan), "%d %d", nth, thread);

	if (write(control, plan, (size_t)length) < 0) { // what disarms may fail of it
		CHECK_EQ(write(control, plan, (size_t)length), length);
	}
}

/* What was read is in the pipe, all of it. */
static void check_file_without_memory(void)
{
	int in = open("in", O_RDWR | O_CREAT | O_TRUNC, 0600), failed = 0, ends[2];
	static unsigned char data[SPLICED];
	long done = 0;

	fill(data, 0, sizeof(data));
	CHECK_EQ(write(in, data, sizeof(data)), sizeof(data));
	for (int nth = 1; nth < MOST; nth++) {
		make_pipe(ends, 0);
		CHECK_EQ(lseek(in, 0, SEEK_SET), 0);
		arm(nth, thread_id());
		done = splice(in, NULL, ends[1], NULL, SPLICED, 0);
		CHECK(done > 0 || (done < 0 && errno == ENOMEM));
		arm(0, thread_id());
		failed += done != SPLICED;
		done = done < 0 ? 0 : done;
		CHECK_EQ(lseek(in, 0, SEEK_CUR), done);
		CHECK_EQ(held(ends[0]), done);
		if (done) {
			CHECK_EQ(read(ends[0], data, sizeof(data)), done);
			check(data, 0, (size_t)done);
		}
		close(ends[0]);
		close(ends[1]);
	}
	CHECK(failed > 1 && done == SPLICED);
	close(in);
	ok("file_without_memory");
}

static int pair[2], middle[2];
static _Atomic pid_t splicer;

static void *splice_socket(void *unused)
{
	splicer = thread_id();
	CHECK_EQ(splice(pair[1], NULL, middle[1], NULL, 6000, 0), 6000);
	return unused;
}

/* Others write to the pipe while a splice into it waits for its bytes: these come behind, and their memory is there. */
static void check_writer_in_between(void)
{
	static unsigned char data[9000 + 6000];
	pthread_t thread;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	make_pipe(middle, 0);
	fill(data, 0, sizeof(data));
	thread = start_thread(splice_socket, NULL);
	WAIT_UNTIL(splicer && thread_state(splicer) == 'S');
	CHECK_EQ(write(middle[1], data, 9000), 9000);
	arm(1, splicer);
	CHECK_EQ(write(pair[0], data + 9000, 6000), 6000);
	join_thread(thread);
	memset(data, 0, sizeof(data));
	CHECK_EQ(read(middle[0], data, sizeof(data)), sizeof(data));
	check(data, 0, sizeof(data));
	close(pair[0]);
	close(pair[1]);
	close(middle[0]);
	close(middle[1]);
	ok("writer_in_between");
}

int main(void)
{
	check_files();
	check_tee();
	check_left_over();
	check_memory();
	check_refusals();
	check_stream();
	control = open("/proc/heddle/fail_nth", O_WRONLY);
	if (control >= 0) {
		check_file_without_memory();
		check_writer_in_between();
	}
	return 0;
}
