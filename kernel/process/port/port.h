// SPDX-License-Identifier: MIT
/*
 * Ports (B6): threads call each other through the message buffers of their thread blocks. include/heddle/port.h says what
 * programs see, docs/decisions/0015-ports.md why.
 *
 * A port has two ends, each a file: calls go into one and are received at the other. A call is on the stack of the thread that
 * calls, from before it is queued until its reply is there: the port itself never owns a message, a descriptor or a thread.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"

struct file;
struct port;
struct port_call;
struct thread;

/* A thread's part as a server, in its control block. Zero: it has never received. */
struct port_service {
	struct port *
		port; /* o: where it received last; a reference, counted in port.servers */
	bool serving;           /* o: it has taken a call there and not answered */
	struct port_call *call; /* port.lock: that call; NULL: its caller has gone */
	struct list link;       /* port.lock: port.services, while it serves */
	bool handed; /* port.lock: given its call, and woken when the caller sleeps */
};

/* ends[0] is received from, ends[1] is called. flags: O_NONBLOCK. -ENOMEM. */
int port_create(u32 flags, struct file *ends[2]) must_check;

/*
 * The calls of include/heddle/port.h, for the running thread: the size of the message that came in, or an errno. `end` is the
 * descriptor's file; `size` and `count` are as the program gave them, `flags` have been checked. May sleep.
 */
s64 port_call(struct file *end, u64 size, u64 count, u32 flags) must_check;
s64 port_receive(struct file *end, u32 flags) must_check;
s64 port_reply_receive(struct file *end, u64 size, u64 count, u32 flags) must_check;
s64 port_reply(u64 size, u64 count) must_check;

/* The running thread leaves its program (exit, execve): who waits for its answer is told so. Before its thread block goes. */
void port_farewell(void);
