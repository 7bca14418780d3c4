// SPDX-License-Identifier: MIT
/*
 * Contract: from the machine's entry to the C kernel.
 *
 * The port's start code builds the first page tables, clears .bss, fills boot_info, installs the early console as the log's
 * sink and calls boot_main() on the boot stack, interrupts off, on CPU 0.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

enum { BOOT_REGIONS_MAX = 64 };

struct boot_region {
	paddr_t start, end; /* page aligned inward for RAM, outward for reserved */
};

struct boot_info {
	const char *command_line;
	unsigned ram_count, reserved_count;
	struct boot_region ram[BOOT_REGIONS_MAX];
	struct boot_region reserved
		[BOOT_REGIONS_MAX]; /* the kernel image, the initramfs, tables of the firmware */
	paddr_t initramfs_start, initramfs_end; /* equal: none */
};

extern struct boot_info boot_info;

/* Defined by boot/main.c. */
noreturn_ void boot_main(void);

/* Called by boot_main() after frames and heap work: descriptor tables per CPU, interrupt chips, clock, CPU list, FPU layout. */
void arch_boot_late(void);

/* virtio-mmio slots and other platform devices the port found (ACPI, device tree, command line). */
struct platform_device {
	const char *compatible; /* "virtio,mmio", "ns16550", "rtc" */
	paddr_t base;
	u64 size;
	unsigned irq;
};
unsigned arch_platform_devices(struct platform_device *to, unsigned max);
