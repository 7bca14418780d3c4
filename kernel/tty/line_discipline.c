// SPDX-License-Identifier: MIT
/*
 * The N_TTY line discipline: input editing, echo, signals from keys, output processing.
 *
 * Owns      the input ring of struct tty and its columns.
 * Locks     tty.lock, held by every caller.
 *
 * Invariants
 *   L1  tail <= lines_end <= head, head - tail <= TTY_INPUT_SIZE.
 *   L2  In canonical mode the entry before lines_end is a delimiter or end-of-file mark; [lines_end, head) can be edited.
 */
#include "tty/line_discipline.h"

#include "lib/errno.h"
#include "lib/string.h"
#include <asm/signal.h>
#include <linux/eventpoll.h>

enum { DELETE = 0x7f, TAB_WIDTH = 8, RESERVED_FOR_DELIMITER = 1 };

static u16 *input_at(struct tty *tty, u32 position)
{
	return &tty->input[position % TTY_INPUT_SIZE];
}

static bool is_special(const struct tty *tty, u8 c, unsigned which)
{
	return c != 0 && tty->termios.c_cc[which] == c;
}

static bool is_continuation(const struct tty *tty, u16 entry)
{
	return TTY_FLAG(tty, iflag, IUTF8) && (entry & 0xc0) == 0x80;
}

/* ---- output ---- */

static void put_raw(struct tty *tty, const char *text, size_t size)
{
	(void)tty->driver->write(tty, (const u8 *)text, size);
}

/* One character with OPOST applied; false: no room now. */
static bool put_processed(struct tty *tty, u8 c)
{
	u8 out[TAB_WIDTH];
	size_t size = 1;
	u32 column = tty->column;

	out[0] = c;
	if (c == '\n' && TTY_FLAG(tty, oflag, ONLCR)) {
		out[0] = '\r';
		out[1] = '\n';
		size = 2;
		column = 0;
	} else if (c == '\n' && TTY_FLAG(tty, oflag, ONLRET)) {
		column = 0;
	} else if (c == '\r') {
		if (TTY_FLAG(tty, oflag, ONOCR) && column == 0) {
			return true;
		}
		out[0] = TTY_FLAG(tty, oflag, OCRNL) ? '\n' : '\r';
		column = 0;
	} else if (c == '\t') {
		size_t width = TAB_WIDTH - column % TAB_WIDTH;

		if ((tty->termios.c_oflag & TABDLY) == XTABS) {
			memset(out, ' ', width);
			size = width;
		}
		column += (u32)width;
	} else if (c == '\b') {
		column -= column > 0;
	} else if (c >= ' ' && c != DELETE && !is_continuation(tty, c)) {
		if (TTY_FLAG(tty, oflag, OLCUC) && c >= 'a' && c <= 'z') {
			out[0] = (u8)(c - 'a' + 'A');
		}
		column++;
	}
	if (tty->driver->room(tty) < size) {
		return false;
	}
	tty->column = column;
	return tty->driver->write(tty, out, size) == size;
}

size_t tty_output(struct tty *tty, const u8 *data, size_t size)
{
	size_t done = 0;

	if (tty->output_stopped) {
		return 0;
	}
	if (!TTY_FLAG(tty, oflag, OPOST)) {
		return tty->driver->write(tty, data, size);
	}
	while (done < size && put_processed(tty, data[done])) {
		done++;
	}
	return done;
}

/* ---- echo ---- */

static bool echoes_as_caret(const struct tty *tty, u8 c)
{
	return TTY_FLAG(tty, lflag, ECHOCTL) && (c < ' ' || c == DELETE) && c != '\t' &&
	       c != '\n';
}

static void echo_output(struct tty *tty, u8 c)
{
	if (TTY_FLAG(tty, oflag, OPOST)) {
		(void)put_processed(tty, c);
	} else {
		put_raw(tty, (const char *)&c, 1);
	}
}

static void echo(struct tty *tty, u8 c)
{
	if (!TTY_FLAG(tty, lflag, ECHO) && !(c == '\n' && TTY_FLAG(tty, lflag, ECHONL))) {
		return;
	}
	if (tty->input_lines_end == tty->input_head) {
		tty->line_start_column = tty->column;
	}
	if (echoes_as_caret(tty, c)) {
		echo_output(tty, '^');
		echo_output(tty, c ^ 0x40);
	} else {
		echo_output(tty, c);
	}
}

/* The column behind the editable line, by replaying it. */
static u32 column_of_line(struct tty *tty)
{
	u32 column = tty->line_start_column;

	for (u32 at = tty->input_lines_end; at != tty->input_head; at++) {
		u8 c = (u8)*input_at(tty, at);

		if (c == '\t') {
			column += TAB_WIDTH - column % TAB_WIDTH;
		} else if (echoes_as_caret(tty, c)) {
			column += 2;
		} else if (!is_continuation(tty, c)) {
			column++;
		}
	}
	return column;
}

/* ---- editing ---- */

static void erase_character(struct tty *tty)
{
	u32 before = tty->column, after;
	u8 c = 0;

	if (tty->input_head == tty->input_lines_end) {
		return;
	}
	do {
		c = (u8)*input_at(tty, --tty->input_head);
	} while (is_continuation(tty, c) && tty->input_head != tty->input_lines_end);
	if (!TTY_FLAG(tty, lflag, ECHO)) {
		return;
	}
	if (!TTY_FLAG(tty, lflag, ECHOE)) {
		echo(tty, tty->termios.c_cc[VERASE]);
		return;
	}
	after = column_of_line(tty);
	for (; before > after; before--) {
		put_raw(tty, c == '\t' ? "\b" : "\b \b", c == '\t' ? 1 : 3);
	}
	tty->column = after;
}

static void erase_word(struct tty *tty)
{
	bool in_word = false;

	while (tty->input_head != tty->input_lines_end) {
		u8 c = (u8)*input_at(tty, tty->input_head - 1);
		bool word = c == '_' || (c >= '0' && c <= '9') || (c | 0x20) >= 'a';

		if (in_word && !word) {
			break;
		}
		in_word = word;
		erase_character(tty);
	}
}

static void kill_line(struct tty *tty)
{
	if (TTY_FLAG(tty, lflag, ECHO) && !TTY_FLAG(tty, lflag, ECHOKE)) {
		tty->input_head = tty->input_lines_end;
		echo(tty, tty->termios.c_cc[VKILL]);
		if (TTY_FLAG(tty, lflag, ECHOK)) {
			echo_output(tty, '\n');
		}
		return;
	}
	while (tty->input_head != tty->input_lines_end) {
		erase_character(tty);
	}
}

static void reprint_line(struct tty *tty)
{
	echo(tty, tty->termios.c_cc[VREPRINT]);
	echo_output(tty, '\n');
	tty->line_start_column = tty->column;
	for (u32 at = tty->input_lines_end; at != tty->input_head; at++) {
		u8 c = (u8)*input_at(tty, at);

		if (echoes_as_caret(tty, c)) {
			echo_output(tty, '^');
			c ^= 0x40;
		}
		echo_output(tty, c);
	}
}

static void end_line(struct tty *tty, u16 entry)
{
	*input_at(tty, tty->input_head++) = entry;
	tty->input_lines_end = tty->input_head;
	wake_all(&tty->readable, EPOLLIN | EPOLLRDNORM);
}

/* Canonical mode's own characters; false: an ordinary one. */
static bool edit(struct tty *tty, u8 c)
{
	if (is_special(tty, c, VERASE)) {
		erase_character(tty);
	} else if (is_special(tty, c, VKILL)) {
		kill_line(tty);
	} else if (is_special(tty, c, VEOF)) {
		end_line(tty, TTY_END_OF_FILE | TTY_DELIMITER);
	} else if (TTY_FLAG(tty, lflag, IEXTEN) && is_special(tty, c, VWERASE)) {
		erase_word(tty);
	} else if (TTY_FLAG(tty, lflag, IEXTEN) && is_special(tty, c, VREPRINT)) {
		reprint_line(tty);
	} else if (TTY_FLAG(tty, lflag, IEXTEN) && is_special(tty, c, VLNEXT)) {
		tty->literal_next = true;
		if (TTY_FLAG(tty, lflag, ECHO) && TTY_FLAG(tty, lflag, ECHOCTL)) {
			put_raw(tty, "^\b", 2);
		}
	} else {
		return false;
	}
	return true;
}

/* ---- input ---- */

static void signal_from_key(struct tty *tty, u8 c, int signal)
{
	if (!TTY_FLAG(tty, lflag, NOFLSH)) {
		tty_flush_input(tty);
		if (tty->driver->flush_output) {
			tty->driver->flush_output(tty);
		}
	}
	echo(tty, c);
	tty_process_operations()->signal_foreground(tty, signal);
}

/* Keys that stop and start output or send signals; false: none of them. */
static bool control_key(struct tty *tty, u8 c)
{
	if (TTY_FLAG(tty, iflag, IXON)) {
		if (is_special(tty, c, VSTOP)) {
			tty->output_stopped = true;
			return true;
		}
		if (is_special(tty, c, VSTART) ||
		    (tty->output_stopped && TTY_FLAG(tty, iflag, IXANY))) {
			tty->output_stopped = false;
			wake_all(&tty->writable, EPOLLOUT | EPOLLWRNORM);
			if (is_special(tty, c, VSTART)) {
				return true;
			}
		}
	}
	if (!TTY_FLAG(tty, lflag, ISIG)) {
		return false;
	}
	if (is_special(tty, c, VINTR)) {
		signal_from_key(tty, c, SIGINT);
	} else if (is_special(tty, c, VQUIT)) {
		signal_from_key(tty, c, SIGQUIT);
	} else if (is_special(tty, c, VSUSP)) {
		signal_from_key(tty, c, SIGTSTP);
	} else {
		return false;
	}
	return true;
}

/* IGNCR, ICRNL, INLCR, ISTRIP, IUCLC; false: drop it. */
static bool translate(const struct tty *tty, u8 *c)
{
	if (TTY_FLAG(tty, iflag, ISTRIP)) {
		*c &= 0x7f;
	}
	if (*c == '\r') {
		if (TTY_FLAG(tty, iflag, IGNCR)) {
			return false;
		}
		*c = TTY_FLAG(tty, iflag, ICRNL) ? '\n' : *c;
	} else if (*c == '\n' && TTY_FLAG(tty, iflag, INLCR)) {
		*c = '\r';
	} else if (TTY_FLAG(tty, iflag, IUCLC) && TTY_FLAG(tty, lflag, IEXTEN) &&
		   *c >= 'A' && *c <= 'Z') {
		*c = (u8)(*c - 'A' + 'a');
	}
	return true;
}

static bool ends_line(const struct tty *tty, u8 c)
{
	return c == '\n' || is_special(tty, c, VEOL) ||
	       (TTY_FLAG(tty, lflag, IEXTEN) && is_special(tty, c, VEOL2));
}

static void receive_character(struct tty *tty, u8 c)
{
	bool canonical = TTY_FLAG(tty, lflag, ICANON), literal = tty->literal_next;

	tty->literal_next = false;
	if (!literal) {
		if (!translate(tty, &c) || control_key(tty, c) ||
		    (canonical && edit(tty, c))) {
			return;
		}
	}
	if (tty_input_count(tty) >= TTY_INPUT_SIZE - RESERVED_FOR_DELIMITER &&
	    (!canonical || literal || !ends_line(tty, c))) {
		if (TTY_FLAG(tty, iflag, IMAXBEL)) {
			put_raw(tty, "\a", 1);
		}
		return;
	}
	echo(tty, c);
	if (!canonical) {
		*input_at(tty, tty->input_head++) = c;
		tty->input_lines_end = tty->input_head;
		wake_all(&tty->readable, EPOLLIN | EPOLLRDNORM);
	} else if (!literal && ends_line(tty, c)) {
		end_line(tty, c | TTY_DELIMITER);
	} else {
		*input_at(tty, tty->input_head++) = c;
	}
}

size_t tty_input_room(struct tty *tty)
{
	u32 used = tty_input_count(tty);

	/* A line being edited in a full buffer must still take its end: only finished lines hold the other side up. */
	if (TTY_FLAG(tty, lflag, ICANON) && tty->input_lines_end == tty->input_tail) {
		return TTY_INPUT_SIZE;
	}
	return used < TTY_INPUT_SIZE - RESERVED_FOR_DELIMITER
		       ? TTY_INPUT_SIZE - RESERVED_FOR_DELIMITER - used
		       : 0;
}

size_t tty_receive(struct tty *tty, const u8 *data, size_t size)
{
	size_t done = 0;

	while (done < size && tty_input_room(tty) > 0) {
		receive_character(tty, data[done++]);
	}
	return done;
}

void tty_flush_input(struct tty *tty)
{
	tty->input_tail = tty->input_lines_end = tty->input_head = 0;
	tty->literal_next = false;
	if (tty->driver->room_made) {
		tty->driver->room_made(tty);
	}
}

void tty_mode_changed(struct tty *tty, bool was_canonical)
{
	bool canonical = TTY_FLAG(tty, lflag, ICANON);

	if (canonical == was_canonical || tty->input_head == tty->input_tail) {
		return;
	}
	if (canonical) { /* what is there counts as a line without an end */
		*input_at(tty, tty->input_head - 1) |= TTY_DELIMITER;
	}
	tty->input_lines_end = tty->input_head;
	wake_all(&tty->readable, EPOLLIN | EPOLLRDNORM);
}

bool tty_input_ready(const struct tty *tty, u32 minimum)
{
	if (TTY_FLAG(tty, lflag, ICANON)) {
		return tty->input_lines_end != tty->input_tail;
	}
	return tty_input_count(tty) >= MAX(minimum, 1u);
}

u32 tty_input_available(const struct tty *tty)
{
	u32 count = 0;

	for (u32 at = tty->input_tail; at != tty->input_lines_end; at++) {
		count += !(tty->input[at % TTY_INPUT_SIZE] & TTY_END_OF_FILE);
	}
	return count;
}

/* Up to `size` characters of what one read takes, without consuming; *entries: how many ring entries they span. */
static size_t peek_input(struct tty *tty, u8 *to, size_t size, u32 *entries,
			 bool *line_done)
{
	bool canonical = TTY_FLAG(tty, lflag, ICANON);
	u32 at = tty->input_tail,
	    end = canonical ? tty->input_lines_end : tty->input_head;
	size_t count = 0;

	*line_done = false;
	while (at != end && !*line_done) {
		u16 entry = *input_at(tty, at);

		if (!(entry & TTY_END_OF_FILE)) {
			if (count == size) {
				break;
			}
			to[count++] = (u8)entry;
		}
		at++;
		*line_done = canonical && (entry & TTY_DELIMITER);
	}
	*entries = at - tty->input_tail;
	return count;
}

s64 tty_take_input(struct tty *tty, struct io_buffer *io)
{
	s64 total = 0;
	bool line_done = false;

	while (io->remaining > 0 && !line_done && tty_input_ready(tty, 1)) {
		u8 chunk[128];
		u32 entries;
		size_t count = peek_input(tty, chunk, MIN(io->remaining, sizeof(chunk)),
					  &entries, &line_done);

		if (io_copy_to(io, chunk, count) != count) {
			return total ? total : -EFAULT;
		}
		tty->input_tail += entries;
		total += (s64)count;
	}
	if (tty->driver->room_made) {
		tty->driver->room_made(tty);
	}
	return total;
}
