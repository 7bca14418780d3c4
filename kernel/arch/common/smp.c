// SPDX-License-Identifier: MIT
/* The other CPUs: how many, and starting them one at a time. Which there are and how one is woken: the port's smp.c. */
#include "arch/smp.h"
#include "arch/common/port.h"
#include "arch/common/smp.h"
#include "arch/cpu.h"
#include "arch/impl/cpu_local.h"
#include "arch/thread.h"
#include "arch/timer.h"
#include "core/command_line.h"
#include "core/log.h"
#include "lib/errno.h"
#include "mm/frame.h"

static unsigned cpus_present = 1;

init_ struct cpu_local *smp_add_cpu(void)
{
	u64 limit = MIN(command_line_number("maxcpus", MAX_CPUS), (u64)MAX_CPUS);

	return cpus_present < limit ? &cpu_locals[cpus_present++] : NULL;
}

unsigned arch_cpus_present(void)
{
	return cpus_present;
}

bool smp_wait_online(const struct cpu_local *cpu, nsec_t length, void (*pass_time)(void))
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
	struct frame *stacks;
	s64 result;
	int error;

	if (number == 0 || number >= cpus_present || atomic_load(&cpu->online)) {
		return -EINVAL;
	}
	error = frame_allocate_contiguous(EMERGENCY_STACKS_ORDER, FRAME_ZERO, &stacks);
	if (error != 0) {
		return error;
	}
	cpu->number = number;
	smp_prepare(cpu, idle, frame_address(stacks));
	result = smp_wake(cpu, pass_time);
	if (result != 0 || !smp_wait_online(cpu, NSEC_PER_SEC, pass_time)) {
		/* It may still come one day: its stacks stay. */
		log_error("smp: CPU %u (hardware's %#llx) does not start: %lld", number,
			  (unsigned long long)cpu->hardware_id, (long long)result);
		return -EIO;
	}
	return 0;
}
