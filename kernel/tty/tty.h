// SPDX-License-Identifier: MIT
/*
 * Terminals: termios(3), tty_ioctl(4), pty(7).
 *
 * A tty is a line discipline between a driver (the serial console, the master side of a pty) and the programs that have it open.
 */
#pragma once

#include "core/refcount.h"
#include "fs/file.h"
#include "lib/compiler.h"
#include "lib/types.h"
#include "sched/wait.h"
#include "sync/mutex.h"
#include <asm/termbits.h>
#include <asm/termios.h>

struct tty;

/* All with tty.lock held; none sleeps. */
struct tty_driver {
	/* Take up to `size` bytes of output; how many were taken. */
	size_t (*write)(struct tty *tty, const u8 *data, size_t size);
	size_t (*room)(struct tty *tty);   /* how many write() would take now */
	size_t (*queued)(struct tty *tty); /* written and not yet out: TIOCOUTQ */
	void (*room_made)(
		struct tty *tty); /* a reader took input: the other side may give more */
	void (*flush_output)(struct tty *tty);
	/* The last close of the terminal side. NULL: nothing. */
	void (*last_close)(struct tty *tty);
	/* ioctls of the driver's own; -ENOTTY: not one. Without tty.lock. */
	s64 (*ioctl)(struct tty *tty, struct file *file, unsigned command, u64 argument);
	/* The last reference went; without tty.lock. */
	void (*destroy)(struct tty *tty);
};

enum {
	TTY_INPUT_SIZE = 4096,
	TTY_DELIMITER = 0x100,   /* a line ends with this character */
	TTY_END_OF_FILE = 0x200, /* no character: the line ends here */
};

struct tty {
	struct refcount references;
	const struct tty_driver *driver;
	char name[16];
	unsigned major, minor;

	struct mutex lock; /* all below */
	struct termios2 termios;
	struct winsize window;
	u32 open_count;
	bool hung_up, exclusive, output_stopped, literal_next;
	u32 column, line_start_column;
	u32 input_tail, input_lines_end,
		input_head; /* free-running; [tail, lines_end) are whole lines in canonical mode */
	u16 input[TTY_INPUT_SIZE];

	struct wait_queue readable, writable;

	bool is_controlling; /* process/terminal.c's, under its lock: a session holds a reference */
};

/* What process/ installs: sessions, groups and signals. All take the running thread as "the caller"; may be called with tty.lock held. */
struct tty_process_operations {
	/* May the caller use its terminal from where it is? 0; else the signal (SIGTTIN, SIGTTOU) was sent: -ERESTART, or -EIO (ignored, orphaned). */
	int (*check_background)(struct tty *tty, int signal);
	void (*signal_foreground)(struct tty *tty, int signal);
	void (*hang_up)(
		struct
		tty *tty); /* SIGHUP, SIGCONT; nobody's controlling terminal any more */
	int (*become_controlling)(struct tty *tty, bool steal); /* TIOCSCTTY */
	int (*leave_controlling)(struct tty *tty);              /* TIOCNOTTY */
	/* The caller's own terminal, or any when asked by its master: else -ENOTTY. */
	int (*get_foreground)(struct tty *tty, bool by_master, pid_nr *out);
	int (*set_foreground)(struct tty *tty, pid_nr group);
	int (*get_session)(struct tty *tty, bool by_master, pid_nr *out);
	void (*opened)(
		struct
		tty *tty); /* open(2) without O_NOCTTY: a session leader without terminal gets it */
	struct tty *(*controlling)(void); /* the caller's, with a reference, or NULL */
};
void tty_set_process_operations(const struct tty_process_operations *operations);
const struct tty_process_operations *tty_process_operations(void);

/* One reference; termios as a fresh terminal has it. */
void tty_init(struct tty *tty, const struct tty_driver *driver, const char *name,
	      unsigned major, unsigned minor);
void tty_get(struct tty *tty);
void tty_put(struct tty *tty); /* may sleep */
/* The device number of a controlling terminal as /proc/PID/stat has it. */
u64 tty_device_number(const struct tty *tty);

/* Input from the driver, tty.lock held; how many were taken (fewer: no room). */
size_t tty_receive(struct tty *tty, const u8 *data, size_t size) MUST_HOLD(&tty->lock);
size_t tty_input_room(struct tty *tty);
/* The line went away: readers get end of file, writers EIO; SIGHUP. Without tty.lock. */
void tty_hang_up(struct tty *tty);

/* The terminal side's file operations and open, for drivers' devices. */
extern const struct file_operations tty_file_operations;
int tty_open_file(struct tty *tty,
		  struct file *file) must_check; /* takes a reference of its own */
/* The tty behind a file's terminal side or pty master, borrowed; NULL: none. */
struct tty *tty_from_file(struct file *file);
s64 tty_ioctl_common(struct tty *tty, struct file *file, unsigned command, u64 argument);

/* Boot: devices tty, ptmx, console; the types devpts. */
void tty_init_devices(void);
void pty_init(void);
void devpts_init(void);
void console_tty_init(void);
