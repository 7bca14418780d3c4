// SPDX-License-Identifier: MIT
/*
 * The early console: the first serial port of the device tree (ns16550), polled; until it is found, and without one, the firmware's
 * console. It is the log's sink until a driver takes over.
 */
#include "arch/console.h"
#include "arch/common/device_tree.h"
#include "arch/riscv64/instructions.h"
#include "arch/riscv64/port.h"
#include "core/log.h"
#include "lib/errno.h"

enum { DATA = 0, INTERRUPTS = 1, FIFO = 2, LINE = 3, MODEM = 4, LINE_STATUS = 5 };
enum { LINE_8N1 = 0x03, STATUS_ROOM = 0x20, STATUS_RECEIVED = 0x01 };
enum { MODEM_READY = 0x03, MODEM_INTERRUPTS = 0x08, INTERRUPT_RECEIVED = 0x01 };

paddr_t console_page;
static volatile u8 *registers; /* NULL: there is none */
static struct device_node port;

static void put(char c)
{
	if (registers == NULL) {
		(void)sbi_call(SBI_OLD_PUT, 0, (u8)c, 0, 0, 0, 0);
		return;
	}
	for (unsigned spins = 0;
	     spins < 100000 && !(registers[LINE_STATUS] & STATUS_ROOM); spins++) {
	}
	registers[DATA] = (u8)c;
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
	log_set_sink(console_write);
}

init_ void console_find(void)
{
	u64 base, size;

	if (!device_tree_find(&port, "ns16550a") ||
	    !device_node_reg(&port, 0, &base, &size) ||
	    base + size > PHYSICAL_MAP_END - PHYSICAL_MAP_BASE ||
	    (base & ~PAGE_MASK) + MODEM > PAGE_SIZE) {
		return;
	}
	console_page = base & PAGE_MASK;
	registers = physical_to_virtual(base);
	registers[INTERRUPTS] = 0;
	registers[LINE] = LINE_8N1;
	registers[FIFO] = 0x07;
	registers[MODEM] = MODEM_READY;
}

void arch_console_write(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		put(text[i]);
	}
}

int arch_console_start_input(unsigned *line)
{
	if (registers == NULL || !plic_line_of(&port, line)) {
		return -ENODEV;
	}
	registers[MODEM] = MODEM_READY | MODEM_INTERRUPTS;
	registers[INTERRUPTS] = INTERRUPT_RECEIVED;
	return 0;
}

int arch_console_read(void)
{
	return registers[LINE_STATUS] & STATUS_RECEIVED ? registers[DATA] : -1;
}
