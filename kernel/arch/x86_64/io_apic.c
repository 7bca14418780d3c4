// SPDX-License-Identifier: MIT
/*
 * Device interrupt lines: the I/O APICs of the MADT, or the one at its usual place. Lines are numbered through all chips (GSI);
 * line n arrives as vector VECTOR_DEVICE_FIRST + n on CPU 0. The two 8259 chips are silenced.
 *
 * Locks     io_apic_lock: a chip's index and data registers are used as a pair.
 */
#include "arch/impl/cpu_local.h"
#include "arch/irq.h"
#include "arch/x86_64/instructions.h"
#include "arch/x86_64/port.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/spinlock.h"
#include "lib/errno.h"
#include "mm/kernel_stack.h"

#define DEFAULT_ADDRESS 0xfec00000UL

enum { REGISTER_INDEX = 0, REGISTER_DATA = 4 }; /* in 32-bit words */
enum { IO_APIC_VERSION = 1, IO_APIC_TABLE = 0x10 };
enum { LINE_ACTIVE_LOW = 1 << 13, LINE_LEVEL = 1 << 15, LINE_MASKED = 1 << 16 };

struct io_apic {
	volatile u32 *registers;
	u32 first_line, line_count;
};

static struct spinlock io_apic_lock = SPINLOCK_INIT(RANK_IPI, "io_apic_lock");
static struct io_apic chips[ACPI_IO_APICS_MAX]; /* written at boot */
static unsigned chip_count;

static u32 chip_read(struct io_apic *chip, u32 at) MUST_HOLD(&io_apic_lock)
{
	chip->registers[REGISTER_INDEX] = at;
	return chip->registers[REGISTER_DATA];
}

static void chip_write(struct io_apic *chip, u32 at, u32 value) MUST_HOLD(&io_apic_lock)
{
	chip->registers[REGISTER_INDEX] = at;
	chip->registers[REGISTER_DATA] = value;
}

static void write_line(struct io_apic *chip, u32 index, u32 low, u32 apic_id)
	MUST_HOLD(&io_apic_lock)
{
	chip_write(chip, IO_APIC_TABLE + 2 * index, LINE_MASKED);
	chip_write(chip, IO_APIC_TABLE + 2 * index + 1, apic_id << 24);
	chip_write(chip, IO_APIC_TABLE + 2 * index, low);
}

static void silence_8259(void)
{
	port_write_8(0x21, 0xff);
	port_write_8(0xa1, 0xff);
}

static void add_chip(paddr_t address, u32 first_line)
{
	struct io_apic *chip = &chips[chip_count];
	u64 flags;

	chip->registers = kernel_map_device(address, PAGE_SIZE);
	if (chip->registers == NULL) {
		panic("io_apic: its registers can not be mapped");
	}
	flags = spin_lock_irq(&io_apic_lock);
	chip->first_line = first_line;
	chip->line_count = (chip_read(chip, IO_APIC_VERSION) >> 16 & 0xff) + 1;
	for (u32 i = 0; i < chip->line_count; i++) {
		write_line(chip, i, LINE_MASKED, 0);
	}
	spin_unlock_irq(&io_apic_lock, flags);
	chip_count++;
}

void io_apic_init(void)
{
	silence_8259();
	for (unsigned i = 0; i < acpi.io_apic_count; i++) {
		add_chip(acpi.io_apics[i].address, acpi.io_apics[i].first_line);
	}
	if (chip_count == 0) {
		add_chip(DEFAULT_ADDRESS, 0);
	}
}

static struct io_apic *chip_of(unsigned line)
{
	for (unsigned i = 0; i < chip_count; i++) {
		if (line >= chips[i].first_line &&
		    line - chips[i].first_line < chips[i].line_count) {
			return &chips[i];
		}
	}
	return NULL;
}

/* What firmware says of an ISA line at this number; else active high. */
static u32 polarity_of(unsigned line)
{
	for (unsigned i = 0; i < acpi.override_count; i++) {
		if (acpi.overrides[i].line == line && acpi.overrides[i].active_low) {
			return LINE_ACTIVE_LOW;
		}
	}
	return 0;
}

int arch_irq_line_enable(unsigned line, bool level_triggered)
{
	struct io_apic *chip = chip_of(line);
	u32 low = (VECTOR_DEVICE_FIRST + line) | polarity_of(line);
	u64 flags;

	if (chip == NULL || VECTOR_DEVICE_FIRST + line > VECTOR_DEVICE_LAST) {
		return -EINVAL;
	}
	low |= level_triggered ? LINE_LEVEL : 0;
	flags = spin_lock_irq(&io_apic_lock);
	write_line(chip, line - chip->first_line, low, cpu_locals[0].hardware_id);
	spin_unlock_irq(&io_apic_lock, flags);
	return 0;
}

void arch_irq_line_disable(unsigned line)
{
	struct io_apic *chip = chip_of(line);
	u64 flags;

	if (chip != NULL) {
		flags = spin_lock_irq(&io_apic_lock);
		write_line(chip, line - chip->first_line, LINE_MASKED, 0);
		spin_unlock_irq(&io_apic_lock, flags);
	}
}
