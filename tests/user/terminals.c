// SPDX-License-Identifier: MIT
/*
 * C5 and issue part 6: pseudo-terminals, line editing, signals from keys, window size, sessions,
 * process groups, background reads, hang-up.
 * libc: musl
 */
#include "raw.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master = -1;
static char slave_name[64];

static void open_pty(void)
{
	int number = -1, unlock = 0;

	if (master >= 0) {
		close(master);
	}
	master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	CHECK(master >= 0);
	CHECK_EQ(ioctl(master, TIOCSPTLCK, &unlock), 0);
	CHECK_EQ(ioctl(master, TIOCGPTN, &number), 0);
	snprintf(slave_name, sizeof(slave_name), "/dev/pts/%d", number);
}

static void expect(int fd, const char *text)
{
	char got[256] = "";
	size_t length = 0, wanted = strlen(text);

	while (length < wanted) {
		struct pollfd entry = {fd, POLLIN, 0};

		CHECK_EQ(poll(&entry, 1, 15000), 1);
		ssize_t n = read(fd, got + length, wanted - length);
		CHECK(n > 0);
		length += (size_t)n;
	}
	if (memcmp(got, text, wanted) != 0) {
		say("wanted '%s', got '%s'\n", text, got);
		_exit(1);
	}
}

static void type(const char *keys)
{
	CHECK_EQ(write(master, keys, strlen(keys)), (ssize_t)strlen(keys));
}

static void check_line_editing(void)
{
	char line[64] = "";
	int slave, waiting;

	open_pty();
	slave = open(slave_name, O_RDWR | O_NOCTTY);
	CHECK(slave >= 0 && isatty(slave));
	type("helo\177lo\n");
	CHECK_EQ(read(slave, line, sizeof(line)), 6);
	CHECK_EQ(memcmp(line, "hello\n", 6), 0);
	expect(master, "helo\b \blo\r\n");
	type("junk\025good\n\004");
	CHECK_EQ(read(slave, line, 3), 3);
	CHECK_EQ(ioctl(slave, FIONREAD, &waiting), 0);
	CHECK_EQ(waiting, 2);
	CHECK_EQ(read(slave, line, sizeof(line)), 2);
	CHECK_EQ(memcmp(line, "d\n", 2), 0);
	CHECK_EQ(read(slave, line, sizeof(line)), 0); // control-D at the start of a line
	close(slave);
	ok("line_editing");
}

static void check_raw(void)
{
	struct termios settings;
	struct winsize size = {33, 101, 0, 0}, seen;
	char bytes[8];
	int slave;

	open_pty();
	slave = open(slave_name, O_RDWR | O_NOCTTY);
	CHECK_EQ(tcgetattr(slave, &settings), 0);
	CHECK((settings.c_lflag & (ICANON | ECHO | ISIG)) == (ICANON | ECHO | ISIG));
	cfmakeraw(&settings);
	CHECK_EQ(tcsetattr(slave, TCSANOW, &settings), 0);
	type("\003\004\r");
	CHECK_EQ(read(slave, bytes, 8), 3);
	CHECK_EQ(memcmp(bytes, "\003\004\r", 3), 0);
	CHECK_EQ(write(slave, "a\nb", 3), 3);
	expect(master, "a\nb"); // no echo before, no carriage return added
	CHECK_EQ(ioctl(master, TIOCSWINSZ, &size), 0);
	CHECK_EQ(ioctl(slave, TIOCGWINSZ, &seen), 0);
	CHECK(seen.ws_row == 33 && seen.ws_col == 101);
	close(slave);
	CHECK_ERRNO(read(master, bytes, 8), EIO); // the last slave has gone
	ok("raw");
}

static volatile sig_atomic_t interrupted;

static void note_interrupt(int signal)
{
	interrupted = signal;
}

static int take_terminal(void)
{
	int slave;

	CHECK_EQ(setsid(), getpid());
	CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
	slave = open(slave_name, O_RDWR);
	CHECK(slave >= 0);
	CHECK_EQ(ioctl(slave, TIOCSCTTY, 0), 0);
	CHECK_EQ(tcgetpgrp(slave), getpid());
	CHECK_EQ(tcgetsid(slave), getpid());
	return slave;
}

static void live_on_terminal(void)
{
	int slave = take_terminal(), tty = open("/dev/tty", O_RDWR);

	CHECK(tty >= 0);
	signal(SIGINT, note_interrupt);
	signal(SIGWINCH, note_interrupt);
	CHECK_EQ(write(tty, "ready\n", 6), 6);
	WAIT_UNTIL(interrupted == SIGINT);
	CHECK_EQ(write(tty, "int\n", 4), 4);
	WAIT_UNTIL(interrupted == SIGWINCH);
	CHECK_EQ(write(slave, "winch\n", 6), 6);
}

static void check_keys(void)
{
	struct winsize size = {10, 20, 0, 0};
	int status;
	pid_t child;

	open_pty();
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		live_on_terminal();
		_exit(0);
	}
	expect(master, "ready\r\n");
	type("\003");
	expect(master, "^Cint\r\n");
	CHECK_EQ(ioctl(master, TIOCSWINSZ, &size), 0);
	expect(master, "winch\r\n");
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	ok("keys");
}

static void read_in_background(void)
{
	int slave = take_terminal(), status;
	char line[16];
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQ(setpgid(0, 0), 0);
		CHECK_EQ(read(slave, line, sizeof(line)), 3);
		_exit(0);
	}
	setpgid(child, child);
	CHECK_EQ(getpgid(child), child);
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
	CHECK_EQ(tcsetpgrp(slave, child), 0);
	CHECK_EQ(tcgetpgrp(slave), child);
	CHECK_EQ(kill(-child, SIGCONT), 0);
	CHECK_EQ(waitpid(child, &status, WCONTINUED), child);
	CHECK(WIFCONTINUED(status));
	CHECK_EQ(write(slave, "", 0), 0);
	// We are in the background now; ignoring SIGTTOU lets us take the terminal back.
	signal(SIGTTOU, SIG_IGN);
	CHECK_EQ(write(slave, "go\n", 3), 3);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK_EQ(tcsetpgrp(slave, getpid()), 0);
	CHECK_ERRNO(tcsetpgrp(slave, 0x3ffffff), ESRCH);
}

static void check_background(void)
{
	int status;
	pid_t child;

	open_pty();
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		read_in_background();
		_exit(0);
	}
	expect(master, "go\r\n");
	type("ab\n");
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	ok("background");
}

static void wait_for_hangup(void)
{
	take_terminal();
	signal(SIGHUP, SIG_DFL); // nohup has it ignored
	CHECK_EQ(write(1, "", 0), 0);
	for (;;) {
		pause();
	}
}

static void check_hangup(void)
{
	int status;
	pid_t child;

	open_pty();
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		close(master);
		wait_for_hangup();
	}
	// The session has its terminal when the slave is its child's.
	WAIT_UNTIL(getsid(child) == child);
	int slave = open(slave_name, O_RDWR | O_NOCTTY);
	WAIT_UNTIL(tcgetpgrp(master) == child);
	close(slave);
	close(master);
	master = -1;
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP);
	ok("hangup");
}

static void check_group_rules(void)
{
	CHECK_ERRNO(setpgid(0, 0x3ffffff), EPERM);
	CHECK_ERRNO(setpgid(0x3ffffff, 0), ESRCH);
	CHECK_ERRNO(setpgid(0, -1), EINVAL);
	CHECK_ERRNO(getpgid(0x3ffffff), ESRCH);
	CHECK_ERRNO(ioctl(0x777, TCGETS, NULL), EBADF);
	int null = open("/dev/null", O_RDWR);
	struct termios settings;
	CHECK_ERRNO(tcgetattr(null, &settings), ENOTTY);
	close(null);
	ok("group_rules");
}

int main(void)
{
	check_line_editing();
	check_raw();
	check_keys();
	check_background();
	check_hangup();
	check_group_rules();
	return 0;
}
