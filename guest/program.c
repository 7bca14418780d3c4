// SPDX-License-Identifier: MIT
/*
 * A stream is a pipe, or the terminal where the host has one. The child becomes the user and
 * finds the program as that user would. It runs in our memory (vfork) while we wait, so nothing
 * is copied for it, and what it has to say of a failure is there when we go on.
 */
#include "program.h"

#include "control.h"
#include "elf_check.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* What the child leaves if it cannot become the program. */
struct refusal {
	int status; // 0: it has become the program
	int error;
	char line[4096 + 256];
};

__attribute__((format(printf, 4, 5))) static void
refuse(struct refusal *refusal, int status, int error, const char *format, ...)
{
	va_list arguments;

	refusal->status = status;
	refusal->error = error;
	va_start(arguments, format);
	vsnprintf(refusal->line, sizeof refusal->line, format, arguments);
	va_end(arguments);
}

static void set_terminal(const struct config *config, int slave)
{
	struct termios modes;
	struct winsize size = {.ws_row = config->rows, .ws_col = config->columns};

	if (tcgetattr(slave, &modes) == 0) {
		if (!config->raw) {
			// the host's own terminal echoes, edits lines and makes signals
			modes.c_lflag &= ~(ECHO | ISIG);
			modes.c_oflag &= ~OPOST;
		}
		modes.c_iflag |= IUTF8;
		tcsetattr(slave, TCSANOW, &modes);
	}
	ioctl(slave, TIOCSWINSZ, &size);
}

static bool open_terminal(const struct config *config, struct program *program)
{
	char name[32];
	int number, unlock = 0;

	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (master < 0) {
		return false;
	}
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0 ||
	    ioctl(master, TIOCGPTN, &number) < 0) {
		close(master);
		return false;
	}
	snprintf(name, sizeof name, "/dev/pts/%d", number);
	int slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0) {
		close(master);
		return false;
	}
	// permissions are the user's, as login does it
	if (fchown(slave, config->user, 5) < 0 || fchmod(slave, 0620) < 0) {
		control_say(CONTROL_NOTICE, "%s: %s", name, strerror(errno));
	}
	set_terminal(config, slave);
	program->master = master;
	program->slave = slave;
	return true;
}

/* Give the child's end of stream `number` and keep ours; a pipe unless it is the terminal. */
static int open_stream(const struct config *config, struct program *program, int number,
		       int *ours, int *theirs)
{
	int ends[2];

	*ours = -1;
	if (config->terminal[number] && program->slave >= 0) {
		*theirs = program->slave;
		return 0;
	}
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return -errno;
	}
	*ours = ends[number == 0];
	*theirs = ends[number != 0];
	fcntl(*ours, F_SETFL, O_NONBLOCK);
	return 0;
}

static int become_user(const struct config *config)
{
	if (setgroups(config->group_count, config->groups) < 0 && errno != ENOSYS) {
		return -errno;
	}
	if (config->user || config->group) { // we are root already
		if (setresgid(config->group, config->group, config->group) < 0 ||
		    setresuid(config->user, config->user, config->user) < 0) {
			return -errno;
		}
	}
	umask(config->mask);
	return 0;
}

/* Look at one candidate. Returns true if it is a file one may run. */
static bool may_run(const char *path, struct refusal *refusal)
{
	struct stat status;

	if (stat(path, &status) < 0) {
		if (errno != ENOENT && errno != ENOTDIR) {
			refuse(refusal, 126, errno, "%s: %s", path, strerror(errno));
		}
		return false;
	}
	if (S_ISDIR(status.st_mode)) {
		refuse(refusal, 126, EISDIR, "%s: is a directory", path);
		return false;
	}
	if (access(path, X_OK) < 0) {
		refuse(refusal, 126, errno, "%s: %s", path, strerror(errno));
		return false;
	}
	return true;
}

/* Unless something worse was said already. */
static bool not_found(struct refusal *refusal, const char *name)
{
	if (!refusal->status) {
		refuse(refusal, 127, ENOENT, "%s: not found", name);
	}
	return false;
}

static bool find_program(const struct config *config, char *path, size_t size,
			 struct refusal *refusal)
{
	const char *name = config->arguments[0];
	const char *at = config_variable(config, "PATH");

	for (at = at ? at : DEFAULT_PATH; *name; at++) {
		int length = strcspn(at, ":");
		snprintf(path, size, "%.*s%s%s", length, at, length ? "/" : "", name);
		if (may_run(path, refusal)) {
			return true;
		}
		at += length;
		if (!*at) {
			break;
		}
	}
	return not_found(refusal, name);
}

/* Our own ELF header, from the linker: its machine is the guest's. */
extern const Elf64_Ehdr __ehdr_start;

/* execve has failed with `error`: say why as exactly as the file allows. */
static void explain(const char *path, int error, struct refusal *refusal)
{
	struct program_check *check = calloc(1, sizeof *check);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	refuse(refusal, 126, error, "%s: %s", path, strerror(error));
	if (fd >= 0 && check) {
		program_check_file(fd, __ehdr_start.e_machine, check);
		if (check->kind == PROGRAM_BAD) {
			refuse(refusal, 126, error, "%s: %s", path, check->why);
		} else if (error == ENOENT && check->interpreter[0]) {
			refuse(refusal, 127, error, "%s: its interpreter %s is not found",
			       path, check->interpreter);
		}
	}
}

/* Returns only if that is no program one may run, and then `refusal` says why. */
static void start(const struct config *config, const char *path, struct refusal *refusal)
{
	refusal->status = 0; // what was said of other files of the name
	execve(path, config->arguments, config->environment);
	int error = errno;
	if (error == ENAMETOOLONG) {
		refuse(refusal, 127, error, "%s: %s", path, strerror(error));
	} else if (may_run(path, refusal)) {
		explain(path, error, refusal);
	} else {
		not_found(refusal, path);
	}
}

/* The kernel's log of calls begins with the execve that starts the program. */
static void begin_trace(void)
{
	int fd = open("/proc/heddle/trace", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "exec", 4) < 0) {
		control_say(CONTROL_NOTICE, "no trace: /proc/heddle/trace: %s",
			    strerror(errno));
	}
	close(fd);
}

static void run(const struct config *config, const struct program *program,
		const int *theirs, struct refusal *refusal)
{
	char path[4096];

	signal(SIGPIPE, SIG_DFL); // the one that execve would leave ignored
	setsid();
	if (program->slave >= 0) {
		ioctl(program->slave, TIOCSCTTY, 0);
	}
	for (int number = 0; number < 3; number++) {
		dup2(theirs[number], number);
	}
	if (config->trace) {
		begin_trace();
	}
	int error = become_user(config);
	if (error < 0) {
		refuse(refusal, 125, -error, "cannot become user %u: %s", config->user,
		       strerror(-error));
		return;
	}
	if (chdir(config->directory) < 0) {
		refuse(refusal, 125, errno, "cannot go to the directory %s: %s",
		       config->directory, strerror(errno));
		return;
	}
	const char *name = config->arguments[0];
	if (strchr(name, '/')) {
		start(config, name, refusal);
		return;
	}
	if (find_program(config, path, sizeof path, refusal)) {
		start(config, path, refusal);
	}
}

/* Returns the child's number when it has become the program or ended, or a negative errno. */
static pid_t run_in_child(const struct config *config, const struct program *program,
			  const int *theirs, struct refusal *refusal)
{
	sigset_t none;
	pid_t child = vfork();

	if (!child) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		run(config, program, theirs, refusal);
		_exit(127);
	}
	return child < 0 ? -errno : child;
}

static int report(const struct program *program, const struct refusal *refusal)
{
	if (!refusal->status) {
		struct control_started started = {.pid = program->pid};
		control_send(CONTROL_STARTED, &started, sizeof started, NULL);
		return 0;
	}
	struct control_not_started failed = {.status = refusal->status,
					     .error = refusal->error};
	control_send(CONTROL_NOT_STARTED, &failed, sizeof failed, refusal->line);
	return -ENOEXEC;
}

int program_start(const struct config *config, struct program *program)
{
	int *ours[3] = {&program->input, &program->output, &program->errors};
	static struct refusal refusal;
	int theirs[3], result = 0;

	program->master = program->slave = -1;
	if (config->terminal[0] || config->terminal[1] || config->terminal[2]) {
		if (!open_terminal(config, program)) {
			control_say(CONTROL_NOTICE,
				    "no terminal in the guest, pipes instead: %s",
				    strerror(errno));
		}
	}
	int streams = config->joined ? 2 : 3;
	for (int number = 0; number < streams && !result; number++) {
		result = open_stream(config, program, number, ours[number],
				     &theirs[number]);
	}
	if (config->joined) {
		theirs[2] = theirs[1];
		program->errors = -1;
	}
	if (!result) {
		program->pid = run_in_child(config, program, theirs, &refusal);
		result = program->pid < 0 ? program->pid : 0;
	}
	if (result < 0) {
		control_say(CONTROL_FAILED, "cannot start a program: %s",
			    strerror(-result));
		return result;
	}
	for (int number = 0; number < streams; number++) {
		if (theirs[number] != program->slave) {
			close(theirs[number]);
		}
	}
	return report(program, &refusal);
}
