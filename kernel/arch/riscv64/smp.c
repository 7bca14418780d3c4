// SPDX-License-Identifier: MIT
/* The other CPUs: which there are, by the device tree, and starting them by the firmware (SBI HSM). */
#include "arch/smp.h"
#include "arch/boot.h"
#include "arch/common/device_tree.h"
#include "arch/cpu.h"
#include "arch/entry.h"
#include "arch/riscv64/asm_offsets.h"
#include "arch/riscv64/cpu_local.h"
#include "arch/riscv64/instructions.h"
#include "arch/riscv64/port.h"
#include "arch/thread.h"
#include "arch/timer.h"
#include "core/command_line.h"
#include "core/log.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"

static struct secondary_start secondary_start aligned_(CACHE_LINE);
static unsigned cpus_present = 1;

static bool is_usable_cpu(const struct device_node *node)
{
	u32 size;
	const u8 *type = device_node_property(node, "device_type", &size);
	const u8 *status;

	if (type == NULL || size != sizeof("cpu") || memcmp(type, "cpu", size) != 0) {
		return false;
	}
	status = device_node_property(node, "status", &size);
	return status == NULL || (size > 0 && status[0] == 'o'); /* okay */
}

void smp_discover(u64 boot_hart)
{
	u64 limit = MIN(command_line_number("maxcpus", MAX_CPUS), (u64)MAX_CPUS);
	struct device_node node = {.tree = &device_tree};
	u64 hart, size;

	while (device_tree_next(&node) && cpus_present < MAX(limit, 1UL)) {
		if (node.depth == 2 && is_usable_cpu(&node) &&
		    device_node_reg(&node, 0, &hart, &size) && hart != boot_hart) {
			cpu_locals[cpus_present++].hart = hart;
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

int arch_cpu_start(unsigned number, struct arch_thread *idle, void (*pass_time)(void))
{
	struct cpu_local *cpu = &cpu_locals[number];
	struct frame *stack;
	s64 result;
	int error;

	if (number == 0 || number >= cpus_present || atomic_load(&cpu->online)) {
		return -EINVAL;
	}
	error = frame_allocate(FRAME_ZERO, &stack);
	if (error != 0) {
		return error;
	}
	cpu->number = number;
	cpu->flags.emergency_top = (char *)frame_address(stack) + EMERGENCY_STACK_SIZE;
	idle->cpu = cpu;
	idle->cpu_number = number;
	idle->preempt = 0;
	secondary_start = (struct secondary_start){
		SATP_SV48 | kernel_root_table >> PAGE_SHIFT, idle};
	atomic_thread_fence(memory_order_seq_cst);
	result = sbi_call(SBI_HSM, HSM_START, cpu->hart,
			  virtual_to_physical(start_secondary),
			  virtual_to_physical(&secondary_start), 0, 0)
			 .error;
	if (result != 0 || !wait_online(cpu, NSEC_PER_SEC, pass_time)) {
		/* It may still come one day: its stacks stay. */
		log_error("smp: CPU %u (hart %llu) does not start: %lld", number,
			  (unsigned long long)cpu->hart, (long long)result);
		return -EIO;
	}
	return 0;
}

void cpu_started(void)
{
	struct cpu_local *cpu = cpu_local_current();

	cpu_init();
	atomic_store(&cpu->online, true);
	/* Mappings that went while this CPU came, before anybody told it. */
	tlb_init_cpu();
	entry_cpu_started(cpu->number);
}

void arch_boot_late(void)
{
	boot_tell_memory();
	smp_discover(cpu_locals[0].hart);
	plic_init();
	machine_init();
}
