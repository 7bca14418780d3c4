// SPDX-License-Identifier: MIT
/*
 * tty_ioctl(4): what every terminal answers.
 *
 * Locks     tty.lock for termios, window and flags; user copies are made without it.
 */
#include "tty/line_discipline.h"
#include "tty/tty.h"

#include "cred/credentials.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "time/clock.h"
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/eventpoll.h>
#include <linux/tty.h>

#define TERMIOS_SIZE  sizeof(struct termios)
#define TERMIOS2_SIZE sizeof(struct termios2)

STATIC_ASSERT(sizeof(struct termios) <= sizeof(struct termios2));

static s64 get_termios(struct tty *tty, u64 argument, size_t size)
{
	struct termios2 copy;

	mutex_lock(&tty->lock);
	copy = tty->termios;
	mutex_unlock(&tty->lock);
	return user_write(argument, &copy, size);
}

/* Wait until the driver has sent everything (TCSETSW, TCSBRK with an argument). */
static int drain(struct tty *tty)
{
	int error = 0;

	mutex_lock(&tty->lock);
	while (!error && !tty->hung_up && tty->driver->queued(tty) > 0 &&
	       tty->driver->last_close == NULL) {
		error = mutex_sleep(&tty->lock, &tty->writable, NSEC_NEVER);
	}
	mutex_unlock(&tty->lock);
	return error;
}

enum set_when { SET_NOW, SET_DRAINED, SET_FLUSHED };

static s64 set_termios(struct tty *tty, u64 argument, size_t size, enum set_when when)
{
	struct termios2 fresh;
	bool was_canonical;
	int error;

	mutex_lock(&tty->lock);
	fresh = tty->termios;
	mutex_unlock(&tty->lock);
	error = user_read(&fresh, argument, size);
	if (!error && when != SET_NOW) {
		error = drain(tty);
	}
	if (error) {
		return error;
	}
	mutex_lock(&tty->lock);
	if (when == SET_FLUSHED) {
		tty_flush_input(tty);
	}
	was_canonical = TTY_FLAG(tty, lflag, ICANON);
	tty->termios = fresh;
	tty_mode_changed(tty, was_canonical);
	if (!TTY_FLAG(tty, iflag, IXON)) {
		tty->output_stopped = false;
	}
	wake_all(&tty->readable, EPOLLIN);
	wake_all(&tty->writable, EPOLLOUT);
	mutex_unlock(&tty->lock);
	return 0;
}

static s64 set_window(struct tty *tty, u64 argument)
{
	struct winsize window;
	bool changed;
	int error = user_read(&window, argument, sizeof(window));

	if (error) {
		return error;
	}
	mutex_lock(&tty->lock);
	changed = memcmp(&tty->window, &window, sizeof(window)) != 0;
	tty->window = window;
	mutex_unlock(&tty->lock);
	if (changed) {
		tty_process_operations()->signal_foreground(tty, SIGWINCH);
	}
	return 0;
}

static s64 get_window(struct tty *tty, u64 argument)
{
	struct winsize window;

	mutex_lock(&tty->lock);
	window = tty->window;
	mutex_unlock(&tty->lock);
	return user_write(argument, &window, sizeof(window));
}

static s64 flush(struct tty *tty, u64 which)
{
	if (which != TCIFLUSH && which != TCOFLUSH && which != TCIOFLUSH) {
		return -EINVAL;
	}
	mutex_lock(&tty->lock);
	if (which != TCOFLUSH) {
		tty_flush_input(tty);
	}
	if (which != TCIFLUSH && tty->driver->flush_output) {
		tty->driver->flush_output(tty);
	}
	mutex_unlock(&tty->lock);
	return 0;
}

static s64 flow(struct tty *tty, u64 action)
{
	u8 key;

	mutex_lock(&tty->lock);
	key = tty->termios.c_cc[action == TCIOFF ? VSTOP : VSTART];
	switch (action) {
	case TCOOFF:
	case TCOON:
		tty->output_stopped = action == TCOOFF;
		break;
	case TCIOFF:
	case TCION:
		(void)tty->driver->write(tty, &key, 1);
		break;
	default:
		mutex_unlock(&tty->lock);
		return -EINVAL;
	}
	wake_all(&tty->writable, EPOLLOUT);
	mutex_unlock(&tty->lock);
	return 0;
}

static s64 write_int(u64 argument, int value)
{
	return user_write(argument, &value, sizeof(value));
}

static s64 queue_length(struct tty *tty, u64 argument, bool input)
{
	int count;

	mutex_lock(&tty->lock);
	count = input ? (int)tty_input_available(tty) : (int)tty->driver->queued(tty);
	mutex_unlock(&tty->lock);
	return write_int(argument, count);
}

static s64 job_control(struct tty *tty, unsigned command, u64 argument)
{
	const struct tty_process_operations *process = tty_process_operations();
	pid_nr number;
	int error;

	switch (command) {
	case TIOCSCTTY:
		return process->become_controlling(tty, argument == 1);
	case TIOCNOTTY:
		return process->leave_controlling(tty);
	case TIOCGPGRP:
		error = process->get_foreground(tty, false, &number);
		return error ? error : user_write(argument, &number, sizeof(number));
	case TIOCGSID:
		error = process->get_session(tty, false, &number);
		return error ? error : user_write(argument, &number, sizeof(number));
	default: /* TIOCSPGRP */
		error = user_read(&number, argument, sizeof(number));
		return error ? error : process->set_foreground(tty, number);
	}
}

static s64 exclusive(struct tty *tty, bool on)
{
	mutex_lock(&tty->lock);
	tty->exclusive = on;
	mutex_unlock(&tty->lock);
	return 0;
}

static s64 set_discipline(u64 argument)
{
	int discipline;
	int error = user_read(&discipline, argument, sizeof(discipline));

	if (error) {
		return error;
	}
	return discipline == N_TTY ? 0 : -EINVAL;
}

/* Commands that change the terminal: refused to background processes (SIGTTOU). */
static bool changes_terminal(unsigned command)
{
	switch (command) {
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
	case TCFLSH:
	case TCXONC:
	case TCSBRK:
	case TCSBRKP:
	case TIOCSPGRP:
		return true;
	}
	return false;
}

static s64 termios_ioctl(struct tty *tty, unsigned command, u64 argument)
{
	switch (command) {
	case TCGETS:
		return get_termios(tty, argument, TERMIOS_SIZE);
	case TCGETS2:
		return get_termios(tty, argument, TERMIOS2_SIZE);
	case TCSETS:
		return set_termios(tty, argument, TERMIOS_SIZE, SET_NOW);
	case TCSETSW:
		return set_termios(tty, argument, TERMIOS_SIZE, SET_DRAINED);
	case TCSETSF:
		return set_termios(tty, argument, TERMIOS_SIZE, SET_FLUSHED);
	case TCSETS2:
		return set_termios(tty, argument, TERMIOS2_SIZE, SET_NOW);
	case TCSETSW2:
		return set_termios(tty, argument, TERMIOS2_SIZE, SET_DRAINED);
	case TCSETSF2:
		return set_termios(tty, argument, TERMIOS2_SIZE, SET_FLUSHED);
	case TCFLSH:
		return flush(tty, argument);
	case TCXONC:
		return flow(tty, argument);
	case TCSBRK:
	case TCSBRKP:
		return drain(tty);
	}
	return -ENOTTY;
}

s64 tty_ioctl_common(struct tty *tty, struct file *file, unsigned command, u64 argument)
{
	if (changes_terminal(command)) {
		s64 error = tty_process_operations()->check_background(tty, SIGTTOU);

		if (error) {
			return error;
		}
	}
	switch (command) {
	case TIOCGWINSZ:
		return get_window(tty, argument);
	case TIOCSWINSZ:
		return set_window(tty, argument);
	case FIONREAD:
		return queue_length(tty, argument, true);
	case TIOCOUTQ:
		return queue_length(tty, argument, false);
	case TIOCSCTTY:
	case TIOCNOTTY:
	case TIOCGPGRP:
	case TIOCSPGRP:
	case TIOCGSID:
		return job_control(tty, command, argument);
	case TIOCEXCL:
	case TIOCNXCL:
		return exclusive(tty, command == TIOCEXCL);
	case TIOCGEXCL:
		return write_int(argument, tty->exclusive);
	case TIOCGETD:
		return write_int(argument, N_TTY);
	case TIOCSETD:
		return set_discipline(argument);
	}
	return termios_ioctl(tty, command, argument);
}
