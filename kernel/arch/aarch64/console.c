// SPDX-License-Identifier: MIT
/*
 * The early console: the first PL011 of the device tree, polled. It is the log's sink until a driver takes over.
 */
#include "arch/console.h"
#include "arch/aarch64/port.h"
#include "arch/common/device_tree.h"
#include "core/log.h"
#include "lib/errno.h"

enum {
	DATA = 0x00,
	FLAGS = 0x18,
	LINE_CONTROL = 0x2c,
	CONTROL = 0x30,
	INTERRUPT_MASK = 0x38,
	INTERRUPT_CLEAR = 0x44
};
enum { FLAG_FULL = 0x20, FLAG_EMPTY = 0x10 };
enum { LINE_8_BITS = 0x60, LINE_FIFO = 0x10 };
enum { CONTROL_ON = 0x301 };
enum { INTERRUPT_RECEIVED = 0x50 }; /* and: some have waited for a while */

static volatile u8 *registers; /* NULL: there is none */
static unsigned interrupt_line;

static u32 port_read(unsigned at)
{
	return *(volatile u32 *)(registers + at);
}

static void port_write(unsigned at, u32 value)
{
	*(volatile u32 *)(registers + at) = value;
}

static void put(char c)
{
	if (registers == NULL) {
		return;
	}
	for (unsigned spins = 0; spins < 100000 && port_read(FLAGS) & FLAG_FULL;
	     spins++) {
	}
	port_write(DATA, (u8)c);
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
	struct device_node node = {0};
	u64 base, size;

	if (!device_tree_find(&node, "arm,pl011") ||
	    !device_node_reg(&node, 0, &base, &size)) {
		return;
	}
	(void)gic_line_of(&node, 0, &interrupt_line);
	registers = kernel_map_early_console(base);
	port_write(INTERRUPT_MASK, 0);
	port_write(LINE_CONTROL, LINE_8_BITS | LINE_FIFO);
	port_write(CONTROL, CONTROL_ON);
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
	if (registers == NULL || interrupt_line == 0) {
		return -ENODEV;
	}
	port_write(INTERRUPT_CLEAR, INTERRUPT_RECEIVED);
	port_write(INTERRUPT_MASK, INTERRUPT_RECEIVED);
	*line = interrupt_line;
	return 0;
}

int arch_console_read(void)
{
	return port_read(FLAGS) & FLAG_EMPTY ? -1 : (int)(port_read(DATA) & 0xff);
}
