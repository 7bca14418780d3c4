// SPDX-License-Identifier: MIT
/*
 * The other CPUs: which there are, by ACPI, and waking one through the trampoline below 1 MiB.
 */
#include "arch/smp.h"
#include "arch/boot.h"
#include "arch/common/smp.h"
#include "arch/cpu.h"
#include "arch/entry.h"
#include "arch/impl/cpu_local.h"
#include "arch/thread.h"
#include "arch/timer.h"
#include "arch/x86_64/instructions.h"
#include "arch/x86_64/port.h"
#include "lib/string.h"

enum { COMMAND_INIT = 0x4500, COMMAND_START = 0x4600 };
STATIC_ASSERT((IST_COUNT * IST_STACK_SIZE) == PAGE_SIZE << EMERGENCY_STACKS_ORDER);

struct cpu_local *starting_cpu; /* read by the trampoline's end */

init_ void smp_discover(void)
{
	u32 self = local_apic_id();
	struct cpu_local *cpu;

	cpu_locals[0].hardware_id = self;
	for (unsigned i = 0; i < acpi.cpu_count; i++) {
		/* xAPIC commands reach 255 only. */
		if (acpi.apic_ids[i] != self &&
		    (cpu_features.x2apic || acpi.apic_ids[i] < 255) &&
		    (cpu = smp_add_cpu()) != NULL) {
			cpu->hardware_id = acpi.apic_ids[i];
		}
	}
}

void smp_prepare(struct cpu_local *cpu, struct arch_thread *idle, char *stacks)
{
	cpu->self = cpu;
	cpu->preempt = 0;
	cpu->current = idle;
	cpu->kernel_stack = cpu->tss.rsp[0] = idle->stack_top;
	cpu->emergency_stacks = stacks;
	memcpy(physical_to_virtual(TRAMPOLINE_ADDRESS), trampoline_start,
	       (size_t)(trampoline_end - trampoline_start));
	starting_cpu = cpu;
	atomic_thread_fence(memory_order_seq_cst);
}

s64 smp_wake(struct cpu_local *cpu, void (*pass_time)(void))
{
	u32 id = (u32)cpu->hardware_id;
	u32 start = COMMAND_START | TRAMPOLINE_ADDRESS >> PAGE_SHIFT;

	local_apic_send(id, COMMAND_INIT);
	arch_delay((cpu_features.hypervisor ? 10 : 10000) * NSEC_PER_USEC);
	local_apic_send(id, start);
	if (!smp_wait_online(cpu, 100 * NSEC_PER_MSEC, pass_time)) {
		local_apic_send(id, start);
	}
	return 0;
}

void cpu_started(struct cpu_local *cpu)
{
	cpu_init(cpu, cpu->emergency_stacks);
	cpu->tss.rsp[0] = cpu->kernel_stack;
	local_apic_init_cpu();
	atomic_store(&cpu->online, true);
	/* Mappings that went while this CPU came, before anybody told it. order.online: pairs with tlb_flush_kernel() */
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
