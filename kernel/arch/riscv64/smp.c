// SPDX-License-Identifier: MIT
/* The other CPUs: which there are, by the device tree, and waking one by the firmware (SBI HSM). */
#include "arch/smp.h"
#include "arch/boot.h"
#include "arch/common/device_tree.h"
#include "arch/common/smp.h"
#include "arch/cpu.h"
#include "arch/entry.h"
#include "arch/impl/cpu_local.h"
#include "arch/riscv64/asm_offsets.h"
#include "arch/riscv64/instructions.h"
#include "arch/riscv64/port.h"
#include "arch/thread.h"
#include "core/log.h"

struct secondary_start secondary_start aligned_(CACHE_LINE);

init_ void smp_discover(u64 boot_hart)
{
	struct device_node node = {.tree = &device_tree};
	struct cpu_local *cpu;
	u64 hart;

	while (device_tree_next_cpu(&node, &hart)) {
		if (hart != boot_hart && device_node_is_okay(&node) &&
		    (cpu = smp_add_cpu()) != NULL) {
			cpu->hardware_id = hart;
		}
	}
}

void smp_prepare(struct cpu_local *cpu, struct arch_thread *idle, char *stacks)
{
	cpu->flags.emergency_top = stacks + EMERGENCY_STACK_SIZE;
	idle->cpu = cpu;
	idle->cpu_number = cpu->number;
	idle->preempt = 0;
	secondary_start = (struct secondary_start){
		paging.satp | kernel_root_table >> PAGE_SHIFT, idle};
	atomic_thread_fence(memory_order_seq_cst);
}

s64 smp_wake(struct cpu_local *cpu, void (*pass_time)(void))
{
	return sbi_call(SBI_HSM, HSM_START, cpu->hardware_id,
			virtual_to_physical(start_secondary),
			virtual_to_physical(&secondary_start), 0, 0)
		.error;
}

void cpu_started(void)
{
	struct cpu_local *cpu = cpu_local_current();

	cpu_init();
	/* A thread's vectors must fit wherever it goes: the one who has woken us says that we do not come. */
	if (cpu_features.vlenb != 0 && vector_read_width() != cpu_features.vlenb) {
		arch_cpu_stop();
	}
	atomic_store(&cpu->online, true);
	/* Mappings that went while this CPU came, before anybody told it. order.online: pairs with tlb_flush_kernel() */
	atomic_thread_fence(memory_order_seq_cst);
	tlb_init_cpu();
	entry_cpu_started(cpu->number);
}

void arch_boot_late(void)
{
	boot_tell_memory();
	log_info("boot: page tables are %s's", paging.name);
	smp_discover(cpu_locals[0].hardware_id);
	plic_init();
	machine_init();
}
