// SPDX-License-Identifier: MIT
/*
 * The serial console as a terminal: /dev/console and /dev/ttyS0.
 *
 * Owns      the one console tty and its input ring.
 * Locks     input_lock (irq-safe): the ring, filled by the interrupt. A kernel thread carries it into the line discipline, which sleeps.
 *           output_lock: one writer of the port at a time (the log's sink has its own; lines may interleave with a program's, characters do not get lost).
 */
#include "tty/tty.h"

#include "arch/console.h"
#include "core/log.h"
#include "core/spinlock.h"
#include "drivers/interrupt.h"
#include "lib/errno.h"
#include <linux/eventpoll.h>
#include <linux/stat.h>

enum {
	RING_SIZE = 1024,
	TTY_MAJOR = 4,
	FIRST_SERIAL_MINOR = 64,
	CONSOLE_MAJOR = 5,
	CONSOLE_MINOR = 1
};

static struct tty console;
static struct spinlock output_lock = SPINLOCK_INIT(RANK_CONSOLE, "console output_lock");
static struct spinlock input_lock = SPINLOCK_INIT(RANK_TTY_BUFFER, "console input_lock");
static u8 ring[RING_SIZE] GUARDED_BY(input_lock);
static u32 ring_head GUARDED_BY(input_lock), ring_tail GUARDED_BY(input_lock);
static struct wait_queue input_arrived;

static size_t console_write(struct tty *tty, const u8 *data, size_t size)
{
	u64 flags = spin_lock_irq(&output_lock);

	arch_console_write((const char *)data, size);
	spin_unlock_irq(&output_lock, flags);
	return size;
}

static size_t console_room(struct tty *tty)
{
	return PAGE_SIZE; /* polled: it always goes out */
}

static size_t console_queued(struct tty *tty)
{
	return 0;
}

static const struct tty_driver console_driver = {
	.write = console_write,
	.room = console_room,
	.queued = console_queued,
};

static void console_interrupt(void *argument)
{
	u64 flags = spin_lock_irq(&input_lock);
	int c;

	while ((c = arch_console_read()) >= 0) {
		if (ring_head - ring_tail <
		    RING_SIZE) { /* else it is lost, as on any serial line */
			ring[ring_head++ % RING_SIZE] = (u8)c;
		}
	}
	spin_unlock_irq(&input_lock, flags);
	wake_all(&input_arrived, EPOLLIN);
}

static size_t take_input(u8 *to, size_t size)
{
	u64 flags = spin_lock_irq(&input_lock);
	size_t count = 0;

	while (count < size && ring_tail != ring_head) {
		to[count++] = ring[ring_tail++ % RING_SIZE];
	}
	spin_unlock_irq(&input_lock, flags);
	return count;
}

static void carry_input(void *argument)
{
	u8 chunk[64];
	size_t count = 0;

	for (;;) {
		(void)wait_until(&input_arrived,
				 (count = take_input(chunk, sizeof(chunk))) > 0,
				 THREAD_UNINTERRUPTIBLE, NSEC_NEVER);
		mutex_lock(&console.lock);
		(void)tty_receive(&console, chunk, count); /* what does not fit is lost */
		mutex_unlock(&console.lock);
	}
}

static int console_open(struct inode *inode, struct file *file)
{
	return tty_open_file(&console, file);
}

static struct file_operations console_operations;

static void start_input(void)
{
	struct sched_entity *carrier;
	unsigned line;

	wait_queue_init(&input_arrived);
	if (arch_console_start_input(&line)) {
		return;
	}
	if (sched_kernel_thread("console-input", carry_input, NULL, &carrier) ||
	    interrupt_register(line, false, console_interrupt, NULL)) {
		log_warning("console: no input");
	}
}

void console_tty_init(void)
{
	tty_init(&console, &console_driver, "ttyS0", TTY_MAJOR, FIRST_SERIAL_MINOR);
	console_operations = tty_file_operations;
	console_operations.open = console_open;
	if (device_register(S_IFCHR, TTY_MAJOR, FIRST_SERIAL_MINOR, 1, "ttyS",
			    &console_operations) ||
	    device_register(S_IFCHR, CONSOLE_MAJOR, CONSOLE_MINOR, 1, "console",
			    &console_operations) ||
	    devfs_add("ttyS0", S_IFCHR | 0600, TTY_MAJOR, FIRST_SERIAL_MINOR) ||
	    devfs_add("console", S_IFCHR | 0600, CONSOLE_MAJOR, CONSOLE_MINOR)) {
		log_warning("console: no device");
		return;
	}
	start_input();
}
