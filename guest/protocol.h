// SPDX-License-Identifier: MIT
/*
 * What the heddle command and guest/init say to each other.
 *
 * Ports: one virtio console with five ports. In the guest they are /dev/vport0p1 and up, in
 * the order of enum port. Data ports carry bytes and nothing else; flow control is the port's
 * own. The control port carries frames: a struct control_header, then `length` bytes.
 *
 * The configuration file CONFIG_PATH is in the initramfs: NUL-terminated strings "key=value",
 * in order; a value may hold any byte but NUL. The keys are listed in guest/config.c.
 *
 * End of a stream: a port never closes. Whoever ends a stream says how many bytes it has sent
 * in all, so that nothing in flight is lost or waited for in vain.
 */
#pragma once

#include <stdint.h>

#define PROTOCOL_VERSION   1
#define CONFIG_PATH        "/heddle/config"
#define CONTROL_MAX_LENGTH 16384

enum port {
	PORT_CONTROL = 1,
	PORT_STDIN,
	PORT_STDOUT,
	PORT_STDERR,
	PORT_TERMINAL,
	PORT_END
};

struct control_header {
	uint32_t type;   // enum control_type
	uint32_t length; // bytes that follow, at most CONTROL_MAX_LENGTH
};

enum control_type {
	/* guest to host */
	CONTROL_HELLO = 1,    // struct control_hello
	CONTROL_STARTED,      // struct control_started: execve has succeeded
	CONTROL_NOT_STARTED,  // struct control_not_started, then a line of text
	CONTROL_EXITED,       // struct control_exited
	CONTROL_FAILED,       // a line of text: the guest could not be set up
	CONTROL_NOTICE,       // a line of text for the user
	CONTROL_MISSING,      // a path looked for in vain; or `NAME COUNT`: a system call
	CONTROL_STDIN_CLOSED, // nobody in the guest reads stdin any more
	CONTROL_PONG,         // struct control_ping, as it came
	CONTROL_TRACE,        // bytes of the log of system calls
	CONTROL_KERNEL_STACK, // `BYTES OF NAME`: the deepest use of a kernel stack, and whose

	/* host to guest */
	CONTROL_STDIN_END = 64, // struct control_count: bytes sent to this stream in all
	CONTROL_TERMINAL_END,   // struct control_count: the same for the terminal
	CONTROL_BROKEN, // struct control_broken: nobody on the host reads this stream
	CONTROL_SIGNAL, // struct control_signal
	CONTROL_WINDOW, // struct control_window
	CONTROL_PING,   // struct control_ping
};

struct control_hello {
	uint32_t version;
};

struct control_started {
	int32_t pid;
};

struct control_not_started {
	int32_t status; // 126 or 127
	int32_t error;  // errno, or 0
};

struct control_exited {
	int32_t wait_status; // as wait4() gives it
	uint32_t reserved;
	uint64_t sent[PORT_END];     // bytes written to each port
	uint64_t user_ns, system_ns; // CPU time of the program and what it waited for
	uint64_t peak_kib;           // largest resident set
};

struct control_count {
	uint64_t bytes;
};

struct control_broken {
	uint32_t port; // PORT_STDOUT or PORT_STDERR
};

struct control_signal {
	uint32_t number;
};

struct control_window {
	uint16_t rows, columns, width, height;
};

struct control_ping {
	uint64_t number;
};
