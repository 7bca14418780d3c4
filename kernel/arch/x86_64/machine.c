// SPDX-License-Identifier: MIT
/*
 * The machine around the CPUs: virtio-mmio slots and other fixed devices, and the ways to end.
 *
 * QEMU's microvm has a window of virtio-mmio slots at a fixed place and says where only in ACPI bytecode, or, without ACPI, on the command
 * line. No bytecode is interpreted here: a hardware-reduced QEMU machine is microvm, and its slots are asked for their magic value.
 */
#include "arch/boot.h"
#include "arch/cpu.h"
#include "arch/timer.h"
#include "arch/x86_64/instructions.h"
#include "arch/x86_64/port.h"
#include "core/command_line.h"
#include "core/log.h"
#include "lib/string.h"
#include "mm/kernel_stack.h"

#define VIRTIO_WINDOW    0xfeb00000UL
#define VIRTIO_SLOT_SIZE 512UL
#define VIRTIO_MAGIC     0x74726976u
#define EXIT_PORT        0xf4
#define SLEEP_S5         0x34 /* type 5 in bits 2-4, enable in bit 5 */
#define PM1_SLEEP_ENABLE 0x2000

struct device_list {
	struct platform_device *to;
	unsigned count, max;
};

static void add_device(struct device_list *list, const char *compatible, paddr_t base,
		       u64 size, unsigned irq)
{
	if (list->count < list->max) {
		list->to[list->count++] =
			(struct platform_device){compatible, base, size, irq};
	}
}

/* A number with an optional K, M or G; moves *text behind it. */
static bool parse_number(const char **text, u64 *out)
{
	unsigned base = 10, digits = 0;
	const char *at = *text;
	u64 value = 0;

	if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X')) {
		base = 16;
		at += 2;
	}
	for (;; at++, digits++) {
		char c = *at;
		unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
				 : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
							: 99;
		if (digit >= base || value > (~0UL - digit) / base) {
			break;
		}
		value = value * base + digit;
	}
	switch (*at | 0x20) {
	case 'k':
		value <<= 10;
		at++;
		break;
	case 'm':
		value <<= 20;
		at++;
		break;
	case 'g':
		value <<= 30;
		at++;
		break;
	}
	*text = at;
	*out = value;
	return digits > 0;
}

/* SIZE@BASE:IRQ[:ID] */
static bool parse_virtio_word(const char *word, u64 *size, u64 *base, u64 *irq)
{
	if (!parse_number(&word, size) || *word++ != '@') {
		return false;
	}
	if (!parse_number(&word, base) || *word++ != ':') {
		return false;
	}
	return parse_number(&word, irq) && (*word == '\0' || *word == ':') &&
	       *size >= 0x100 && *size <= 1 << 20 && *irq < 256;
}

static void add_virtio_words(struct device_list *list)
{
	const char *word;
	u64 size, base, irq;

	for (unsigned i = 0; (word = command_line_nth("virtio_mmio.device", i)) != NULL;
	     i++) {
		if (parse_virtio_word(word, &size, &base, &irq)) {
			add_device(list, "virtio,mmio", base, size, (unsigned)irq);
		} else {
			log_warning("virtio_mmio.device=%s is not SIZE@BASE:IRQ", word);
		}
	}
}

/* With a second I/O APIC the slots are its lines; with one they are the upper eight of it. */
static void add_virtio_window(struct device_list *list)
{
	unsigned count = acpi.io_apic_count > 1 ? 24 : 8;
	unsigned first_line = acpi.io_apic_count > 1 ? 24 : 16;
	volatile u8 *window = kernel_map_device(VIRTIO_WINDOW, count * VIRTIO_SLOT_SIZE);

	for (unsigned i = 0; i < count && window != NULL; i++) {
		volatile u32 *slot = (volatile u32 *)(window + i * VIRTIO_SLOT_SIZE);

		if (slot[0] == VIRTIO_MAGIC) {
			add_device(list, "virtio,mmio",
				   VIRTIO_WINDOW + i * VIRTIO_SLOT_SIZE, VIRTIO_SLOT_SIZE,
				   first_line + i);
		}
	}
}

unsigned arch_platform_devices(struct platform_device *to, unsigned max)
{
	struct device_list list = {to, 0, max};

	add_device(&list, "ns16550", 0x3f8, 8, 4); /* an I/O port */
	if (command_line_nth("virtio_mmio.device", 0) != NULL) {
		add_virtio_words(&list);
	} else if (acpi.qemu && acpi.hardware_reduced) {
		add_virtio_window(&list);
	}
	return list.count;
}

/* Device registers for the last moments, mapped while there is time. */
static volatile u8 *reset_register, *sleep_register;

static volatile u8 *map_register(const struct acpi_register *r)
{
	return r->address != 0 && r->space == 0 ? kernel_map_device(r->address, 1) : NULL;
}

void machine_init(void)
{
	reset_register = map_register(&acpi.reset);
	sleep_register = map_register(&acpi.sleep_control);
}

/* Takes effect a moment later, if at all. */
static void power_off(void)
{
	if (sleep_register != NULL) {
		*sleep_register = SLEEP_S5;
		arch_delay(100 * NSEC_PER_MSEC);
	}
	if (acpi.qemu && acpi.pm1_control != 0) {
		port_write_16(acpi.pm1_control, PM1_SLEEP_ENABLE);
		arch_delay(100 * NSEC_PER_MSEC);
	}
}

static void reset(void)
{
	if (reset_register != NULL) {
		*reset_register = acpi.reset_value;
	} else if (acpi.reset.space == 1) {
		port_write_8((u16)acpi.reset.address, acpi.reset_value);
	}
	port_write_8(0x64, 0xfe); /* the keyboard controller's reset line */
}

static noreturn_ void triple_fault(void)
{
	struct packed_ {
		u16 limit;
		u64 base;
	} none = {0, 0};

	__asm__ volatile("lidt %0; int3" ::"m"(none));
	arch_cpu_stop();
}

/* The exit port makes (value << 1) | 1 of it: status 255 comes out as 255 if 127 is written. */
void arch_machine_exit(unsigned status)
{
	if (status != 0) {
		port_write_32(EXIT_PORT, status >> 1);
	}
	power_off();
	port_write_32(EXIT_PORT, status >> 1);
	reset();
	triple_fault();
}

void arch_machine_reboot(void)
{
	reset();
	triple_fault();
}
