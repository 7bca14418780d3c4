// SPDX-License-Identifier: MIT
/*
 * Pseudoterminals: /dev/ptmx gives a master, whose terminal side is /dev/pts/N (pty(7), devpts).
 *
 * Owns      struct pty; the table of live numbers.
 * Locks     table_lock (spin) for the numbers. A pair's state is under its tty.lock.
 *
 * The pair lives while the master is open or the terminal side is referenced. Closing the master hangs the terminal up; closing the
 * terminal side's last descriptor makes the master read EIO until it is opened again.
 */
#include "tty/pty.h"

#include "core/spinlock.h"
#include "fs/path.h"
#include "lib/bitmap.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "mm/heap.h"
#include "mm/usercopy.h"
#include "tty/line_discipline.h"
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

enum { OUTPUT_SIZE = 16384 };

struct pty {
	struct tty tty; /* the terminal side; must be first */
	unsigned index;
	u32 uid, gid;
	/* tty.lock */
	bool master_open, locked, terminal_was_open, packet_mode;
	u8 packet_status;
	u32 output_head, output_tail;
	struct wait_queue master_readable, master_writable;
	u8 output[OUTPUT_SIZE];
};

static struct spinlock table_lock = SPINLOCK_INIT(RANK_TTY_BUFFER, "pty table_lock");
static struct pty *table[PTY_MAXIMUM] GUARDED_BY(table_lock);

static struct pty *pty_of(struct tty *tty)
{
	return container_of(tty, struct pty, tty);
}

/* ---- the terminal side's driver: output goes to the master ---- */

static size_t pty_queued(struct tty *tty)
{
	return pty_of(tty)->output_head - pty_of(tty)->output_tail;
}

static size_t pty_room(struct tty *tty)
{
	return pty_of(tty)->master_open ? OUTPUT_SIZE - pty_queued(tty) : OUTPUT_SIZE;
}

static size_t pty_output(struct tty *tty, const u8 *data, size_t size)
{
	struct pty *pty = pty_of(tty);
	size_t count = MIN(size, OUTPUT_SIZE - pty_queued(tty));

	if (!pty->master_open) {
		return size;
	}
	for (size_t i = 0; i < count; i++) {
		pty->output[pty->output_head++ % OUTPUT_SIZE] = data[i];
	}
	if (count) {
		wake_all(&pty->master_readable, EPOLLIN | EPOLLRDNORM);
	}
	return count;
}

static void pty_room_made(struct tty *tty)
{
	wake_all(&pty_of(tty)->master_writable, EPOLLOUT | EPOLLWRNORM);
}

static void pty_flush_output(struct tty *tty)
{
	struct pty *pty = pty_of(tty);

	pty->output_tail = pty->output_head;
	pty->packet_status |= TIOCPKT_FLUSHWRITE;
	wake_all(&tty->writable, EPOLLOUT | EPOLLWRNORM);
	wake_all(&pty->master_readable, EPOLLPRI);
}

static void pty_last_close(struct tty *tty)
{
	wake_all(&pty_of(tty)->master_readable, EPOLLIN | EPOLLHUP);
	wake_all(&pty_of(tty)->master_writable, EPOLLOUT | EPOLLHUP);
}

static void pty_destroy(struct tty *tty)
{
	struct pty *pty = pty_of(tty);

	spin_lock(&table_lock);
	table[pty->index] = NULL;
	spin_unlock(&table_lock);
	heap_free(pty);
}

static const struct tty_driver pty_driver = {
	.write = pty_output,
	.room = pty_room,
	.queued = pty_queued,
	.room_made = pty_room_made,
	.flush_output = pty_flush_output,
	.last_close = pty_last_close,
	.destroy = pty_destroy,
};

/* ---- the table ---- */

struct tty *pty_find(unsigned index)
{
	struct tty *tty = NULL;

	spin_lock(&table_lock);
	if (index < PTY_MAXIMUM && table[index] && table[index]->master_open &&
	    refcount_try_get(&table[index]->tty.references)) {
		tty = &table[index]->tty;
	}
	spin_unlock(&table_lock);
	return tty;
}

int pty_next(unsigned from)
{
	int found = -1;

	spin_lock(&table_lock);
	for (unsigned i = from; i < PTY_MAXIMUM && found < 0; i++) {
		found = table[i] && table[i]->master_open ? (int)i : -1;
	}
	spin_unlock(&table_lock);
	return found;
}

void pty_owner(unsigned index, u32 *uid, u32 *gid)
{
	spin_lock(&table_lock);
	if (index < PTY_MAXIMUM && table[index]) {
		*uid = table[index]->uid;
		*gid = table[index]->gid;
	}
	spin_unlock(&table_lock);
}

static bool take_number(struct pty *pty)
{
	bool found = false;

	spin_lock(&table_lock);
	for (unsigned i = 0; i < PTY_MAXIMUM && !found; i++) {
		if (!table[i]) {
			table[i] = pty;
			pty->index = i;
			found = true;
		}
	}
	spin_unlock(&table_lock);
	return found;
}

/* ---- the master ---- */

static int master_open(struct inode *inode, struct file *file)
{
	struct pty *pty = heap_allocate(sizeof(*pty));

	if (!pty) {
		return -ENOMEM;
	}
	tty_init(&pty->tty, &pty_driver, "pts", PTY_SLAVE_MAJOR, 0);
	wait_queue_init(&pty->master_readable);
	wait_queue_init(&pty->master_writable);
	pty->uid = file->credentials ? file->credentials->fsuid : 0;
	pty->gid = 5; /* tty's group, as devpts is mounted everywhere */
	pty->locked = true;
	pty->master_open = true;
	if (!take_number(pty)) {
		heap_free(pty);
		return -ENOSPC;
	}
	pty->tty.minor = pty->index;
	format_string(pty->tty.name, sizeof(pty->tty.name), "pts/%u", pty->index);
	file->data = pty;
	return 0;
}

static void master_release(struct file *file)
{
	struct pty *pty = file->data;

	if (!pty) {
		return;
	}
	mutex_lock(&pty->tty.lock);
	pty->master_open = false;
	mutex_unlock(&pty->tty.lock);
	tty_hang_up(&pty->tty);
	tty_put(&pty->tty);
}

static bool master_has_data(const struct pty *pty)
{
	return pty->output_head != pty->output_tail ||
	       (pty->packet_mode && pty->packet_status);
}

static bool terminal_gone(const struct pty *pty)
{
	return pty->terminal_was_open && pty->tty.open_count == 0;
}

/* The bytes themselves, after a packet mode header if there is one. */
static s64 master_take(struct pty *pty, struct io_buffer *io)
{
	s64 total = 0;

	if (pty->packet_mode) {
		u8 header = pty->packet_status;

		pty->packet_status = 0;
		if (io_copy_to(io, &header, 1) != 1) {
			return -EFAULT;
		}
		total = 1;
		if (header) {
			return total;
		}
	}
	while (io->remaining > 0 && pty->output_head != pty->output_tail) {
		u32 at = pty->output_tail % OUTPUT_SIZE;
		size_t chunk = MIN(
			MIN((u64)(pty->output_head - pty->output_tail), io->remaining),
			(u64)(OUTPUT_SIZE - at));
		size_t moved = io_copy_to(io, &pty->output[at], chunk);

		pty->output_tail += (u32)moved;
		total += (s64)moved;
		if (moved < chunk) {
			return total ? total : -EFAULT;
		}
	}
	return total;
}

static s64 master_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct pty *pty = file->data;
	s64 result = 0;

	if (io->remaining == 0) {
		return 0;
	}
	mutex_lock(&pty->tty.lock);
	while (!master_has_data(pty) && !result) {
		if (terminal_gone(pty)) {
			result = -EIO;
		} else if (file_nonblocking(file)) {
			result = -EAGAIN;
		} else {
			result = mutex_sleep(&pty->tty.lock, &pty->master_readable,
					     NSEC_NEVER);
		}
	}
	if (!result) {
		result = master_take(pty, io);
		wake_all(&pty->tty.writable, EPOLLOUT | EPOLLWRNORM);
	}
	mutex_unlock(&pty->tty.lock);
	return result;
}

static s64 master_write(struct file *file, struct io_buffer *io, u64 *position)
{
	struct pty *pty = file->data;
	s64 done = 0;
	int error = 0;

	mutex_lock(&pty->tty.lock);
	while (io->remaining > 0 && !error) {
		u8 chunk[256];
		size_t wanted = MIN(MIN(io->remaining, sizeof(chunk)),
				    tty_input_room(&pty->tty)),
		       taken;

		if (wanted == 0) {
			error = file_nonblocking(file)
					? -EAGAIN
					: mutex_sleep(&pty->tty.lock,
						      &pty->master_writable, NSEC_NEVER);
			continue;
		}
		if (io_copy_from(io, chunk, wanted) != wanted) {
			error = -EFAULT;
			break;
		}
		taken = tty_receive(&pty->tty, chunk, wanted);
		io_rewind(io, wanted - taken);
		done += (s64)taken;
	}
	mutex_unlock(&pty->tty.lock);
	return done ? done : error;
}

static u32 master_poll(struct file *file, struct poll_table *table)
{
	struct pty *pty = file->data;
	u32 mask = 0;

	poll_wait(table, &pty->master_readable);
	poll_wait(table, &pty->master_writable);
	mutex_lock(&pty->tty.lock);
	mask |= master_has_data(pty) ? EPOLLIN | EPOLLRDNORM : 0;
	mask |= pty->packet_mode && pty->packet_status ? EPOLLPRI : 0;
	mask |= tty_input_room(&pty->tty) > 0 ? EPOLLOUT | EPOLLWRNORM : 0;
	mask |= terminal_gone(pty) ? EPOLLHUP : 0;
	mutex_unlock(&pty->tty.lock);
	return mask;
}

static s64 set_flag(struct pty *pty, bool *flag, u64 argument)
{
	int value;
	int error = user_read(&value, argument, sizeof(value));

	if (error) {
		return error;
	}
	mutex_lock(&pty->tty.lock);
	*flag = value != 0;
	mutex_unlock(&pty->tty.lock);
	return 0;
}

static s64 write_int(u64 argument, int value)
{
	return user_write(argument, &value, sizeof(value));
}

static s64 send_signal(struct pty *pty, u64 signal)
{
	if (signal != SIGINT && signal != SIGQUIT && signal != SIGTSTP) {
		return -EINVAL;
	}
	tty_process_operations()->signal_foreground(&pty->tty, (int)signal);
	return 0;
}

static s64 master_ioctl(struct file *file, unsigned command, u64 argument)
{
	struct pty *pty = file->data;
	int count, error;
	pid_nr number;

	switch (command) {
	case TIOCGPTN:
		return write_int(argument, (int)pty->index);
	case TIOCSPTLCK:
		return set_flag(pty, &pty->locked, argument);
	case TIOCGPTLCK:
		return write_int(argument, pty->locked);
	case TIOCPKT:
		return set_flag(pty, &pty->packet_mode, argument);
	case TIOCGPKT:
		return write_int(argument, pty->packet_mode);
	case TIOCSIG:
		return send_signal(pty, argument);
	case FIONREAD:
		mutex_lock(&pty->tty.lock);
		count = (int)pty_queued(&pty->tty);
		mutex_unlock(&pty->tty.lock);
		return write_int(argument, count);
	case TIOCSCTTY:
	case TIOCNOTTY:
		return -ENOTTY;
	case TIOCGPGRP:
		error = tty_process_operations()->get_foreground(&pty->tty, true,
								 &number);
		return error ? error : write_int(argument, number);
	case TIOCGSID:
		error = tty_process_operations()->get_session(&pty->tty, true, &number);
		return error ? error : write_int(argument, number);
	default:
		return tty_ioctl_common(&pty->tty, file, command, argument);
	}
}

static const struct file_operations master_operations = {
	.open = master_open,
	.read = master_read,
	.write = master_write,
	.poll = master_poll,
	.ioctl = master_ioctl,
	.release = master_release,
	.no_position = true,
};

/* ---- /dev/pts/N ---- */

static int terminal_open(struct inode *inode, struct file *file)
{
	u64 device = inode->attributes.special_device;
	struct tty *tty =
		pty_find((unsigned)((device & 0xff) | ((device >> 12) & ~0xffULL)));
	struct pty *pty = tty ? pty_of(tty) : NULL;
	int error = -EIO;

	if (!tty) {
		return -ENXIO;
	}
	mutex_lock(&tty->lock);
	if (pty->master_open && !pty->locked) {
		pty->terminal_was_open = true;
		error = 0;
	}
	mutex_unlock(&tty->lock);
	if (!error) {
		error = tty_open_file(tty, file);
	}
	tty_put(tty);
	return error;
}

static struct file_operations terminal_operations;

void pty_init(void)
{
	terminal_operations = tty_file_operations;
	terminal_operations.open = terminal_open;
	if (device_register(S_IFCHR, PTY_SLAVE_MAJOR, 0, PTY_MAXIMUM, "pts",
			    &terminal_operations) ||
	    device_register(S_IFCHR, PTMX_MAJOR, PTMX_MINOR, 1, "ptmx",
			    &master_operations) ||
	    devfs_add("ptmx", S_IFCHR | 0666, PTMX_MAJOR, PTMX_MINOR)) {
		return; /* no memory at boot: opens say ENXIO */
	}
}
