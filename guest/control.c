// SPDX-License-Identifier: MIT
/*
 * Owns the control port's descriptor and its read buffer. One thread, no locks.
 */
#include "control.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int port = -1;
static unsigned char received[sizeof(struct control_header) + CONTROL_MAX_LENGTH];
static size_t received_size;

void control_open(int fd)
{
	port = fd;
}

int control_fd(void)
{
	return port;
}

bool control_is_passing(int error)
{
	if (error == ENOMEM || error == ENOBUFS) {
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		return true;
	}
	return error == EAGAIN || error == EINTR;
}

static void write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t done = write(fd, data, size);
		if (done < 0 && errno == EAGAIN) {
			struct pollfd wait = {.fd = fd, .events = POLLOUT};
			poll(&wait, 1, 1000);
		} else if (done < 0 && control_is_passing(errno)) {
			continue;
		} else if (done <= 0) {
			return; // the host is gone; its end of the port tells the main loop
		} else {
			data += done;
			size -= done;
		}
	}
}

void control_send(enum control_type type, const void *data, size_t size, const char *text)
{
	static char frame[sizeof(struct control_header) + CONTROL_MAX_LENGTH];
	struct control_header header = {.type = type};
	size_t length = text ? strlen(text) : 0;

	if (port < 0) {
		if (text) {
			write_all(2, text, length);
			write_all(2, "\n", 1);
		}
		return;
	}
	if (length > CONTROL_MAX_LENGTH - size) {
		length = CONTROL_MAX_LENGTH - size;
	}
	header.length = size + length;
	memcpy(frame, &header, sizeof header);
	if (size) {
		memcpy(frame + sizeof header, data, size);
	}
	if (length) {
		memcpy(frame + sizeof header + size, text, length);
	}
	write_all(port, frame, sizeof header + size + length);
}

void control_say(enum control_type type, const char *format, ...)
{
	char line[4096 + 256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	control_send(type, NULL, 0, line);
}

int control_receive(void (*handle)(void *context, enum control_type type,
				   const void *data, size_t size),
		    void *context)
{
	struct control_header header;
	ssize_t got =
		read(port, received + received_size, sizeof received - received_size);

	if (got == 0 || (got < 0 && !control_is_passing(errno))) {
		return -EPIPE;
	}
	received_size += got > 0 ? got : 0;
	while (received_size >= sizeof header) {
		memcpy(&header, received, sizeof header);
		size_t whole = sizeof header + header.length;
		if (header.length > CONTROL_MAX_LENGTH) {
			return -EPIPE;
		}
		if (received_size < whole) {
			break;
		}
		handle(context, header.type, received + sizeof header, header.length);
		received_size -= whole;
		memmove(received, received + whole, received_size);
	}
	return 0;
}
