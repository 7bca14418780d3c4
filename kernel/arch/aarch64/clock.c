// SPDX-License-Identifier: MIT
/*
 * Time: the generic timer's virtual counter as the clock, its compare register as the alarm, a PL031 for the date.
 */
#include "arch/aarch64/instructions.h"
#include "arch/aarch64/port.h"
#include "arch/common/device_tree.h"
#include "arch/irq.h"
#include "arch/timer.h"
#include "arch/vdso.h"
#include "core/log.h"
#include "core/panic.h"
#include "mm/kernel_stack.h"

enum { TIMER_ON = 1, TIMER_MASKED = 2 };
/* Which of the timer's interrupts in the device tree: secure, physical, virtual, hypervisor's. */
enum { VIRTUAL_INDEX = 2, VIRTUAL_USUAL = 27 };
enum { USER_READS_VIRTUAL = 2 }; /* CNTKCTL_EL1.EL0VCTEN */

unsigned alarm_line = VIRTUAL_USUAL;
static u64 counter_base, hz;
static u64 multiplier; /* ns = ticks * multiplier >> 32 */

void clock_start(void)
{
	counter_base = read_counter();
	hz = READ_REGISTER("cntfrq_el0");
	if (hz == 0) {
		hz = 62500000; /* the firmware has forgotten */
	}
	multiplier = (1000000000UL << 32) / hz;
}

void alarm_init(void)
{
	struct device_node node = {0};

	if (device_tree_find(&node, "arm,armv8-timer")) {
		(void)gic_line_of(&node, VIRTUAL_INDEX, &alarm_line);
	}
	alarm_init_cpu();
	log_info("clock: counter %llu kHz", (unsigned long long)hz / 1000);
}

void alarm_init_cpu(void)
{
	WRITE_REGISTER("cntv_ctl_el0", 0);
	WRITE_REGISTER("cntkctl_el1", USER_READS_VIRTUAL);
	instruction_barrier();
	gic_enable_private(alarm_line);
}

void alarm_quiet(void)
{
	WRITE_REGISTER("cntv_ctl_el0", TIMER_ON | TIMER_MASKED);
	instruction_barrier();
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
}

void arch_timer_set(nsec_t deadline)
{
	u64 whole, rest;

	if (deadline == NSEC_NEVER) {
		WRITE_REGISTER("cntv_ctl_el0", 0);
		return;
	}
	deadline = MAX(deadline, 0LL);
	whole = (u64)deadline / NSEC_PER_SEC;
	rest = (u64)deadline % NSEC_PER_SEC;
	/* An interrupt in the past comes at once. */
	WRITE_REGISTER("cntv_cval_el0",
		       counter_base + whole * hz + rest * hz / NSEC_PER_SEC + 1);
	WRITE_REGISTER("cntv_ctl_el0", TIMER_ON);
	instruction_barrier();
}

void arch_delay(nsec_t length)
{
	nsec_t end = arch_clock_read() + length;

	while (arch_clock_read() < end) {
		__asm__ volatile("yield");
	}
}

void arch_vdso_fill(struct vdso_data *data)
{
	data->counter_base = counter_base;
	data->multiplier = multiplier;
	data->shift = 32;
	data->clock_usable = 1;
}

nsec_t arch_clock_realtime_at_boot(void)
{
	struct device_node node = {0};
	volatile u32 *seconds;
	u64 address, size;

	if (!device_tree_find(&node, "arm,pl031") ||
	    !device_node_reg(&node, 0, &address, &size)) {
		return 0;
	}
	seconds = kernel_map_device(address, PAGE_SIZE);
	return seconds != NULL ? *seconds * NSEC_PER_SEC - arch_clock_read() : 0;
}
