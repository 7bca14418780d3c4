// SPDX-License-Identifier: MIT
/*
 * Private to process/port/.
 *
 * Locks  port.lock (spin, thread context) > wait_queue.lock, run_queue.lock. Never two ports' at once.
 */
#pragma once

#include "core/refcount.h"
#include "core/spinlock.h"
#include "process/port/port.h"
#include "sched/wait.h"
#include <heddle/thread_block.h>

struct heddle_thread_block;

/* What goes out of one thread's block or comes into it. */
struct port_message {
	struct heddle_thread_block *block; /* the kernel's view of the thread's own */
	u32 size;
	u32 file_count;
	struct file *files[HEDDLE_THREAD_BLOCK_DESCRIPTORS]; /* references */
};

enum call_state {
	CALL_QUEUED, /* linked in port.calls */
	CALL_TAKEN,  /* server->port_service.call is it */
	CALL_DONE,   /* result is there, and the reply in `message` */
};

/* On the stack of the thread that calls. All but `caller` and, while it is built, `message`: port.lock. */
struct port_call {
	struct list link;
	enum call_state state;
	struct thread *caller; /* I */
	u8 priority;           /* real-time, when it was queued */
	struct thread *server; /* while it is taken */
	struct port_message message;
	s64 result;
};

/* A thread that waits for a call, on its stack. port.lock. */
struct port_receiver {
	struct list link; /* port.receivers, until it has been given a call */
	bool given;
	struct thread *thread; /* I */
	struct port_message message;
};

/*
 * Made by port_create(). One reference a file of its ends, and one for each thread that received here last. The last put frees
 * and does not sleep.
 */
struct port {
	struct refcount references;
	struct spinlock lock;
	struct list calls GUARDED_BY(lock);     /* queued, the most urgent first */
	struct list receivers GUARDED_BY(lock); /* not empty: no call is queued */
	struct list
		services GUARDED_BY(lock); /* port_service.link of who serves a call */
	u32 servers GUARDED_BY(lock);      /* threads that received here last */
	struct file *receiving GUARDED_BY(lock); /* that end's file; NULL: closed */
	bool calling GUARDED_BY(lock);           /* is the other end open? */
	struct wait_queue pollers;               /* of both ends */
};

/* port.c */
void port_put(struct port *port);
/* An end is closed: who waits at the other is told so. */
void port_close_receiving(struct port *port);
void port_close_calling(struct port *port);

/* message.c: of the running thread, except where a thread is named. */
/* What it sends: size and descriptors are checked, the files taken. -EMSGSIZE, -EINVAL, -EBADF, -ENOMEM, -ERESTART. */
int message_prepare(struct port_message *message, u64 size, u64 count) must_check;
/* Its buffer for what comes in. */
int message_prepare_empty(struct port_message *message) must_check;
/* From one block to the other, files too; either thread is the running one or waits at the port. port.lock held. */
void message_move(struct port_message *from, struct port_message *to);
/* Who calls, into the server's block; port.lock held. */
void message_identify(struct port_message *to, const struct thread *caller,
		      const struct thread *server);
/* Give the files that came descriptors. May sleep. */
void message_install(struct port_message *message);
/* Drop files that were not sent. May sleep. */
void message_drop(struct port_message *message);

/* port_file.c: the port behind an end, or NULL: it is no such end. */
struct port *port_called_by(struct file *end);
struct port *port_received_by(struct file *end);
