// SPDX-License-Identifier: MIT
/*
 * The local interrupt controller of each CPU: end of interrupt, one-shot timer, interrupts to other CPUs.
 *
 * Registers lie in memory (xAPIC) or, where CPUID offers it, in model-specific registers (x2APIC).
 */
#include "arch/cpu.h"
#include "arch/impl/cpu_local.h"
#include "arch/irq.h"
#include "arch/smp.h"
#include "arch/x86_64/instructions.h"
#include "arch/x86_64/port.h"
#include "core/panic.h"
#include "mm/kernel_stack.h"

const struct arch_interrupt_name arch_timer_interrupt = {"LOC", "Local timer interrupts"};
const struct arch_interrupt_name arch_reschedule_interrupt = {"RES",
							      "Rescheduling interrupts"};

enum {
	APIC_ID = 0x20,
	APIC_PRIORITY = 0x80,
	APIC_END = 0xb0,
	APIC_SPURIOUS = 0xf0,
	APIC_COMMAND = 0x300,
	APIC_COMMAND_HIGH = 0x310,
	APIC_TIMER = 0x320,
	APIC_THERMAL = 0x330,
	APIC_PERFORMANCE = 0x340,
	APIC_LINT0 = 0x350,
	APIC_LINT1 = 0x360,
	APIC_ERROR = 0x370,
	APIC_TIMER_START = 0x380,
	APIC_TIMER_NOW = 0x390,
	APIC_TIMER_DIVIDE = 0x3e0,
};

enum {
	APIC_ENABLED = 0x100,
	APIC_MASKED = 0x10000,
	APIC_SEND_PENDING = 0x1000,
};
enum { BASE_X2APIC = 1 << 10, BASE_ENABLED = 1 << 11 };

/* Divide by 16: 16 ns a tick on QEMU's, so that 32 bits hold a minute. */
enum { TIMER_DIVIDE_16 = 3 };

#define DEFAULT_ADDRESS 0xfee00000UL

static volatile u32 *registers; /* NULL: x2APIC */

static u32 apic_read(u32 at)
{
	return registers != NULL ? registers[at / 4]
				 : (u32)read_msr(MSR_X2APIC + (at >> 4));
}

static void apic_write(u32 at, u32 value)
{
	if (registers != NULL) {
		registers[at / 4] = value;
	} else {
		write_msr(MSR_X2APIC + (at >> 4), value);
	}
}

void local_apic_map(void)
{
	paddr_t address = acpi.local_apic != 0 ? acpi.local_apic : DEFAULT_ADDRESS;

	if (cpu_features.x2apic) {
		return;
	}
	registers = kernel_map_device(address, PAGE_SIZE);
	if (registers == NULL) {
		panic("apic: its registers can not be mapped");
	}
}

void local_apic_init_cpu(void)
{
	u64 base = read_msr(MSR_APIC_BASE) | BASE_ENABLED;

	write_msr(MSR_APIC_BASE, base);
	if (registers == NULL) {
		write_msr(MSR_APIC_BASE, base | BASE_X2APIC);
	}
	apic_write(APIC_PRIORITY, 0);
	apic_write(APIC_TIMER, APIC_MASKED | VECTOR_TIMER);
	apic_write(APIC_LINT0, APIC_MASKED);
	apic_write(APIC_LINT1, APIC_NMI);
	apic_write(APIC_ERROR, APIC_MASKED | VECTOR_SPURIOUS);
	apic_write(APIC_TIMER_DIVIDE, TIMER_DIVIDE_16);
	apic_write(APIC_SPURIOUS, APIC_ENABLED | VECTOR_SPURIOUS);
}

u32 local_apic_id(void)
{
	u32 id = apic_read(APIC_ID);

	return registers != NULL ? id >> 24 : id;
}

void local_apic_end_of_interrupt(void)
{
	apic_write(APIC_END, 0);
}

/* 0 stops it. */
void local_apic_timer_start(u32 count)
{
	apic_write(APIC_TIMER, VECTOR_TIMER);
	apic_write(APIC_TIMER_START, count);
}

/* Counts down, without interrupting: calibration. */
void local_apic_timer_run_silent(u32 count)
{
	apic_write(APIC_TIMER, APIC_MASKED | VECTOR_TIMER);
	apic_write(APIC_TIMER_START, count);
}

u32 local_apic_timer_count(void)
{
	return apic_read(APIC_TIMER_NOW);
}

void local_apic_send(u32 apic_id, u32 command)
{
	u64 flags;

	if (registers == NULL) {
		__asm__ volatile("mfence; lfence" ::: "memory");
		write_msr(MSR_X2APIC + (APIC_COMMAND >> 4), (u64)apic_id << 32 | command);
		return;
	}
	flags = arch_irq_save();
	while (apic_read(APIC_COMMAND) & APIC_SEND_PENDING) {
		__asm__ volatile("pause");
	}
	apic_write(APIC_COMMAND_HIGH, apic_id << 24);
	apic_write(APIC_COMMAND, command);
	arch_irq_restore(flags);
}
