// SPDX-License-Identifier: MIT
/*
 * Owns the saved modes of stdin's terminal. They are saved once, before the first change.
 */
#include "terminal.h"

#include <linux/kcmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved;
static bool have_saved;
static volatile sig_atomic_t raw;

/* Are both one open file, as after 2>&1? A kernel without kcmp(2) tells pipes and devices apart only. */
static bool same_file(int one, int other)
{
	long difference = syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, one, other);
	struct stat a, b;

	if (difference >= 0) {
		return difference == 0;
	}
	return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino && !S_ISREG(a.st_mode);
}

void terminal_look(struct terminal_use *use)
{
	use->shown_on = -1;
	for (int number = 2; number >= 0; number--) {
		use->stream[number] = isatty(number);
	}
	use->joined = !use->stream[1] && !use->stream[2] &&
		      same_file(STDOUT_FILENO, STDERR_FILENO);
	use->raw = use->stream[0] && use->stream[1];
	for (int i = 0; i < 3 && use->shown_on < 0; i++) {
		int number = (i + 1) % 3; // stdout, stderr, and stdin as the last resort
		if (use->stream[number]) {
			use->shown_on = number;
		}
	}
	terminal_read_size(use);
}

void terminal_read_size(struct terminal_use *use)
{
	struct winsize size;

	use->rows = use->columns = 0;
	if (use->shown_on >= 0 && ioctl(use->shown_on, TIOCGWINSZ, &size) == 0) {
		use->rows = size.ws_row;
		use->columns = size.ws_col;
	}
}

void terminal_restore(void)
{
	if (raw) {
		raw = 0;
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	}
}

static void restore_and_die(int number)
{
	terminal_restore();
	signal(number, SIG_DFL);
	raise(number);
}

void terminal_set_raw(void)
{
	static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};
	struct termios modes;

	if (!have_saved) {
		if (tcgetattr(STDIN_FILENO, &saved) < 0) {
			return;
		}
		have_saved = true;
		atexit(terminal_restore);
		for (unsigned i = 0; i < sizeof deadly / sizeof deadly[0]; i++) {
			signal(deadly[i], restore_and_die);
		}
	}
	modes = saved;
	cfmakeraw(&modes);
	if (tcsetattr(STDIN_FILENO, TCSANOW, &modes) == 0) {
		raw = 1;
	}
}

bool terminal_is_raw(void)
{
	return raw;
}
