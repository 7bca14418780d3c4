// SPDX-License-Identifier: MIT
/*
 * A stand-in for QEMU and its guest: speaks the ports' protocol and then does what STAND_IN
 * says, so that the command is tested without a kernel.
 *
 *   exit N      end at once with status N and a line on stderr
 *   hang        print a line on the console and never say hello
 *   mute        say hello, start, and nothing more
 *   panic N     print a panic; end with status N, or hang if N is 0
 *   run W       write to both streams, end with wait status W
 *   refuse S    the program did not start: status S
 *   cat         copy stdin to stdout until its end
 *   yes         write for ever, until the host says that nobody reads
 *   lie         announce more output than there is
 *   late N      the program exits while the host still has N bytes to read
 *   garbage     a frame with an impossible length
 *   missing     report a file that exists on the host and one that does not
 *   signal      wait for a signal, end with 128 + its number
 *   quit        say hello, then the machine is gone
 *   kvm N       as the probe's guest: end with status N (0: hang)
 */
#include "../../guest/protocol.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int ports[PORT_END];
static struct control_exited exited;

static void put(int port, const void *data, size_t size)
{
	const char *at = data;

	while (size > 0) {
		ssize_t done = write(ports[port], at, size);
		if (done <= 0) {
			exit(99);
		}
		at += done;
		size -= done;
	}
}

static void stream(int port, const void *data, size_t size)
{
	put(port, data, size);
	exited.sent[port] += size;
}

static void send_frame(enum control_type type, const void *data, size_t size)
{
	struct control_header header = {.type = type, .length = size};

	put(PORT_CONTROL, &header, sizeof header);
	put(PORT_CONTROL, data, size);
}

static enum control_type receive_frame(void *data, size_t size)
{
	struct control_header header;

	if (read(ports[PORT_CONTROL], &header, sizeof header) != sizeof header ||
	    header.length > size ||
	    read(ports[PORT_CONTROL], data, header.length) != (ssize_t)header.length) {
		exit(98);
	}
	return header.type;
}

static void hang(void)
{
	for (;;) {
		pause();
	}
}

static void end(int wait_status)
{
	exited.wait_status = wait_status;
	send_frame(CONTROL_EXITED, &exited, sizeof exited);
	hang();
}

static void start(void)
{
	struct control_hello hello = {.version = PROTOCOL_VERSION};
	struct control_started started = {.pid = 2};

	send_frame(CONTROL_HELLO, &hello, sizeof hello);
	send_frame(CONTROL_STARTED, &started, sizeof started);
}

static void copy_input(void)
{
	char data[4096];
	unsigned long long copied = 0, limit = ~0ull;

	start();
	while (copied < limit) {
		struct pollfd wait[2] = {
			{.fd = ports[PORT_STDIN], .events = POLLIN},
			{.fd = ports[PORT_CONTROL], .events = POLLIN},
		};
		poll(wait, 2, -1);
		if (wait[0].revents) {
			ssize_t got = read(ports[PORT_STDIN], data, sizeof data);
			stream(PORT_STDOUT, data, got > 0 ? got : 0);
			copied += got > 0 ? got : 0;
		}
		if (wait[1].revents) {
			struct control_count count;
			if (receive_frame(&count, sizeof count) == CONTROL_STDIN_END) {
				limit = count.bytes;
			}
		}
	}
	end(0);
}

static void write_for_ever(void)
{
	start();
	for (;;) {
		struct pollfd wait = {.fd = ports[PORT_CONTROL], .events = POLLIN};
		char data[64];
		if (poll(&wait, 1, 0) > 0 &&
		    receive_frame(data, sizeof data) == CONTROL_BROKEN) {
			end(13);
		}
		stream(PORT_STDOUT, "yes\n", 4);
	}
}

static void wait_for_signal(void)
{
	struct control_signal signal = {0};
	char data[64];

	start();
	stream(PORT_STDOUT, "ready\n", 6);
	while (receive_frame(data, sizeof data) != CONTROL_SIGNAL) {
		continue;
	}
	memcpy(&signal, data, sizeof signal);
	end(signal.number);
}

static void be_a_guest(const char *what, int number)
{
	struct control_not_started refused = {.status = number, .error = ENOEXEC};
	char refusal[sizeof refused + 10];
	static char block[300000];

	if (!strcmp(what, "cat")) {
		copy_input();
	} else if (!strcmp(what, "yes")) {
		write_for_ever();
	} else if (!strcmp(what, "signal")) {
		wait_for_signal();
	}
	start();
	if (!strcmp(what, "run")) {
		stream(PORT_STDOUT, "to stdout\n", 10);
		stream(PORT_STDERR, "to stderr\n", 10);
		end(number);
	} else if (!strcmp(what, "refuse")) {
		memcpy(refusal, &refused, sizeof refused);
		memcpy(refusal + sizeof refused, "prog: why\n", 10);
		send_frame(CONTROL_NOT_STARTED, refusal, sizeof refusal - 1);
	} else if (!strcmp(what, "lie")) {
		exited.sent[PORT_STDOUT] = 100;
		end(0);
	} else if (!strcmp(what, "late")) {
		memset(block, 'x', sizeof block);
		stream(PORT_STDOUT, block, number);
		end(0);
	} else if (!strcmp(what, "missing")) {
		send_frame(CONTROL_MISSING, "/etc/passwd", 11);
		send_frame(CONTROL_MISSING, "/no/such/file", 13);
		end(0);
	} else if (!strcmp(what, "garbage")) {
		memset(block, 255, sizeof block);
		put(PORT_CONTROL, block, 64);
	} else if (!strcmp(what, "quit")) {
		exit(0);
	}
	hang();
}

static void find_ports(int count, char **arguments)
{
	static const char *const names[PORT_END] = {"serial", "control", "stdin",
						    "stdout", "stderr",  "terminal"};
	char format[64];

	for (int i = 1; i < count; i++) {
		for (int port = 0; port < PORT_END; port++) {
			snprintf(format, sizeof format, "socket,id=%s,fd=%%d",
				 names[port]);
			sscanf(arguments[i], format, &ports[port]);
		}
	}
}

int main(int count, char **arguments)
{
	const char *wanted = getenv("STAND_IN");
	char what[32] = "hang";
	int number = 0;

	sscanf(wanted ? wanted : "hang", "%31s %i", what, &number);
	find_ports(count, arguments);
	if (!strcmp(what, "exit")) {
		fprintf(stderr, "stand-in: something is wrong\n");
		return number;
	}
	if (!strcmp(what, "kvm")) {
		if (!number) {
			hang();
		}
		return number;
	}
	put(0, "booting\r\n", 9);
	if (!strcmp(what, "panic")) {
		const char text[] = "[    0.1] panic: no more looms\r\n  backtrace 1\r\n";
		put(0, text, sizeof text - 1);
		if (!number) {
			hang();
		}
		return number;
	}
	if (strcmp(what, "hang")) {
		be_a_guest(what, number);
	}
	hang();
}
