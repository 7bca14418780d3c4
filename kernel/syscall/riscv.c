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

enum { FLUSH_LOCAL = 1, WHICH_CPUS = 1 };

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

/* Sets of CPUs are as sched_setaffinity(2) has them: what is behind the first MAX_CPUS is not looked at. */
static int read_cpus(const struct syscall_arguments *a, u64 *cpus)
{
	*cpus = 0;
	return user_read(cpus, a->arg[3], MIN(a->arg[2], sizeof(*cpus)));
}

static u64 online(void)
{
	return cpu_count() == MAX_CPUS ? ~0UL : (1UL << cpu_count()) - 1;
}

/* All CPUs are alike, so that one of those asked about must be there, and that is all. */
static long values(const struct syscall_arguments *a)
{
	struct probe pair;
	u64 cpus = online();
	int err = a->arg[2] == 0 && a->arg[3] == 0 ? 0 : read_cpus(a, &cpus);

	if (!err && !(cpus & online())) {
		return -EINVAL;
	}
	for (u64 i = 0; i < a->arg[1] && !err; i++) {
		u64 at = a->arg[0] + i * sizeof(pair);

		err = user_read(&pair, at, sizeof(pair));
		if (!err) {
			(void)arch_hwprobe(&pair.key, &pair.value);
			err = user_write(at, &pair, sizeof(pair));
		}
	}
	return err;
}

/* Does every CPU have what the pairs say? 1 or 0; keys that are not known are marked, and nobody has them. */
static int all_match(const struct syscall_arguments *a)
{
	struct probe pair;
	int err = 0, match = 1;

	for (u64 i = 0; i < a->arg[1] && !err; i++) {
		u64 at = a->arg[0] + i * sizeof(pair), known;

		err = user_read(&pair, at, sizeof(pair));
		if (err) {
			break;
		}
		match &= arch_hwprobe_has(pair.key, pair.value);
		if (!arch_hwprobe(&pair.key, &known)) {
			pair.value = 0;
			err = user_write(at, &pair, sizeof(pair));
		}
	}
	return err ? err : match;
}

/* The other way round: which CPUs have what the pairs say. An empty set stands for all. */
static long which_cpus(const struct syscall_arguments *a)
{
	u64 cpus;
	int err = a->arg[2] == 0 || a->arg[3] == 0 ? -EINVAL : read_cpus(a, &cpus), match;

	if (err) {
		return err;
	}
	match = all_match(a);
	if (match < 0) {
		return match;
	}
	cpus = cpus ? cpus & online() : online();
	cpus = match ? cpus : 0;
	return user_write(a->arg[3], &cpus, MIN(a->arg[2], sizeof(cpus)));
}

/* riscv_hwprobe(2): pairs, how many; a set of CPUs, its size; flags. Linux: Documentation/arch/riscv/hwprobe.rst */
long sys_riscv_hwprobe(const struct syscall_arguments *a)
{
	switch ((u32)a->arg[4]) {
	case 0:
		return values(a);
	case WHICH_CPUS:
		return which_cpus(a);
	}
	return -EINVAL;
}
