// SPDX-License-Identifier: MIT
/* What the CPUs have (isa.c), and what is told of it: AT_HWCAP; riscv_hwprobe(2); /proc/cpuinfo's lines. */
#include "arch/common/device_tree.h"
#include "arch/cpu.h"
#include "arch/impl/cpu_local.h"
#include "arch/riscv64/instructions.h"
#include "arch/riscv64/port.h"
#include "arch/vdso.h"
#include "core/panic.h"
#include "lib/format.h"
#include "lib/string.h"
#include <asm/hwcap.h>
#include <asm/hwprobe.h>

struct cpu_features cpu_features;

init_ void features_init(void)
{
	isa_find();
	cpu_features.sstc = isa_has("sstc");
	if (!isa_has_letter('f') || !isa_has_letter('d')) {
		panic("this CPU has no floating point registers; Heddle needs them");
	}
	if (isa_has_letter('v')) {
		cpu_features.vlenb = vector_read_width();
	}
	if (cpu_features.vlenb == 0) {
		isa_without_vectors();
	}
	cpu_features.probed = isa_probed();
}

const char *arch_machine_name(void)
{
	return "riscv64";
}

u64 arch_hwcap(void)
{
	u64 offered = 0;

	for (const char *letter = "imafdc"; *letter != '\0'; letter++) {
		offered |= isa_has_letter(*letter) ? 1UL << (*letter - 'a') : 0;
	}
	return offered | (vector_for_next_program() ? COMPAT_HWCAP_ISA_V : 0);
}

u64 arch_hwcap2(void)
{
	return 0;
}

void arch_hwprobe(s64 *key, u64 *value)
{
	*value = 0;
	switch (*key) {
	case RISCV_HWPROBE_KEY_MVENDORID:
		*value = sbi_call(SBI_BASE, BASE_MVENDORID, 0, 0, 0, 0, 0).value;
		break;
	case RISCV_HWPROBE_KEY_MARCHID:
		*value = sbi_call(SBI_BASE, BASE_MARCHID, 0, 0, 0, 0, 0).value;
		break;
	case RISCV_HWPROBE_KEY_MIMPID:
		*value = sbi_call(SBI_BASE, BASE_MIMPID, 0, 0, 0, 0, 0).value;
		break;
	case RISCV_HWPROBE_KEY_BASE_BEHAVIOR:
		*value = RISCV_HWPROBE_BASE_BEHAVIOR_IMA;
		break;
	case RISCV_HWPROBE_KEY_IMA_EXT_0:
		*value = cpu_features.probed;
		break;
	case RISCV_HWPROBE_KEY_HIGHEST_VIRT_ADDRESS:
		*value = USER_END - 1;
		break;
	case RISCV_HWPROBE_KEY_TIME_CSR_FREQ:
		*value = clock_hz();
		break;
	case RISCV_HWPROBE_KEY_CPUPERF_0: /* nobody has measured */
	case RISCV_HWPROBE_KEY_MISALIGNED_SCALAR_PERF:
	case RISCV_HWPROBE_KEY_ZICBOZ_BLOCK_SIZE: /* not turned on */
		break;
	default:
		*key = -1;
	}
}

size_t arch_entropy(void *to, size_t size)
{
	u8 *out = to;
	u32 seed_size = 0;
	const u8 *seed = device_tree_seed(&seed_size);

	for (size_t done = 0; done < size; done += sizeof(u64)) {
		u64 value = read_counter() * 0x9e3779b97f4a7c15UL;

		memcpy(out + done, &value, MIN(size - done, sizeof(u64)));
	}
	if (seed == NULL) {
		return 0;
	}
	for (size_t i = 0; i < MIN((size_t)seed_size, size); i++) {
		out[i] ^= seed[i];
	}
	return MIN((size_t)seed_size, size);
}

int arch_cpu_describe(unsigned cpu, char *to, size_t size)
{
	char isa[512];

	isa_describe(isa, sizeof(isa));
	return format_string(
		to, size, "processor\t: %u\nhart\t\t: %llu\nisa\t\t: %s\nmmu\t\t: %s\n",
		cpu, (unsigned long long)cpu_locals[cpu].hardware_id, isa, paging.name);
}
