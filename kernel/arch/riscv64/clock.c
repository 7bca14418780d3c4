// SPDX-License-Identifier: MIT
/*
 * Time: the time counter as the clock; the compare register as the alarm, the CPU's own (Sstc) or the firmware's; a goldfish clock for the
 * date.
 */
#include "arch/common/device_tree.h"
#include "arch/irq.h"
#include "arch/riscv64/instructions.h"
#include "arch/riscv64/port.h"
#include "arch/timer.h"
#include "arch/vdso.h"
#include "core/log.h"
#include "core/panic.h"
#include "lib/string.h"
#include "mm/kernel_stack.h"

enum { DATE_LOW = 0, DATE_HIGH = 4 };

static u64 counter_base, hz;
static u64 multiplier; /* ns = ticks * multiplier >> 32 */

init_ void clock_start(void)
{
	struct device_node node = {.tree = &device_tree};
	const u8 *value;
	u32 size;

	counter_base = read_counter();
	while (hz == 0 && device_tree_next(&node)) {
		if (node.depth == 1 && strcmp(node.name, "cpus") == 0) {
			value = device_node_property(&node, "timebase-frequency", &size);
			hz = value != NULL && (size == 4 || size == 8)
				     ? device_tree_number(value, size / 4)
				     : 0;
		}
	}
	if (hz == 0) {
		panic("clock: the device tree does not say how fast it counts");
	}
	multiplier = (u64)((1000000000UL << 32) / hz);
}

u64 clock_hz(void)
{
	return hz;
}

static void set_alarm(u64 at)
{
	if (cpu_features.sstc) {
		CSR_WRITE("0x14d", at); /* stimecmp */
	} else {
		(void)sbi_call(SBI_TIME, 0, at, 0, 0, 0, 0);
	}
}

/* The interrupt is pending as long as the alarm is past. */
void alarm_quiet(void)
{
	set_alarm(~0UL);
}

u64 arch_counter_read(void)
{
	return read_counter();
}

nsec_t arch_counter_time(u64 units)
{
	return (nsec_t)(((unsigned __int128)units * multiplier) >> 32);
}

nsec_t arch_clock_read(void)
{
	return arch_counter_time(read_counter() - counter_base);
}

/* The rate is told, not measured. */
void arch_clock_refine(void)
{
	log_info("clock: counter %llu kHz", (unsigned long long)hz / 1000);
}

void arch_timer_set(nsec_t deadline)
{
	u64 whole, rest;

	if (deadline == NSEC_NEVER) {
		set_alarm(~0UL);
		return;
	}
	deadline = MAX(deadline, 0LL);
	whole = (u64)deadline / NSEC_PER_SEC;
	rest = (u64)deadline % NSEC_PER_SEC;
	/* An interrupt in the past comes at once. */
	set_alarm(counter_base + whole * hz + rest * hz / NSEC_PER_SEC + 1);
}

void arch_delay(nsec_t length)
{
	nsec_t end = arch_clock_read() + length;

	while (arch_clock_read() < end) {
		__asm__ volatile("nop");
	}
}

void arch_vdso_fill(struct vdso_data *data)
{
	data->counter_base = counter_base;
	data->multiplier = multiplier;
	data->shift = 32;
	data->clock_usable = 1;
	vdso_fill_machine(data->machine);
}

nsec_t arch_clock_realtime_at_boot(void)
{
	struct device_node node = {0};
	volatile u32 *registers;
	u64 address, size, low;

	if (!device_tree_find(&node, "google,goldfish-rtc") ||
	    !device_node_reg(&node, 0, &address, &size)) {
		return 0;
	}
	registers = kernel_map_device(address, PAGE_SIZE);
	if (registers == NULL) {
		return 0;
	}
	low = registers[DATE_LOW / 4]; /* holds the other half still */
	return (nsec_t)((u64)registers[DATE_HIGH / 4] << 32 | low) - arch_clock_read();
}
