// SPDX-License-Identifier: MIT
/*
 * Process 1 of a Heddle guest: sets the stage, starts one program, carries its streams, reaps
 * orphans, and reports how the program ended.
 *
 * With CONFIG_PATH in the initramfs it serves the heddle command over the ports (protocol.h).
 * Without it the words after `--` on the kernel's command line are a program that runs on the
 * console.
 *
 * Order: /dev, ports, HELLO, mounts, program, streams until it ends, what is left in its
 * pipes, sync, EXITED. After that the host stops the machine; if it does not, we do.
 */
#include "config.h"
#include "control.h"
#include "mounts.h"
#include "program.h"
#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PORT_DEADLINE_MS 10000
#define STOP_DEADLINE_MS 20000

static int child_ended; // tells of SIGCHLD
static struct config config;
static struct program program;
static int ports[PORT_END];

static void stop_machine(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;) {
		pause();
	}
}

/* The end of a child wakes the main loop through a descriptor; no handler interrupts it. */
static void watch_children(void)
{
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	child_ended = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	signal(SIGPIPE, SIG_IGN);
}

static void sleep_ms(long milliseconds)
{
	struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};

	nanosleep(&time, NULL);
}

/* The ports appear when the driver has talked to the device: wait for them, not for ever. */
static int open_ports(void)
{
	char name[] = "/dev/vport0p0";
	int waited = 0;

	_Static_assert(PORT_END <= 10, "one digit");
	for (int number = PORT_CONTROL; number < PORT_END; number++) {
		name[sizeof name - 2] = '0' + number;
		for (;;) {
			ports[number] =
				open(name, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
			if (ports[number] >= 0) {
				break;
			}
			if (waited >= PORT_DEADLINE_MS) {
				return -errno;
			}
			sleep_ms(waited < 20 ? 1 : 10);
			waited += waited < 20 ? 1 : 10;
		}
	}
	control_open(ports[PORT_CONTROL]);
	return 0;
}

static void set_up_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		return; // a kernel without networking
	}
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0) {
		control_say(CONTROL_NOTICE, "no loopback network: %s", strerror(errno));
	}
	close(fd);
}

/* What a terminal sends goes to the group in front, other signals to the program alone. */
static void pass_signal(int number)
{
	pid_t group = program.pid, front;

	if (number < 1 || number > 64) {
		return;
	}
	if (program.master >= 0 && ioctl(program.master, TIOCGPGRP, &front) == 0 &&
	    front > 0) {
		group = front;
	}
	bool typed = number == SIGINT || number == SIGQUIT || number == SIGHUP;
	if (!typed || kill(-group, number) < 0) {
		kill(program.pid, number);
	}
}

static void set_window(const struct control_window *window)
{
	struct winsize size = {window->rows, window->columns, window->width,
			       window->height};

	if (program.master >= 0) {
		ioctl(program.master, TIOCSWINSZ, &size);
	}
}

static void handle(void *context, enum control_type type, const void *data, size_t size)
{
	union {
		struct control_count count;
		struct control_broken broken;
		struct control_signal signal;
		struct control_window window;
	} message;

	(void)context;
	memset(&message, 0, sizeof message);
	memcpy(&message, data, size < sizeof message ? size : sizeof message);
	switch (type) {
	case CONTROL_STDIN_END:
		streams_set_end(PORT_STDIN, message.count.bytes);
		break;
	case CONTROL_TERMINAL_END:
		streams_set_end(PORT_TERMINAL, message.count.bytes);
		break;
	case CONTROL_BROKEN:
		streams_break(message.broken.port);
		break;
	case CONTROL_SIGNAL:
		pass_signal(message.signal.number);
		break;
	case CONTROL_WINDOW:
		set_window(&message.window);
		break;
	case CONTROL_PING:
		control_send(CONTROL_PONG, data, size, NULL);
		break;
	default:
		control_say(CONTROL_NOTICE, "unknown message %d from the host",
			    (int)type);
		break;
	}
}

/* Reap whoever has ended. Returns true when the program itself has. */
static bool reap(struct control_exited *exited)
{
	struct rusage usage;
	int status;
	pid_t pid;
	struct signalfd_siginfo told;

	while (read(child_ended, &told, sizeof told) > 0) {
		continue;
	}
	while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
		if (pid != program.pid) {
			continue;
		}
		exited->wait_status = status;
		exited->user_ns = usage.ru_utime.tv_sec * 1000000000ull +
				  usage.ru_utime.tv_usec * 1000ull;
		exited->system_ns = usage.ru_stime.tv_sec * 1000000000ull +
				    usage.ru_stime.tv_usec * 1000ull;
		exited->peak_kib = usage.ru_maxrss;
		return true;
	}
	return false;
}

/* What the log of calls has that was not sent yet. */
static void send_trace(void)
{
	static char text[CONTROL_MAX_LENGTH];
	static int fd = -1;
	ssize_t got;

	if (!config.trace) {
		return;
	}
	if (fd < 0) {
		fd = open("/proc/heddle/calls", O_RDONLY | O_CLOEXEC);
	}
	while ((got = read(fd, text, sizeof text)) > 0) {
		control_send(CONTROL_TRACE, text, got, NULL);
	}
}

static void serve(struct control_exited *exited)
{
	struct pollfd wait[STREAM_WAITS + 2];

	do {
		size_t count = streams_wait_for(wait);
		wait[count] =
			(struct pollfd){.fd = ports[PORT_CONTROL], .events = POLLIN};
		wait[count + 1] = (struct pollfd){.fd = child_ended, .events = POLLIN};
		int ready = poll(wait, count + 2, 1000);
		if (ready <= 0) {
			continue; // interrupted or nothing: look at the children all the same
		}
		if (wait[count].revents && control_receive(handle, NULL) < 0) {
			stop_machine();
		}
		streams_move(wait);
		send_trace();
	} while (!reap(exited));
}

static void report_lines(const char *path, enum control_type type)
{
	char line[4096];
	FILE *list = fopen(path, "re");

	while (list && fgets(line, sizeof line, list)) {
		line[strcspn(line, "\n")] = 0;
		control_send(type, NULL, 0, line);
	}
	if (list) {
		fclose(list);
	}
}

/* What --summary names: files that --pack has left out, system calls the kernel lacks, the deepest kernel stack. */
static void report(void)
{
	if (!config.report) {
		return;
	}
	report_lines("/proc/heddle/missing", CONTROL_MISSING);
	report_lines("/proc/heddle/missing_calls", CONTROL_MISSING);
	report_lines("/proc/heddle/kernel_stack", CONTROL_KERNEL_STACK);
}

/* With a writable share, nobody may be left who writes when the host reads the result. */
static void end_others(void)
{
	bool writable = false;

	for (size_t i = 0; i < config.share_count; i++) {
		writable = writable || config.shares[i].writable;
	}
	if (!writable) {
		return;
	}
	kill(-1, SIGKILL);
	for (int waited = 0; waited < 1000 && waitpid(-1, NULL, WNOHANG) >= 0; waited++) {
		sleep_ms(1);
	}
	sync();
}

static void wait_for_the_end(void)
{
	struct pollfd wait = {.fd = ports[PORT_CONTROL], .events = POLLIN};
	struct timespec start, now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		if (poll(&wait, 1, 1000) > 0 && control_receive(handle, NULL) < 0) {
			break;
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - start.tv_sec) * 1000 < STOP_DEADLINE_MS);
}

static void serve_host(void)
{
	struct control_hello hello = {.version = PROTOCOL_VERSION};
	struct control_exited exited = {0};

	control_send(CONTROL_HELLO, &hello, sizeof hello, NULL);
	if (config.hostname &&
	    sethostname(config.hostname, strlen(config.hostname)) < 0) {
		control_say(CONTROL_NOTICE, "sethostname: %s", strerror(errno));
	}
	set_up_loopback();
	if (mount_everything(&config) < 0) {
		wait_for_the_end();
		return;
	}
	if (!config.root_tag) {
		make_directories(config.directory);
	}
	watch_children();
	if (program_start(&config, &program) == 0) {
		streams_open(&program, ports);
		serve(&exited);
		streams_drain();
		end_others();
		send_trace();
		report();
		for (int port = 0; port < PORT_END; port++) {
			exited.sent[port] = streams_sent(port);
		}
		control_send(CONTROL_EXITED, &exited, sizeof exited, NULL);
	}
	wait_for_the_end();
}

static void run_on_console(char **arguments, char **environment)
{
	static char *minimal[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/",
				  "TERM=linux", NULL};
	int status;

	mount_everything(&config);
	pid_t child = fork();
	if (!child) {
		setsid();
		ioctl(0, TIOCSCTTY, 1);
		environ = getenv("PATH") ? environment : minimal;
		execvp(arguments[0], arguments);
		fprintf(stderr, "heddle: %s: %s\n", arguments[0], strerror(errno));
		_exit(errno == ENOENT ? 127 : 126);
	}
	while (wait4(-1, &status, 0, NULL) != child) {
		continue;
	}
	if (WIFSIGNALED(status)) {
		printf("heddle: signal %d\n", WTERMSIG(status));
	} else {
		printf("heddle: status %d\n", WEXITSTATUS(status));
	}
	fflush(stdout);
}

static void use_console(void)
{
	int fd;

	if (fcntl(2, F_GETFD) >= 0) {
		return; // the kernel has done it
	}
	fd = open("/dev/console", O_RDWR);
	for (int number = 0; fd >= 0 && number < 3; number++) {
		dup2(fd, number);
	}
	if (fd > 2) {
		close(fd);
	}
}

int main(int count, char **arguments, char **environment)
{
	int devices = mount_devices();
	int found = config_read(&config);

	use_console();
	if (devices < 0) {
		fprintf(stderr, "heddle: cannot mount /dev: %s\n", strerror(-devices));
	}
	if (found == -ENOENT && count > 1) {
		run_on_console(arguments + 1, environment);
	} else if (found < 0) {
		fprintf(stderr,
			"heddle: %s: %s; and no program after -- on the command line\n",
			CONFIG_PATH, strerror(-found));
	} else {
		int result = open_ports();
		if (result < 0) {
			fprintf(stderr, "heddle: no ports to the host: %s\n",
				strerror(-result));
		} else {
			serve_host();
		}
	}
	stop_machine();
}
