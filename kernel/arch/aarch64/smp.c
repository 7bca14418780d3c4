// SPDX-License-Identifier: MIT
/* The other CPUs: which there are, by the device tree, and starting them by PSCI. */
#include "arch/smp.h"
#include "arch/aarch64/asm_offsets.h"
#include "arch/aarch64/cpu_local.h"
#include "arch/aarch64/instructions.h"
#include "arch/aarch64/port.h"
#include "arch/boot.h"
#include "arch/common/device_tree.h"
#include "arch/cpu.h"
#include "arch/entry.h"
#include "arch/thread.h"
#include "arch/timer.h"
#include "core/command_line.h"
#include "core/log.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"

#define AFFINITY_MASK 0xff00ffffffUL

static struct secondary_start secondary_start aligned_(CACHE_LINE);
static unsigned cpus_present = 1;

static bool is_cpu(const struct device_node *node)
{
	u32 size;
	const u8 *type = device_node_property(node, "device_type", &size);

	return type != NULL && size == sizeof("cpu") && memcmp(type, "cpu", size) == 0;
}

void smp_discover(void)
{
	u64 limit = MIN(command_line_number("maxcpus", MAX_CPUS), (u64)MAX_CPUS);
	struct device_node node = {.tree = &device_tree};
	u64 address, size;

	cpu_locals[0].mpidr = READ_REGISTER("mpidr_el1") & AFFINITY_MASK;
	while (device_tree_next(&node) && cpus_present < MAX(limit, 1UL)) {
		if (node.depth == 2 && is_cpu(&node) &&
		    device_node_reg(&node, 0, &address, &size) &&
		    address != cpu_locals[0].mpidr) {
			cpu_locals[cpus_present++].mpidr = address & AFFINITY_MASK;
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

/* It looks with its caches off. */
static void write_back(const void *start, size_t size)
{
	for (vaddr_t at = (vaddr_t)start; at < (vaddr_t)start + size; at += 16) {
		__asm__ volatile("dc civac, %0" ::"r"(at) : "memory");
	}
	__asm__ volatile("dsb sy" ::: "memory");
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
	secondary_start = (struct secondary_start){kernel_root_table, idle};
	write_back(&secondary_start, sizeof(secondary_start));
	result = psci_cpu_on(cpu->mpidr, virtual_to_physical(start_secondary),
			     virtual_to_physical(&secondary_start));
	if (result != 0 || !wait_online(cpu, NSEC_PER_SEC, pass_time)) {
		/* It may still come one day: its stacks stay. */
		log_error("smp: CPU %u (affinity %#llx) does not start: %lld", number,
			  (unsigned long long)cpu->mpidr, (long long)result);
		return -EIO;
	}
	return 0;
}

void cpu_started(void)
{
	struct cpu_local *cpu = cpu_local_current();

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
