// SPDX-License-Identifier: MIT
/*
 * Pipes and FIFOs: order, atomic writes, end of file, blocking and non-blocking, capacity,
 * sizes, poll.
 * libc: musl
 */
#include "raw.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

static int ends[2];

static void *write_much(void *unused)
{
	static unsigned char block[3000];
	unsigned long total = 0;

	(void)unused;
	while (total < 3000000) {
		for (size_t i = 0; i < sizeof(block); i++) {
			block[i] = (unsigned char)((total + i) * 7);
		}
		CHECK_EQ(write(ends[1], block, sizeof(block)), sizeof(block));
		total += sizeof(block);
	}
	close(ends[1]);
	return NULL;
}

static void check_order(void)
{
	static unsigned char block[7777];
	unsigned long total = 0;
	pthread_t writer;
	ssize_t length;

	CHECK_EQ(pipe(ends), 0);
	writer = start_thread(write_much, NULL);
	while ((length = read(ends[0], block, sizeof(block))) > 0) {
		for (ssize_t i = 0; i < length; i++) {
			CHECK_EQ(block[i],
				 (unsigned char)((total + (unsigned long)i) * 7));
		}
		total += (unsigned long)length;
	}
	CHECK_EQ(length, 0);
	CHECK_EQ(total, 3000000);
	join_thread(writer);
	close(ends[0]);
	ok("order");
}

static void *write_records(void *me)
{
	char record[512];

	memset(record, (int)(intptr_t)me, sizeof(record));
	for (int i = 0; i < 300; i++) {
		CHECK_EQ(write(ends[1], record, sizeof(record)), sizeof(record));
	}
	return NULL;
}

/* Writes of up to PIPE_BUF bytes are never mixed. */
static void check_atomic_writes(void)
{
	pthread_t writers[4];
	char record[512];

	CHECK_EQ(pipe(ends), 0);
	for (intptr_t i = 0; i < 4; i++) {
		writers[i] = start_thread(write_records, (void *)(i + 'a'));
	}
	for (int i = 0; i < 4 * 300; i++) {
		size_t got = 0;

		while (got < sizeof(record)) {
			ssize_t length =
				read(ends[0], record + got, sizeof(record) - got);

			CHECK(length > 0);
			got += (size_t)length;
		}
		for (size_t j = 1; j < sizeof(record); j++) {
			CHECK_EQ(record[j], record[0]);
		}
	}
	for (int i = 0; i < 4; i++) {
		join_thread(writers[i]);
	}
	close(ends[0]);
	close(ends[1]);
	ok("atomic_writes");
}

static void check_non_blocking(void)
{
	static char block[4096];
	long total = 0;
	ssize_t length;
	int waiting = -1;

	CHECK_EQ(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	CHECK_EQ(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
	CHECK(fcntl(ends[0], F_GETFL) & O_NONBLOCK);
	CHECK_ERRNO(read(ends[0], block, 1), EAGAIN);
	while ((length = write(ends[1], block, sizeof(block))) > 0) {
		total += length;
	}
	CHECK(length == -1 && errno == EAGAIN);
	CHECK_EQ(total, 65536);
	CHECK_EQ(ioctl(ends[0], FIONREAD, &waiting), 0);
	CHECK_EQ(waiting, 65536);
	CHECK_EQ(fcntl(ends[0], F_GETPIPE_SZ), 65536);
	CHECK_EQ(read(ends[0], block, 100), 100);
	CHECK_ERRNO(write(ends[1], block, 4096), EAGAIN); // no room for all of it
	CHECK_EQ(read(ends[0], block, 4096), 4096);
	CHECK_EQ(write(ends[1], block, 4096), 4096);
	close(ends[1]);
	close(ends[0]);
	CHECK_ERRNO(pipe2(ends, 0x7777), EINVAL);
	CHECK_ERRNO(lseek(ends[0], 0, SEEK_SET), EBADF);
	ok("non_blocking");
}

static void check_ends(void)
{
	struct pollfd poll_set[2];
	struct stat status;
	char byte;

	signal(SIGPIPE, SIG_IGN);
	CHECK_EQ(pipe(ends), 0);
	CHECK_ERRNO(write(ends[0], "x", 1), EBADF);
	CHECK_ERRNO(read(ends[1], &byte, 1), EBADF);
	CHECK_ERRNO(lseek(ends[0], 0, SEEK_CUR), ESPIPE);
	CHECK_ERRNO(pread(ends[0], &byte, 1, 0), ESPIPE);
	CHECK_EQ(fstat(ends[0], &status), 0);
	CHECK(S_ISFIFO(status.st_mode));
	poll_set[0] = (struct pollfd){ends[0], POLLIN, 0};
	poll_set[1] = (struct pollfd){ends[1], POLLOUT, 0};
	CHECK_EQ(poll(poll_set, 2, 0), 1);
	CHECK(poll_set[0].revents == 0 && poll_set[1].revents == POLLOUT);
	CHECK_EQ(write(ends[1], "ab", 2), 2);
	CHECK_EQ(poll(poll_set, 2, -1), 2);
	CHECK_EQ(poll_set[0].revents, POLLIN);
	close(ends[1]);
	CHECK_EQ(poll(poll_set, 1, -1), 1);
	CHECK_EQ(poll_set[0].revents, POLLIN | POLLHUP);
	CHECK_EQ(read(ends[0], &byte, 1), 1);
	CHECK_EQ(read(ends[0], &byte, 1), 1);
	CHECK_EQ(read(ends[0], &byte, 1), 0);
	close(ends[0]);
	CHECK_EQ(pipe(ends), 0);
	close(ends[0]);
	poll_set[1].fd = ends[1];
	CHECK_EQ(poll(poll_set + 1, 1, -1), 1);
	CHECK_EQ(poll_set[1].revents, POLLOUT | POLLERR);
	CHECK_ERRNO(write(ends[1], "x", 1), EPIPE);
	close(ends[1]);
	ok("ends");
}

static void *open_and_write(void *unused)
{
	int fd = open("fifo", O_WRONLY);

	(void)unused;
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "through", 7), 7);
	close(fd);
	return NULL;
}

static void check_fifo(void)
{
	char text[16] = "";
	pthread_t writer;
	int fd;

	unlink("fifo");
	CHECK_EQ(mkfifo("fifo", 0600), 0);
	CHECK_ERRNO(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	writer = start_thread(open_and_write, NULL);
	fd = open("fifo", O_RDONLY);
	CHECK(fd >= 0);
	CHECK_EQ(read(fd, text, sizeof(text)), 7);
	CHECK_EQ(strcmp(text, "through"), 0);
	join_thread(writer);
	CHECK_EQ(read(fd, text, sizeof(text)), 0);
	close(fd);
	ok("fifo");
}

static void check_vectors(void)
{
	char a[3], b[4];
	struct iovec out[3] = {{"one", 3}, {"", 0}, {"four", 4}};
	struct iovec in[2] = {{a, 3}, {b, 4}};

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(writev(ends[1], out, 3), 7);
	CHECK_EQ(readv(ends[0], in, 2), 7);
	CHECK(memcmp(a, "one", 3) == 0 && memcmp(b, "four", 4) == 0);
	close(ends[0]);
	close(ends[1]);
	ok("vectors");
}

int main(void)
{
	check_order();
	check_atomic_writes();
	check_non_blocking();
	check_ends();
	check_fifo();
	check_vectors();
	return 0;
}
