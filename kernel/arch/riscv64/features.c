// SPDX-License-Identifier: MIT
/* What the CPUs have (isa.c), and what is told of it: AT_HWCAP; riscv_hwprobe(2); /proc/cpuinfo's lines. */
#include "arch/common/device_tree.h"
#include "arch/cpu.h"
#include "arch/impl/cpu_local.h"
#include "arch/impl/vdso.h"
#include "arch/riscv64/instructions.h"
#include "arch/riscv64/port.h"
#include "arch/vdso.h"
#include "core/panic.h"
#include "lib/format.h"
#include "lib/string.h"
#include <asm/hwcap.h>
#include <asm/hwprobe.h>

struct cpu_features cpu_features;

/* The keys of riscv_hwprobe(2) are known from 0 on; the vDSO has the values too. What nobody has measured, or turned on, is 0. */
static u64 probed[PROBE_KEYS];

static init_ void fill_probed(void)
{
	probed[RISCV_HWPROBE_KEY_MVENDORID] =
		sbi_call(SBI_BASE, BASE_MVENDORID, 0, 0, 0, 0, 0).value;
	probed[RISCV_HWPROBE_KEY_MARCHID] =
		sbi_call(SBI_BASE, BASE_MARCHID, 0, 0, 0, 0, 0).value;
	probed[RISCV_HWPROBE_KEY_MIMPID] =
		sbi_call(SBI_BASE, BASE_MIMPID, 0, 0, 0, 0, 0).value;
	probed[RISCV_HWPROBE_KEY_BASE_BEHAVIOR] = RISCV_HWPROBE_BASE_BEHAVIOR_IMA;
	probed[RISCV_HWPROBE_KEY_IMA_EXT_0] = isa_probed();
	probed[RISCV_HWPROBE_KEY_HIGHEST_VIRT_ADDRESS] = USER_END - 1;
	probed[RISCV_HWPROBE_KEY_TIME_CSR_FREQ] = clock_hz();
}

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
	fill_probed();
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

static bool is_known(s64 key)
{
	return key >= 0 && key < PROBE_KEYS;
}

bool arch_hwprobe(s64 *key, u64 *value)
{
	bool known = is_known(*key);

	*value = known ? probed[*key] : 0;
	*key = known ? *key : -1;
	return known;
}

bool arch_hwprobe_has(s64 key, u64 value)
{
	if (!is_known(key)) {
		return false;
	}
	if (key == RISCV_HWPROBE_KEY_BASE_BEHAVIOR ||
	    key == RISCV_HWPROBE_KEY_IMA_EXT_0 || key == RISCV_HWPROBE_KEY_CPUPERF_0) {
		return (value & ~probed[key]) == 0;
	}
	return value == probed[key];
}

void vdso_fill_machine(u64 *words)
{
	memcpy(words, probed, sizeof(probed));
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
