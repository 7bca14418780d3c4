// SPDX-License-Identifier: MIT
/*
 * The kernel's log: /dev/kmsg gives one record a read, waits, and says what was overwritten; a write is a record; all
 * actions of syslog(2), and who may ask. It floods and clears the log, so its oracle is a Linux in a machine of its own.
 * deadline: 60
 * oracle: guest
 * libc: musl
 */
#include "raw.h"
#include <grp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/klog.h>

enum {
	CLOSE,
	OPEN,
	READ,
	READ_ALL,
	READ_CLEAR,
	CLEAR,
	CONSOLE_OFF,
	CONSOLE_ON,
	CONSOLE_LEVEL,
	SIZE_UNREAD,
	SIZE_BUFFER
};

static char buffer[300000];

/* Linux limits how often one open file may write. */
static void write_record(const char *text)
{
	int file = open("/dev/kmsg", O_WRONLY);
	ssize_t size = (ssize_t)strlen(text);

	CHECK(file >= 0);
	CHECK_EQ(write(file, text, (size_t)size), size);
	close(file);
}

static int open_at_end(int flags)
{
	int file = open("/dev/kmsg", O_RDONLY | flags);

	CHECK(file >= 0);
	CHECK_EQ(lseek(file, 0, SEEK_END), 0);
	return file;
}

/* The next record of this priority, whatever the kernel says between; returns what stands behind the semicolon. */
static char *read_record(int file, unsigned priority, unsigned long *sequence)
{
	for (;;) {
		ssize_t got = read(file, buffer, 8192);
		unsigned long long time;
		unsigned found;
		char flags[64];
		int head = 0;

		CHECK(got > 0 && buffer[got - 1] == '\n');
		buffer[got] = '\0';
		CHECK_EQ(sscanf(buffer, "%u,%lu,%llu,%60[^;];%n", &found, sequence, &time,
				flags, &head),
			 4);
		if (found == priority) {
			CHECK_EQ(flags[0], '-');
			CHECK_EQ(strchr(buffer, '\n'), buffer + got - 1);
			return buffer + head;
		}
	}
}

static void records(void)
{
	static const struct {
		const char *written, *text;
		unsigned priority;
	} cases[] = {
		{"plain\n", "plain\n", 12},
		{"<3>an error\n", "an error\n", 11},
		{"<31>daemon\n", "daemon\n", 31},
		{"<>emergency of nobody\n", "emergency of nobody\n", 8},
		{"<6 no\n", "<6 no\n", 12},
		{"<7>a\nb\\c\x01\xc3\xa9~ \n", "a\\x0ab\\x5cc\\x01\\xc3\\xa9~ \n", 15},
		{"<2046>last facility\n", "last facility\n", 2046},
		{"<15>\n", "\n", 15},
	};
	int file = open_at_end(O_NONBLOCK);
	unsigned long sequence, last = 0;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		write_record(cases[i].written);
		CHECK_EQ(strcmp(read_record(file, cases[i].priority, &sequence),
				cases[i].text),
			 0);
		CHECK(sequence > last);
		last = sequence;
	}
	write_record("<14>first\n");
	write_record("<14>second\n");
	CHECK_ERRNO(read(file, buffer, 10), EINVAL); // and it is passed over
	CHECK_EQ(strcmp(read_record(file, 14, &last), "second\n"), 0);
	CHECK_EQ(last, sequence + 2);
	write_record("<14>third\n");
	CHECK_ERRNO(syscall(SYS_read, file, UNMAPPED_ADDRESS, 8192), EFAULT);
	CHECK_ERRNO(read(file, buffer, 8192), EAGAIN);
	write_record("<14>fourth\n");
	CHECK(pread(file, buffer, 8192, 12345) > 0); // no position counts
	CHECK(strstr(buffer, "fourth"));
	close(file);
	file = open("/dev/kmsg", O_WRONLY);
	memset(buffer, 'x', 2048);
	CHECK_ERRNO(write(file, buffer, 2000), EINVAL);
	CHECK_ERRNO(syscall(SYS_write, file, UNMAPPED_ADDRESS, 20), EFAULT);
	CHECK_ERRNO(read(file, buffer, 8192), EBADF);
	buffer[899] = '\n';
	CHECK_EQ(write(file, buffer, 900), 900);
	close(file);
}

static void places(void)
{
	int file = open_at_end(O_NONBLOCK), other = open_at_end(O_NONBLOCK);
	unsigned long oldest, first, second, sequence;

	write_record("<14>before\n");
	read_record(file, 14, &first);
	CHECK_EQ(klogctl(CLEAR, NULL, 0), 0);
	write_record("<14>behind\n");
	CHECK_EQ(lseek(file, 0, SEEK_SET), 0);
	CHECK(read(file, buffer, 8192) > 0);
	CHECK_EQ(sscanf(buffer, "%*u,%lu", &oldest), 1);
	CHECK(oldest < first);
	CHECK_EQ(lseek(file, 0, SEEK_DATA), 0);
	CHECK_EQ(strcmp(read_record(file, 14, &second), "behind\n"), 0);
	CHECK(second > first);
	CHECK_EQ(lseek(file, 0, SEEK_END), 0);
	CHECK_ERRNO(read(file, buffer, 8192), EAGAIN);
	CHECK_ERRNO(lseek(file, 1, SEEK_SET), ESPIPE);
	CHECK_ERRNO(lseek(file, -1, SEEK_END), ESPIPE);
	CHECK_ERRNO(lseek(file, 0, SEEK_CUR), EINVAL);
	CHECK_ERRNO(lseek(file, 0, SEEK_HOLE), EINVAL);
	CHECK_EQ(strcmp(read_record(other, 14, &sequence), "before\n"), 0);
	CHECK_EQ(sequence, first); // each open file has its own
	close(file);
	close(other);
}

/* ---- waiting ---- */

static int waited_on;

static void *read_one(void *argument)
{
	static char text[8192];
	ssize_t *got = argument;

	*got = read(waited_on, text, sizeof(text));
	return NULL;
}

static void do_nothing(int signal)
{
	(void)signal;
}

static void wait_in_child(void)
{
	CHECK_ERRNO(read(waited_on, buffer, 8192), EINTR);
}

/* A signal ends the wait; it is sent until one has come into the read. */
static void interrupted(void)
{
	struct sigaction action = {.sa_handler = do_nothing};
	int status;
	pid_t child;

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	waited_on = open_at_end(0);
	child = fork();
	if (child == 0) {
		wait_in_child();
		_exit(0);
	}
	while (waitpid(child, &status, WNOHANG) == 0) {
		kill(child, SIGUSR1);
		sched_yield();
	}
	CHECK_EQ(status, 0);
	close(waited_on);
}

static void waiting(void)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET}, seen;
	int file = open_at_end(O_NONBLOCK), events = epoll_create1(0);
	struct pollfd poll_entry = {file, POLLIN | POLLOUT | POLLPRI, 0};

	CHECK_EQ(poll(&poll_entry, 1, 0), 0);
	CHECK_EQ(epoll_ctl(events, EPOLL_CTL_ADD, file, &event), 0);
	for (int round = 0; round < 20; round++) {
		ssize_t got = 0;
		pthread_t thread;

		waited_on = open_at_end(0);
		thread = start_thread(read_one, &got);
		if (round % 2) {
			sched_yield();
		}
		write_record("<14>news\n");
		join_thread(thread);
		CHECK(got > 0);
		close(waited_on);
		CHECK_EQ(poll(&poll_entry, 1, -1), 1);
		CHECK_EQ(poll_entry.revents, POLLIN);
		CHECK_EQ(epoll_wait(events, &seen, 1, -1), 1);
		CHECK_EQ(lseek(file, 0, SEEK_END), 0);
		CHECK_EQ(epoll_wait(events, &seen, 1, 0), 0);
	}
	close(events);
	close(file);
	interrupted();
}

static void overwritten(void)
{
	int file = open_at_end(O_NONBLOCK), size = klogctl(SIZE_BUFFER, NULL, 0);
	struct pollfd poll_entry = {file, POLLIN, 0};
	unsigned long first, sequence;
	char text[1000];

	CHECK(size >= 4096);
	write_record("<14>lost\n");
	write_record("<14>lost too\n");
	read_record(file, 14, &first);
	memset(text, 'y', sizeof(text));
	memcpy(text, "<14>", 4);
	strcpy(text + 900, "\n");
	for (int done = 0; done < 2 * size; done += 900) {
		write_record(text);
	}
	CHECK_EQ(poll(&poll_entry, 1, 0), 1);
	CHECK_EQ(poll_entry.revents, POLLIN | POLLERR);
	CHECK_ERRNO(read(file, buffer, 8192), EPIPE);
	CHECK_EQ(poll(&poll_entry, 1, 0), 1);
	CHECK_EQ(poll_entry.revents, POLLIN);
	CHECK_EQ(strncmp(read_record(file, 14, &sequence), "yyyy", 4), 0);
	CHECK(sequence > first + 1);
	close(file);
}

/* ---- syslog(2) ---- */

static int all(int action, int size)
{
	int got = klogctl(action, buffer, size);

	CHECK(got >= 0 && got < (int)sizeof(buffer));
	buffer[got] = '\0';
	return got;
}

static void whole_log(void)
{
	unsigned long seconds, part;
	int size, head = 0;

	write_record("<14>two\nlines\n");
	write_record("<13>the last\n");
	size = all(READ_ALL, sizeof(buffer) - 1);
	CHECK(size > 100 && buffer[size - 1] == '\n');
	CHECK(strstr(buffer, "] the last\n"));
	CHECK_EQ(sscanf(strstr(buffer, "] two\n") - 19, "%*[^<]<14>[%lu.%lu%n", &seconds,
			&part, &head),
		 2);
	CHECK(strstr(strstr(buffer, "] two\n"), "\n<14>["));
	CHECK(strstr(buffer, "] lines\n<13>["));
	CHECK_EQ(all(READ_ALL, 5), 0); // the newest does not fit
	size = all(READ_ALL, 60);
	CHECK(size > 0 && size <= 60 && !strncmp(buffer, "<13>[", 5));
	CHECK(strstr(buffer, "] the last\n"));
	CHECK_EQ(klogctl(READ_ALL, buffer, 0), 0);
	CHECK_ERRNO(klogctl(READ_ALL, NULL, 100), EINVAL);
	CHECK_ERRNO(klogctl(READ_ALL, NULL, 0), EINVAL);
	CHECK_ERRNO(klogctl(READ_ALL, buffer, -1), EINVAL);
	CHECK_ERRNO(klogctl(READ_ALL, (char *)UNMAPPED_ADDRESS, 8000), EFAULT);
	CHECK(all(READ_CLEAR, sizeof(buffer) - 1) > 100);
	CHECK(!strstr((all(READ_ALL, sizeof(buffer) - 1), buffer), "the last"));
	write_record("<13>again\n");
	CHECK(strstr((all(READ_ALL, sizeof(buffer) - 1), buffer), "] again\n"));
	CHECK_EQ(klogctl(CLEAR, NULL, 0), 0);
	CHECK(!strstr((all(READ_ALL, sizeof(buffer) - 1), buffer), "again"));
}

/* Take what READ has; leaves nothing unread but what is logged meanwhile. */
static void drain(void)
{
	while (klogctl(SIZE_UNREAD, NULL, 0) > 0) {
		CHECK(klogctl(READ, buffer, sizeof(buffer)) > 0);
	}
}

static void *log_news(void *unused)
{
	(void)unused;
	write_record("<14>awaited\n");
	return NULL;
}

static void reading(void)
{
	pthread_t thread;
	int size, got;

	drain();
	write_record("<14>shared by all\n");
	size = klogctl(SIZE_UNREAD, NULL, 0);
	CHECK(size >= (int)strlen("<14>[    0.000000] shared by all\n"));
	CHECK_EQ(klogctl(READ, buffer, 0), 0);
	CHECK_ERRNO(klogctl(READ, NULL, 10), EINVAL);
	CHECK_ERRNO(klogctl(READ, buffer, -1), EINVAL);
	CHECK_EQ(klogctl(READ, buffer, 7), 7); // a part of a record
	CHECK_EQ(strncmp(buffer, "<14>[", 5), 0);
	CHECK_EQ(klogctl(SIZE_UNREAD, NULL, 0), size - 7);
	CHECK_EQ(klogctl(CLEAR, NULL, 0), 0); // does not concern READ
	got = klogctl(READ, buffer, 8192);
	CHECK(got > 0);
	buffer[got] = '\0';
	CHECK(strstr(buffer, "] shared by all\n"));
	drain();
	thread = start_thread(log_news, NULL);
	got = klogctl(READ, buffer, 8192);
	CHECK(got > 0);
	join_thread(thread);
	CHECK_EQ(klogctl(OPEN, NULL, 0), 0);
	CHECK_EQ(klogctl(CLOSE, NULL, 0), 0);
	CHECK(klogctl(SIZE_BUFFER, NULL, 0) >= 4096);
	CHECK_ERRNO(klogctl(11, NULL, 0), EINVAL);
	CHECK_ERRNO(klogctl(-1, NULL, 0), EINVAL);
}

/* /proc/kmsg takes from the same place as READ. */
static void proc_file(void)
{
	int file = open("/proc/kmsg", O_RDONLY | O_NONBLOCK);
	struct pollfd poll_entry = {file, POLLIN, 0};
	ssize_t got;

	drain();
	CHECK_EQ(poll(&poll_entry, 1, 0), 0);
	CHECK_ERRNO(read(file, buffer, 8192), EAGAIN);
	write_record("<14>through proc\n");
	CHECK_EQ(poll(&poll_entry, 1, -1), 1);
	CHECK_EQ(poll_entry.revents, POLLIN);
	CHECK_EQ(read(file, buffer, 4), 4);
	CHECK_EQ(strncmp(buffer, "<14>", 4), 0);
	got = klogctl(READ, buffer, 8192);
	CHECK(got > 0);
	buffer[got] = '\0';
	CHECK(strstr(buffer, "] through proc\n"));
	close(file);
}

static int console_level(void)
{
	char text[64] = "";
	int file = open("/proc/sys/kernel/printk", O_RDONLY), level = -1;

	CHECK(read(file, text, sizeof(text) - 1) > 0);
	CHECK_EQ(sscanf(text, "%d\t4\t1\t%*d\n", &level), 1);
	close(file);
	return level;
}

static void console(void)
{
	CHECK_ERRNO(klogctl(CONSOLE_LEVEL, NULL, 0), EINVAL);
	CHECK_ERRNO(klogctl(CONSOLE_LEVEL, NULL, 9), EINVAL);
	CHECK_EQ(klogctl(CONSOLE_LEVEL, NULL, 8), 0);
	CHECK_EQ(console_level(), 8);
	CHECK_EQ(klogctl(CONSOLE_OFF, NULL, 0), 0);
	CHECK_EQ(klogctl(CONSOLE_OFF, NULL, 0), 0);
	CHECK_EQ(console_level(), 1);
	CHECK_EQ(klogctl(CONSOLE_ON, NULL, 0), 0);
	CHECK_EQ(console_level(), 8);
	CHECK_EQ(klogctl(CONSOLE_LEVEL, NULL, 2), 0);
	CHECK_EQ(klogctl(CONSOLE_OFF, NULL, 0), 0);
	CHECK_EQ(klogctl(CONSOLE_LEVEL, NULL, 1), 0); // no longer off
	CHECK_EQ(klogctl(CONSOLE_ON, NULL, 0), 0);
	CHECK_EQ(console_level(), 1);
}

/* ---- who may ---- */

static void as_nobody(void)
{
	CHECK_EQ(setgroups(0, NULL), 0);
	CHECK_EQ(setresgid(5000, 5000, 5000), 0);
	CHECK_EQ(setresuid(5000, 5000, 5000), 0);
	CHECK_ERRNO(open("/dev/kmsg", O_WRONLY), EACCES);
	CHECK_ERRNO(open("/proc/kmsg", O_RDONLY), EACCES);
	for (int action = CLOSE; action <= SIZE_BUFFER + 1; action++) {
		if (action != READ_ALL && action != SIZE_BUFFER) {
			CHECK_ERRNO(klogctl(action, buffer, 100), EPERM);
		}
	}
}

static void unrestricted(void)
{
	int file;

	as_nobody();
	file = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	CHECK(file >= 0);
	CHECK(read(file, buffer, 8192) > 0);
	close(file);
	CHECK(klogctl(READ_ALL, buffer, sizeof(buffer)) >= 0);
	CHECK(klogctl(SIZE_BUFFER, NULL, 0) >= 4096);
}

static void restricted(void)
{
	as_nobody();
	CHECK_ERRNO(open("/dev/kmsg", O_RDONLY), EPERM);
	CHECK_ERRNO(klogctl(READ_ALL, buffer, sizeof(buffer)), EPERM);
	CHECK_ERRNO(klogctl(SIZE_BUFFER, NULL, 0), EPERM);
}

static void restrict_log(const char *value)
{
	int file = open("/proc/sys/kernel/dmesg_restrict", O_RDWR);
	char text[8] = "";

	CHECK_EQ(write(file, value, 1), 1);
	CHECK_EQ(pread(file, text, sizeof(text), 0), 2);
	CHECK_EQ(text[0], value[0]);
	CHECK_ERRNO(pwrite(file, "2", 1, 0), EINVAL);
	close(file);
}

static void permissions(void)
{
	restrict_log("0");
	must_pass_in_child(unrestricted);
	restrict_log("1");
	must_pass_in_child(restricted);
	CHECK(klogctl(READ_ALL, buffer, sizeof(buffer)) >= 0);
	restrict_log("0");
}

int main(void)
{
	CHECK_EQ(klogctl(CONSOLE_LEVEL, NULL, 1),
		 0); // nothing of this on the serial line
	records();
	ok("records");
	places();
	ok("places");
	waiting();
	ok("waiting");
	overwritten();
	ok("overwritten");
	whole_log();
	ok("whole log");
	reading();
	ok("reading");
	proc_file();
	ok("proc");
	console();
	ok("console");
	permissions();
	ok("permissions");
	CHECK_EQ(klogctl(CONSOLE_LEVEL, NULL, 7), 0);
	return 0;
}
