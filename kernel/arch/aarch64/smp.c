// SPDX-License-Identifier: MIT
/* The other CPUs: which there are, by the device tree, and waking one by PSCI. */
#include "arch/smp.h"
#include "arch/aarch64/asm_offsets.h"
#include "arch/aarch64/instructions.h"
#include "arch/aarch64/port.h"
#include "arch/boot.h"
#include "arch/common/device_tree.h"
#include "arch/common/smp.h"
#include "arch/cpu.h"
#include "arch/entry.h"
#include "arch/impl/cpu_local.h"
#include "arch/thread.h"

#define AFFINITY_MASK 0xff00ffffffUL

static struct secondary_start secondary_start aligned_(CACHE_LINE);

init_ void smp_discover(void)
{
	struct device_node node = {.tree = &device_tree};
	struct cpu_local *cpu;
	u64 affinity;

	cpu_locals[0].hardware_id = READ_REGISTER("mpidr_el1") & AFFINITY_MASK;
	while (device_tree_next_cpu(&node, &affinity)) {
		if (affinity != cpu_locals[0].hardware_id &&
		    (cpu = smp_add_cpu()) != NULL) {
			cpu->hardware_id = affinity & AFFINITY_MASK;
		}
	}
}

/* It looks with its caches off. */
static void write_back(const void *start, size_t size)
{
	for (vaddr_t at = (vaddr_t)start; at < (vaddr_t)start + size; at += 16) {
		__asm__ volatile("dc civac, %0" ::"r"(at) : "memory");
	}
	__asm__ volatile("dsb sy" ::: "memory");
}

void smp_prepare(struct cpu_local *cpu, struct arch_thread *idle, char *stacks)
{
	cpu->flags.emergency_top = stacks + EMERGENCY_STACK_SIZE;
	idle->cpu = cpu;
	idle->cpu_number = cpu->number;
	idle->preempt = 0;
	secondary_start = (struct secondary_start){kernel_root_table, idle};
	write_back(&secondary_start, sizeof(secondary_start));
}

s64 smp_wake(struct cpu_local *cpu, void (*pass_time)(void))
{
	return psci_cpu_on(cpu->hardware_id, virtual_to_physical(start_secondary),
			   virtual_to_physical(&secondary_start));
}

void cpu_started(void)
{
	struct cpu_local *cpu = cpu_local_current();

	fpu_init_cpu();
	tlb_init_cpu();
	gic_init_cpu();
	alarm_init_cpu();
	atomic_store(&cpu->online, true);
	entry_cpu_started(cpu->number);
}

void arch_boot_late(void)
{
	boot_tell_memory();
	smp_discover();
	gic_init();
	alarm_init();
	machine_init();
}
