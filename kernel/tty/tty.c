// SPDX-License-Identifier: MIT
/*
 * Terminals as files: open, read, write, poll, and what all terminals share.
 *
 * Owns      struct tty's life, tty_file_operations.
 * Locks     tty.lock (RANK_TTY) > user copies, process/'s locks (signals).
 */
#include "tty/tty.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "time/clock.h"
#include "tty/line_discipline.h"
#include <asm/signal.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

static const struct tty_process_operations *process_operations;

void tty_set_process_operations(const struct tty_process_operations *operations)
{
	process_operations = operations;
}

const struct tty_process_operations *tty_process_operations(void)
{
	return process_operations;
}

static void default_termios(struct termios2 *termios)
{
	static const u8 characters[NCCS] = {
		[VINTR] = 003,  [VQUIT] = 034,    [VERASE] = 0177,  [VKILL] = 025,
		[VEOF] = 004,   [VMIN] = 1,       [VSTART] = 021,   [VSTOP] = 023,
		[VSUSP] = 032,  [VREPRINT] = 022, [VDISCARD] = 017, [VWERASE] = 027,
		[VLNEXT] = 026,
	};

	termios->c_iflag = ICRNL | IXON;
	termios->c_oflag = OPOST | ONLCR;
	termios->c_cflag = B38400 | CS8 | CREAD | HUPCL;
	termios->c_lflag =
		ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
	memcpy(termios->c_cc, characters, sizeof(characters));
	termios->c_ispeed = termios->c_ospeed = 38400;
}

void tty_init(struct tty *tty, const struct tty_driver *driver, const char *name,
	      unsigned major, unsigned minor)
{
	memset(tty, 0, sizeof(*tty));
	refcount_init(&tty->references, 1);
	tty->driver = driver;
	tty->major = major;
	tty->minor = minor;
	string_copy(tty->name, name, sizeof(tty->name));
	mutex_init(&tty->lock, RANK_TTY, "tty.lock");
	wait_queue_init(&tty->readable);
	wait_queue_init(&tty->writable);
	default_termios(&tty->termios);
}

void tty_get(struct tty *tty)
{
	refcount_get(&tty->references);
}

void tty_put(struct tty *tty)
{
	if (tty && refcount_put(&tty->references) && tty->driver->destroy) {
		tty->driver->destroy(tty);
	}
}

u64 tty_device_number(const struct tty *tty)
{
	return (tty->minor & 0xff) | ((u64)tty->major << 8) |
	       ((u64)(tty->minor & ~0xffu) << 12);
}

void tty_hang_up(struct tty *tty)
{
	mutex_lock(&tty->lock);
	tty->hung_up = true;
	tty_flush_input(tty);
	wake_all(&tty->readable, EPOLLIN | EPOLLHUP);
	wake_all(&tty->writable, EPOLLOUT | EPOLLHUP);
	mutex_unlock(&tty->lock);
	process_operations->hang_up(tty);
}

int tty_open_file(struct tty *tty, struct file *file)
{
	mutex_lock(&tty->lock);
	if (tty->hung_up || (tty->exclusive && tty->open_count > 0)) {
		int error = tty->hung_up ? -EIO : -EBUSY;

		mutex_unlock(&tty->lock);
		return error;
	}
	tty->open_count++;
	mutex_unlock(&tty->lock);
	tty_get(tty);
	file->data = tty;
	if (!(file->flags & O_NOCTTY) && (file->mode & FILE_READ)) {
		process_operations->opened(tty);
	}
	return 0;
}

static void tty_release(struct file *file)
{
	struct tty *tty = file->data;

	if (!tty) {
		return;
	}
	mutex_lock(&tty->lock);
	tty->open_count--;
	if (tty->open_count == 0) {
		tty->exclusive = false;
		if (tty->driver->last_close) {
			tty->driver->last_close(tty);
		}
	}
	mutex_unlock(&tty->lock);
	tty_put(tty);
}

/* How a read waits: VMIN and VTIME in non-canonical mode. */
struct read_wait {
	u32 minimum;
	nsec_t tenths; /* VTIME as a length; 0: none */
	nsec_t deadline;
};

static void read_wait_init(struct read_wait *wait, const struct tty *tty, u64 size)
{
	wait->minimum = 1;
	wait->tenths = 0;
	wait->deadline = NSEC_NEVER;
	if (TTY_FLAG(tty, lflag, ICANON)) {
		return;
	}
	wait->minimum = (u32)MIN((u64)tty->termios.c_cc[VMIN], size);
	wait->tenths = tty->termios.c_cc[VTIME] * 100 * NSEC_PER_MSEC;
	if (wait->minimum == 0) {
		wait->deadline = clock_monotonic() + wait->tenths;
	}
}

/* Wait until a read can return: 0, or why not. tty.lock held. */
static int wait_for_input(struct tty *tty, struct file *file, u64 size)
	MUST_HOLD(&tty->lock)
{
	struct read_wait wait;
	u32 seen = tty_input_count(tty);

	read_wait_init(&wait, tty, size);
	while (!tty_input_ready(tty, wait.minimum) && !tty->hung_up) {
		int error;

		if (file_nonblocking(file)) {
			return tty_input_ready(tty, 1) ? 0 : -EAGAIN;
		}
		if (wait.minimum && wait.tenths &&
		    seen) { /* the timer runs between characters */
			wait.deadline = clock_monotonic() + wait.tenths;
		}
		error = mutex_sleep(&tty->lock, &tty->readable, wait.deadline);
		if (error) {
			return error == -ETIMEDOUT       ? 0
			       : tty_input_ready(tty, 1) ? 0
							 : error;
		}
		seen = tty_input_count(tty);
		if (TTY_FLAG(tty, lflag,
			     ICANON)) { /* the mode may have changed under us */
			wait.minimum = 1;
			wait.deadline = NSEC_NEVER;
		}
	}
	return 0;
}

static s64 tty_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct tty *tty = file->data;
	s64 result = process_operations->check_background(tty, SIGTTIN);

	if (result || io->remaining == 0) {
		return result;
	}
	mutex_lock(&tty->lock);
	result = wait_for_input(tty, file, io->remaining);
	if (!result) {
		result = tty_take_input(tty, io);
	}
	mutex_unlock(&tty->lock);
	return result;
}

static s64 write_locked(struct tty *tty, struct file *file, struct io_buffer *io)
	MUST_HOLD(&tty->lock)
{
	s64 done = 0;

	while (io->remaining > 0) {
		u8 chunk[256];
		size_t wanted = MIN(io->remaining, sizeof(chunk)), sent;
		size_t got = io_copy_from(io, chunk, wanted);

		sent = tty->hung_up ? 0 : tty_output(tty, chunk, got);
		done += (s64)sent;
		io_rewind(io, got - sent);
		if (tty->hung_up) {
			return done ? done : -EIO;
		}
		if (got < wanted && sent == got) {
			return done ? done : -EFAULT;
		}
		if (sent < got) {
			int error = file_nonblocking(file)
					    ? -EAGAIN
					    : mutex_sleep(&tty->lock, &tty->writable,
							  NSEC_NEVER);

			if (error) {
				return done ? done : error;
			}
		}
	}
	return done;
}

static s64 tty_write(struct file *file, struct io_buffer *io, u64 *position)
{
	struct tty *tty = file->data;
	s64 result = 0;

	if (TTY_FLAG(tty, lflag, TOSTOP)) {
		result = process_operations->check_background(tty, SIGTTOU);
	}
	if (result) {
		return result;
	}
	mutex_lock(&tty->lock);
	result = write_locked(tty, file, io);
	mutex_unlock(&tty->lock);
	return result;
}

static u32 tty_poll(struct file *file, struct poll_table *table)
{
	struct tty *tty = file->data;
	u32 mask = 0, minimum;

	poll_wait(table, &tty->readable);
	poll_wait(table, &tty->writable);
	mutex_lock(&tty->lock);
	minimum = tty->termios.c_cc[VTIME] ? 1 : tty->termios.c_cc[VMIN];
	mask |= tty_input_ready(tty, minimum) ? EPOLLIN | EPOLLRDNORM : 0;
	mask |= !tty->output_stopped && tty->driver->room(tty) > 0
			? EPOLLOUT | EPOLLWRNORM
			: 0;
	mask |= tty->hung_up ? EPOLLIN | EPOLLOUT | EPOLLHUP : 0;
	mutex_unlock(&tty->lock);
	return mask;
}

static s64 tty_ioctl(struct file *file, unsigned command, u64 argument)
{
	struct tty *tty = file->data;
	s64 result = tty->driver->ioctl ? tty->driver->ioctl(tty, file, command, argument)
					: -ENOTTY;

	return result == -ENOTTY ? tty_ioctl_common(tty, file, command, argument)
				 : result;
}

const struct file_operations tty_file_operations = {
	.read = tty_read,
	.write = tty_write,
	.poll = tty_poll,
	.ioctl = tty_ioctl,
	.release = tty_release,
	.no_position = true,
};

struct tty *tty_from_file(struct file *file)
{
	return file->operations->release == tty_release ? file->data : NULL;
}

/* /dev/tty: whatever the caller's controlling terminal is. */
static int open_controlling(struct inode *inode, struct file *file)
{
	struct tty *tty = process_operations->controlling();
	int error;

	if (!tty) {
		return -ENXIO;
	}
	error = tty_open_file(tty, file);
	tty_put(tty);
	return error;
}

static struct file_operations controlling_operations;

void tty_init_devices(void)
{
	controlling_operations = tty_file_operations;
	controlling_operations.open = open_controlling;
	if (device_register(S_IFCHR, 5, 0, 1, "/dev/tty", &controlling_operations) ||
	    devfs_add("tty", S_IFCHR | 0666, 5, 0)) {
		return; /* no memory at boot: the device is missing, opens say ENXIO */
	}
	devpts_init();
	pty_init();
	console_tty_init();
}
