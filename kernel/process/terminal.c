// SPDX-License-Identifier: MIT
/*
 * Terminals of sessions: the operations table that tty/ asks through.
 *
 * Owns      the reference a session holds on its controlling terminal: tty.is_controlling.
 * Locks     terminal_lock > process_tree_lock.
 *
 * Invariants
 *   T1  tty.is_controlling is true iff a reference is held for a session. job_control drops its pointer first; then whoever turns
 *       is_controlling off, under terminal_lock, puts the reference. So a pointer read under terminal_lock is valid while it is held.
 */
#include "process/terminal.h"

#include "core/spinlock.h"
#include "lib/errno.h"
#include "process/current.h"
#include "process/job_control.h"
#include "tty/tty.h"
#include <asm/signal.h>
#include <linux/capability.h>

static struct spinlock terminal_lock = SPINLOCK_INIT(RANK_SPIN, "terminal_lock");

/* The session's pointer is gone: give its reference back. */
static void forget(struct tty *tty)
{
	bool was;

	spin_lock(&terminal_lock);
	was = tty->is_controlling;
	tty->is_controlling = false;
	spin_unlock(&terminal_lock);
	if (was) {
		tty_put(tty);
	}
}

static struct tty *terminal_controlling(void)
{
	struct tty *tty;

	spin_lock(&terminal_lock);
	tty = job_control_terminal();
	if (tty && tty->is_controlling) {
		tty_get(tty);
	} else {
		tty = NULL;
	}
	spin_unlock(&terminal_lock);
	return tty;
}

static void terminal_hang_up(struct tty *tty)
{
	job_control_signal_foreground(tty, SIGHUP);
	job_control_hang_up(tty);
	forget(tty);
}

static int terminal_become_controlling(struct tty *tty, bool steal)
{
	int error = 0;

	if (job_control_terminal() == tty && job_control_is_session_leader()) {
		return 0;
	}
	if (steal && job_control_terminal_session(tty) > 0) {
		if (!credentials_capable(current_credentials(), CAP_SYS_ADMIN)) {
			return -EPERM;
		}
		job_control_hang_up(tty);
		forget(tty);
	}
	spin_lock(&terminal_lock);
	error = job_control_set_terminal(tty);
	if (!error && !tty->is_controlling) {
		tty->is_controlling = true;
		tty_get(tty);
	}
	spin_unlock(&terminal_lock);
	return error;
}

static int terminal_leave_controlling(struct tty *tty)
{
	bool leader = job_control_is_session_leader();
	int error;

	if (job_control_terminal() != tty) {
		return -ENOTTY;
	}
	if (leader) {
		job_control_signal_foreground(tty, SIGHUP);
		job_control_signal_foreground(tty, SIGCONT);
	}
	error = job_control_drop_terminal();
	if (!error && leader) {
		forget(tty);
	}
	return error;
}

static int terminal_get_foreground(struct tty *tty, bool by_master, pid_nr *out)
{
	if (!by_master && job_control_terminal() != tty) {
		return -ENOTTY;
	}
	*out = job_control_foreground(tty);
	return 0;
}

static int terminal_get_session(struct tty *tty, bool by_master, pid_nr *out)
{
	if (!by_master && job_control_terminal() != tty) {
		return -ENOTTY;
	}
	*out = job_control_terminal_session(tty);
	return *out > 0 ? 0 : -ENOTTY;
}

static void terminal_opened(struct tty *tty)
{
	if (!current_is_user_thread()) {
		return; /* the boot thread opens the first process's console */
	}
	if (job_control_is_session_leader() && !job_control_terminal() &&
	    job_control_terminal_session(tty) <= 0) {
		(void)terminal_become_controlling(
			tty, false); /* not being able to is no error of open(2) */
	}
}

static const struct tty_process_operations terminal_operations = {
	.check_background = job_control_check_background,
	.signal_foreground = job_control_signal_foreground,
	.hang_up = terminal_hang_up,
	.become_controlling = terminal_become_controlling,
	.leave_controlling = terminal_leave_controlling,
	.get_foreground = terminal_get_foreground,
	.set_foreground = job_control_set_foreground,
	.get_session = terminal_get_session,
	.opened = terminal_opened,
	.controlling = terminal_controlling,
};

/* A session leader ended: what is left of its session loses the terminal, and the foreground group hears of it. */
static void leader_exited(struct tty *tty)
{
	forget(tty);
}

void terminal_init(void)
{
	tty_set_process_operations(&terminal_operations);
	job_control_set_leader_exit(leader_exited);
}
