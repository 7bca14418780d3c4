// SPDX-License-Identifier: MIT
/* Calls that RISC-V alone has. No other architecture has a number that leads here. */
#include "arch/cpu.h"
#include "arch/mmu.h"
#include "core/percpu.h"
#include "lib/cpumask.h"
#include "mm/usercopy.h"
#include "process/current.h"
#include "syscall/syscall.h"
#include "vm/vm_space.h"

enum { FLUSH_LOCAL = 1 };

/* riscv_flush_icache(2): the range tells nothing that all would not do, and the calling thread may be on another CPU at its next instruction. */
long sys_riscv_flush_icache(const struct syscall_arguments *a)
{
	if (a->arg[2] & ~(u64)FLUSH_LOCAL) {
		return -EINVAL;
	}
	arch_vm_sync_core(&current_vm()->arch);
	return 0;
}

struct probe {
	s64 key;
	u64 value;
};

/* The CPUs asked about: all are alike, so that one of them must be there, and that is all. */
static int check_cpus(u64 size, u64 address)
{
	u64 online = cpu_count() == 64 ? ~0UL : (1UL << cpu_count()) - 1, wanted = 0;
	int err;

	if (size == 0 && address == 0) {
		return 0;
	}
	err = user_read(&wanted, address, MIN(size, sizeof(wanted)));
	if (err) {
		return err;
	}
	return wanted & online ? 0 : -EINVAL;
}

/* riscv_hwprobe(2): pairs, how many, and for which CPUs. */
long sys_riscv_hwprobe(const struct syscall_arguments *a)
{
	struct probe pair;
	int err = a->arg[4] != 0 ? -EINVAL : check_cpus(a->arg[2], a->arg[3]);

	for (u64 i = 0; i < a->arg[1] && !err; i++) {
		u64 at = a->arg[0] + i * sizeof(pair);

		err = user_read(&pair, at, sizeof(pair));
		if (!err) {
			arch_hwprobe(&pair.key, &pair.value);
			err = user_write(at, &pair, sizeof(pair));
		}
	}
	return err;
}
