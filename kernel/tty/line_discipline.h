// SPDX-License-Identifier: MIT
/* The N_TTY line discipline: termios(3). Everything with tty.lock held. */
#pragma once

#include "tty/tty.h"

#define TTY_FLAG(tty, field, flag) (((tty)->termios.c_##field & (flag)) != 0)

static inline u32 tty_input_count(const struct tty *tty)
{
	return tty->input_head - tty->input_tail;
}

/* Is there something a read would return (canonical: a line; else at least `minimum` bytes)? */
bool tty_input_ready(const struct tty *tty, u32 minimum);
/* Bytes a read could take now: FIONREAD. */
u32 tty_input_available(const struct tty *tty);
/* Move input to io as one read(2) does. Bytes, 0 for an end of file, -EFAULT. */
s64 tty_take_input(struct tty *tty, struct io_buffer *io);
void tty_flush_input(struct tty *tty);
/* The mode changed between canonical and not: what is buffered stays readable. */
void tty_mode_changed(struct tty *tty, bool was_canonical);
/* Output with processing (OPOST): how many of `size` were consumed. */
size_t tty_output(struct tty *tty, const u8 *data, size_t size);
