// SPDX-License-Identifier: MIT
/*
 * The process events connector: what netlink sockets of NETLINK_CONNECTOR hear of forks, execs, ends and changes of ids. See
 * <linux/cn_proc.h>.
 *
 * Each call tells of the running thread, in thread context, with no lock from RANK_NETLINK on held; may sleep. With nobody
 * listening it is the test of a word. An event that there is no memory for is lost.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"
#include <stdatomic.h>

struct credentials;
struct thread;

extern _Atomic u32 process_event_listeners;

static inline bool process_events_wanted(void)
{
	return unlikely(
		atomic_load_explicit(&process_event_listeners, memory_order_relaxed));
}

void process_event_tell_fork(struct thread *child, bool sibling);
void process_event_tell_exec(void);
void process_event_tell_ids(const struct credentials *old);
void process_event_tell_session(void);
void process_event_tell_name(struct thread *thread);
void process_event_tell_core(void);
void process_event_tell_exit(int status);

/* `child` is published and has not run; sibling: it has its maker's parent (CLONE_PARENT, CLONE_THREAD). */
static inline void process_event_fork(struct thread *child, bool sibling)
{
	if (process_events_wanted()) {
		process_event_tell_fork(child, sibling);
	}
}
static inline void process_event_exec(void)
{
	if (process_events_wanted()) {
		process_event_tell_exec();
	}
}
/* Its credentials were `old`. */
static inline void process_event_ids(const struct credentials *old)
{
	if (process_events_wanted()) {
		process_event_tell_ids(old);
	}
}
static inline void process_event_session(void)
{
	if (process_events_wanted()) {
		process_event_tell_session();
	}
}
/* A thread of the running process has another name. */
static inline void process_event_name(struct thread *thread)
{
	if (process_events_wanted()) {
		process_event_tell_name(thread);
	}
}
/* The running thread begins to end: if that is for a signal that would leave a core file, the first of its process says so. */
static inline void process_event_core(void)
{
	if (process_events_wanted()) {
		process_event_tell_core();
	}
}
/* Before anybody who waits for the end can see it. status: a wait status word. */
static inline void process_event_exit(int status)
{
	if (process_events_wanted()) {
		process_event_tell_exit(status);
	}
}

void process_events_init(void); /* boot */
