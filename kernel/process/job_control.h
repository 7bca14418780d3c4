// SPDX-License-Identifier: MIT
/*
 * Sessions, process groups and the controlling terminal (C5).
 *
 * Owns      struct session.
 * Locks     everything here is guarded by process_tree_lock (irq-safe).
 *
 * A terminal is opaque here: the tty room sits below and cannot look up. It keeps no pointer to a session; what it must
 * ask or tell goes through an operations table it declares and this room's functions fill.
 */
#pragma once

#include "core/refcount.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "process/process.h"

struct tty;

struct session {
	struct refcount references; /* members, and who looks */
	struct pid *pid;            /* I; holds a use of the number */
	struct list members;        /* process.session_link */
	struct tty *terminal;       /* the controlling terminal; NULL: none */
	struct list terminal_link;  /* sessions that have one */
	struct pid *foreground;     /* its foreground group; a reference; may be NULL */
};

/* A process without parent starts its own session 0-like: group and session are its own number. */
int session_create(struct pid *pid, struct session **out) must_check;
void session_put(struct session *session);
/* Join the parent's group and session. Tree lock held. */
void job_control_inherit_locked(struct process *child, struct process *parent);
void job_control_join_locked(struct process *process, struct session *session,
			     struct pid *group);
/* Leave both. Tree lock held; the references are the caller's to put after unlock. */
struct session *job_control_leave_locked(struct process *process, struct pid **group);

/* Is there no member of `group` whose parent is in another group of the same session? Tree lock held. */
bool group_is_orphaned_locked(struct pid *group, const struct process *ignored);

/* --- for the terminal's room --- */
/* The running process's controlling terminal (a borrowed pointer; the terminal's room counts), NULL: none. */
struct tty *job_control_terminal(void);
bool job_control_is_session_leader(void);
/* Number of the running process's session and group. */
pid_nr job_control_session(void);
pid_nr job_control_group(void);
/* The group itself, with a reference: its number may be 0, where it is from outside the pid namespace. */
struct pid *job_control_get_group(void);
/* Make `tty` the session's controlling terminal, its foreground group the caller's. -EPERM: no leader, has one. */
int job_control_set_terminal(struct tty *tty) must_check;
/* Every session that has `tty` loses it (hangup); SIGHUP and SIGCONT go to the leader. */
void job_control_hang_up(struct tty *tty);
/* TIOCNOTTY of the running process; a leader's whole session loses it. -ENOTTY */
int job_control_drop_terminal(void);
/* The foreground group of `tty`: its number, 0: none; -ENOTTY if no session has it. */
pid_nr job_control_foreground(struct tty *tty);
pid_nr job_control_terminal_session(struct tty *tty);
/* TIOCSPGRP by the running process. -ENOTTY, -EPERM, -ESRCH, -EINVAL */
int job_control_set_foreground(struct tty *tty, pid_nr group) must_check;
/* Send a kernel signal (SIGINT, SIGQUIT, SIGTSTP, SIGWINCH, SIGHUP) to the foreground group of `tty`. Any context. */
void job_control_signal_foreground(struct tty *tty, int signal);
/*
 * The running process reads from (SIGTTIN) or changes (SIGTTOU) its terminal. 0: it may go on (it is in the foreground, or
 * `tty` is not its terminal, or it ignores or blocks SIGTTOU); -ERESTART: its group was sent the signal; -EIO: orphaned.
 */
int job_control_check_background(struct tty *tty, int signal) must_check;
/* What the terminal's room does when a session leader ends with it. Called without locks, thread context. */
void job_control_set_leader_exit(void (*hang_up)(struct tty *tty));
/* Of exit.c: the running process, a session leader, ends. */
void job_control_leader_exit(void);
