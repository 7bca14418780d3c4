// SPDX-License-Identifier: MIT
/*
 * The other CPUs: which there are, and waking them up one at a time through the trampoline below 1 MiB.
 */
#include "arch/smp.h"
#include "arch/boot.h"
#include "arch/cpu.h"
#include "arch/entry.h"
#include "arch/thread.h"
#include "arch/timer.h"
#include "arch/x86_64/cpu_local.h"
#include "arch/x86_64/instructions.h"
#include "arch/x86_64/port.h"
#include "core/command_line.h"
#include "core/log.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"

enum { COMMAND_INIT = 0x4500, COMMAND_START = 0x4600 };
enum { IST_ORDER = 3 };
STATIC_ASSERT((IST_COUNT * IST_STACK_SIZE) == PAGE_SIZE << IST_ORDER);

struct cpu_local *starting_cpu; /* read by the trampoline's end */
static unsigned cpus_present = 1;

void smp_discover(void)
{
	u64 limit = MIN(command_line_number("maxcpus", MAX_CPUS), (u64)MAX_CPUS);
	u32 self = local_apic_id();

	cpu_locals[0].apic_id = self;
	for (unsigned i = 0; i < acpi.cpu_count && cpus_present < MAX(limit, 1UL); i++) {
		/* xAPIC commands reach 255 only. */
		if (acpi.apic_ids[i] != self &&
		    (cpu_features.x2apic || acpi.apic_ids[i] < 255)) {
			cpu_locals[cpus_present++].apic_id = acpi.apic_ids[i];
		}
	}
}

unsigned arch_cpus_present(void)
{
	return cpus_present;
}

static bool wait_online(struct cpu_local *cpu, nsec_t length, void (*pass_time)(void))
{
	nsec_t end = arch_clock_read() + length;

	while (!atomic_load(&cpu->online) && arch_clock_read() < end) {
		pass_time();
	}
	return atomic_load(&cpu->online);
}

static void wake(struct cpu_local *cpu, void (*pass_time)(void))
{
	u32 start = COMMAND_START | TRAMPOLINE_ADDRESS >> PAGE_SHIFT;

	local_apic_send(cpu->apic_id, COMMAND_INIT);
	arch_delay((cpu_features.hypervisor ? 10 : 10000) * NSEC_PER_USEC);
	local_apic_send(cpu->apic_id, start);
	if (!wait_online(cpu, 100 * NSEC_PER_MSEC, pass_time)) {
		local_apic_send(cpu->apic_id, start);
	}
}

int arch_cpu_start(unsigned number, struct arch_thread *idle, void (*pass_time)(void))
{
	struct cpu_local *cpu = &cpu_locals[number];
	struct frame *stacks;
	int error;

	if (number == 0 || number >= cpus_present || atomic_load(&cpu->online)) {
		return -EINVAL;
	}
	error = frame_allocate_contiguous(IST_ORDER, FRAME_ZERO, &stacks);
	if (error != 0) {
		return error;
	}
	cpu->self = cpu;
	cpu->number = number;
	cpu->preempt = 0;
	cpu->current = idle;
	cpu->kernel_stack = cpu->tss.rsp[0] = idle->stack_top;
	cpu->emergency_stacks = frame_address(stacks);
	memcpy(physical_to_virtual(TRAMPOLINE_ADDRESS), trampoline_start,
	       (size_t)(trampoline_end - trampoline_start));
	starting_cpu = cpu;
	atomic_thread_fence(memory_order_seq_cst);
	wake(cpu, pass_time);
	if (!wait_online(cpu, NSEC_PER_SEC, pass_time)) {
		/* It may still come one day: its stacks stay. */
		log_error("smp: CPU %u (APIC %u) does not start", number, cpu->apic_id);
		return -EIO;
	}
	return 0;
}

void cpu_started(struct cpu_local *cpu)
{
	cpu_init(cpu, cpu->emergency_stacks);
	cpu->tss.rsp[0] = cpu->kernel_stack;
	local_apic_init_cpu();
	atomic_store(&cpu->online, true);
	/* Mappings that went while this CPU came, before anybody told it. */
	write_cr3(read_cr3());
	entry_cpu_started(cpu->number);
}

void arch_boot_late(void)
{
	boot_tell();
	local_apic_map();
	local_apic_init_cpu();
	clock_begin();
	io_apic_init();
	smp_discover();
	machine_init();
	clock_calibrate();
}
