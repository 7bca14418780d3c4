// SPDX-License-Identifier: MIT
/*
 * The early console: the first serial port (ns16550 at 0x3f8), polled. It is the log's sink until a driver takes over.
 */
#include "arch/console.h"
#include "arch/x86_64/instructions.h"
#include "arch/x86_64/port.h"
#include "core/log.h"
#include "lib/errno.h"

#define SERIAL_BASE 0x3f8

enum {
	DATA = 0,
	INTERRUPTS = 1,
	FIFO = 2,
	LINE = 3,
	MODEM = 4,
	LINE_STATUS = 5,
	SCRATCH = 7
};
enum { LINE_8N1 = 0x03, LINE_DIVISOR = 0x80, STATUS_ROOM = 0x20, STATUS_RECEIVED = 0x01 };
enum {
	MODEM_READY = 0x03,
	MODEM_INTERRUPTS = 0x08,
	INTERRUPT_RECEIVED = 0x01,
	SERIAL_LINE = 4
};

static void put(char c)
{
	for (unsigned spins = 0; spins < 100000; spins++) {
		if (port_read_8(SERIAL_BASE + LINE_STATUS) & STATUS_ROOM) {
			break;
		}
	}
	port_write_8(SERIAL_BASE + DATA, (u8)c);
}

static void console_write(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\n') {
			put('\r');
		}
		put(text[i]);
	}
}

init_ void console_early_init(void)
{
	port_write_8(SERIAL_BASE + SCRATCH, 0x5a);
	if (port_read_8(SERIAL_BASE + SCRATCH) != 0x5a) {
		return; /* no such port */
	}
	port_write_8(SERIAL_BASE + INTERRUPTS, 0);
	port_write_8(SERIAL_BASE + LINE, LINE_DIVISOR);
	port_write_8(SERIAL_BASE + DATA, 1); /* 115200 */
	port_write_8(SERIAL_BASE + INTERRUPTS, 0);
	port_write_8(SERIAL_BASE + LINE, LINE_8N1);
	port_write_8(SERIAL_BASE + FIFO, 0x07);
	port_write_8(SERIAL_BASE + MODEM, 0x0b);
	log_set_sink(console_write);
}

void arch_console_write(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		put(text[i]);
	}
}

int arch_console_start_input(unsigned *line)
{
	port_write_8(SERIAL_BASE + SCRATCH, 0x5a);
	if (port_read_8(SERIAL_BASE + SCRATCH) != 0x5a) {
		return -ENODEV;
	}
	port_write_8(SERIAL_BASE + MODEM, MODEM_READY | MODEM_INTERRUPTS);
	port_write_8(SERIAL_BASE + INTERRUPTS, INTERRUPT_RECEIVED);
	*line = SERIAL_LINE;
	return 0;
}

int arch_console_read(void)
{
	return port_read_8(SERIAL_BASE + LINE_STATUS) & STATUS_RECEIVED
		       ? port_read_8(SERIAL_BASE + DATA)
		       : -1;
}
