// SPDX-License-Identifier: MIT
/* What CPUID says, asked once on the boot CPU; /proc/cpuinfo's lines; the hardware's random numbers. */
#include "arch/cpu.h"
#include "arch/timer.h"
#include "arch/vdso.h"
#include "arch/x86_64/instructions.h"
#include "arch/x86_64/port.h"
#include "core/panic.h"
#include "lib/format.h"
#include "lib/string.h"

struct cpu_features cpu_features;

static bool bit(u32 word, unsigned number)
{
	return (word >> number & 1) != 0;
}

static init_ void ask_hypervisor(void)
{
	struct cpuid_result r = cpuid(0x40000000, 0);
	char name[13] = {0};

	memcpy(name, &r.b, 4);
	memcpy(name + 4, &r.c, 4);
	memcpy(name + 8, &r.d, 4);
	cpu_features.tcg = strcmp(name, "TCGTCGTCGTCG") == 0;
	if (r.a >= 0x40000010 && r.a < 0x40000100) {
		cpu_features.tsc_khz = cpuid(0x40000010, 0).a;
	}
}

init_ void features_init(void)
{
	u32 highest = cpuid(0, 0).a, extended = cpuid(0x80000000, 0).a;
	struct cpuid_result one = cpuid(1, 0);

	cpu_features.xsave = bit(one.c, 26);
	cpu_features.x2apic = bit(one.c, 21);
	cpu_features.tsc_deadline = bit(one.c, 24);
	cpu_features.rdrand = bit(one.c, 30);
	cpu_features.hypervisor = bit(one.c, 31);
	if (highest >= 7) {
		struct cpuid_result seven = cpuid(7, 0);

		cpu_features.fsgsbase = bit(seven.b, 0);
		cpu_features.smep = bit(seven.b, 7);
		cpu_features.rdseed = bit(seven.b, 18);
		cpu_features.smap = bit(seven.b, 20);
		cpu_features.umip = bit(seven.c, 2);
		cpu_features.rdpid = bit(seven.c, 22);
	}
	if (cpu_features.xsave && highest >= 0xd) {
		cpu_features.xsaveopt = bit(cpuid(0xd, 1).a, 0);
	}
	if (extended < 0x80000001 || !bit(cpuid(0x80000001, 0).d, 20)) {
		panic("this CPU can not forbid execution (NX); Heddle needs it");
	}
	if (extended >= 0x80000001) {
		cpu_features.rdtscp = bit(cpuid(0x80000001, 0).d, 27);
		cpu_features.pages_1g = bit(cpuid(0x80000001, 0).d, 26);
	}
	if (cpu_features.hypervisor) {
		ask_hypervisor();
	}
	if (cpu_features.tsc_khz == 0 && highest >= 0x15) {
		struct cpuid_result r = cpuid(0x15, 0);

		if (r.a != 0 && r.b != 0 && r.c != 0) {
			cpu_features.tsc_khz = (u32)((u64)r.c * r.b / r.a / 1000);
		}
	}
}

const char *arch_machine_name(void)
{
	return "x86_64";
}

u64 arch_hwcap(void)
{
	return cpuid(1, 0).d;
}

u64 arch_hwcap2(void)
{
	return cpu_features.fsgsbase ? 2 : 0; /* HWCAP2_FSGSBASE */
}

static u64 counter_bits(void)
{
	return read_tsc() * 0x9e3779b97f4a7c15UL;
}

static bool hardware_random(u64 *value)
{
	bool good = false;

	for (unsigned i = 0; i < 10 && !good && cpu_features.rdseed; i++) {
		__asm__ volatile("rdseed %0; setc %1" : "=r"(*value), "=qm"(good)::"cc");
	}
	for (unsigned i = 0; i < 10 && !good && cpu_features.rdrand; i++) {
		__asm__ volatile("rdrand %0; setc %1" : "=r"(*value), "=qm"(good)::"cc");
	}
	return good;
}

size_t arch_entropy(void *to, size_t size)
{
	u8 *out = to;
	size_t good = 0;

	for (size_t done = 0; done < size; done += sizeof(u64)) {
		size_t part = MIN(size - done, sizeof(u64));
		u64 value = 0;

		if (hardware_random(&value)) {
			good += part;
		}
		value ^= counter_bits();
		memcpy(out + done, &value, part);
	}
	return good;
}

/* The flags people look for, in Linux's words. */
static const struct {
	u32 leaf;
	u8 word, bit; /* word: 1 ebx, 2 ecx, 3 edx */
	const char *name;
} flag_names[] = {
	{1, 3, 0, "fpu"},
	{1, 3, 4, "tsc"},
	{1, 3, 5, "msr"},
	{1, 3, 6, "pae"},
	{1, 3, 8, "cx8"},
	{1, 3, 9, "apic"},
	{1, 3, 11, "sep"},
	{1, 3, 15, "cmov"},
	{1, 3, 19, "clflush"},
	{1, 3, 23, "mmx"},
	{1, 3, 24, "fxsr"},
	{1, 3, 25, "sse"},
	{1, 3, 26, "sse2"},
	{0x80000001, 3, 11, "syscall"},
	{0x80000001, 3, 20, "nx"},
	{0x80000001, 3, 26, "pdpe1gb"},
	{0x80000001, 3, 27, "rdtscp"},
	{0x80000001, 3, 29, "lm"},
	{1, 2, 0, "pni"},
	{1, 2, 1, "pclmulqdq"},
	{1, 2, 9, "ssse3"},
	{1, 2, 12, "fma"},
	{1, 2, 13, "cx16"},
	{1, 2, 19, "sse4_1"},
	{1, 2, 20, "sse4_2"},
	{1, 2, 22, "movbe"},
	{1, 2, 23, "popcnt"},
	{1, 2, 25, "aes"},
	{1, 2, 26, "xsave"},
	{1, 2, 28, "avx"},
	{1, 2, 29, "f16c"},
	{1, 2, 30, "rdrand"},
	{1, 2, 31, "hypervisor"},
	{0x80000001, 2, 0, "lahf_lm"},
	{0x80000001, 2, 5, "abm"},
	{7, 1, 0, "fsgsbase"},
	{7, 1, 3, "bmi1"},
	{7, 1, 5, "avx2"},
	{7, 1, 7, "smep"},
	{7, 1, 8, "bmi2"},
	{7, 1, 9, "erms"},
	{7, 1, 16, "avx512f"},
	{7, 1, 18, "rdseed"},
	{7, 1, 19, "adx"},
	{7, 1, 20, "smap"},
	{7, 1, 29, "sha_ni"},
	{7, 2, 2, "umip"},
	{7, 2, 22, "rdpid"},
};

static int append(char *to, size_t size, int used, const char *text)
{
	size_t at = MIN((size_t)used, size);

	return used + format_string(to + at, size - at, "%s", text);
}

static int describe_flags(char *to, size_t size, int used)
{
	used = append(to, size, used, "flags\t\t:");
	for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++) {
		struct cpuid_result r = cpuid(flag_names[i].leaf, 0);
		u32 words[4] = {r.a, r.b, r.c, r.d};

		if (bit(words[flag_names[i].word], flag_names[i].bit)) {
			used = append(to, size, used, " ");
			used = append(to, size, used, flag_names[i].name);
		}
	}
	return append(to, size, used, "\n");
}

int arch_cpu_describe(unsigned cpu, char *to, size_t size)
{
	struct cpuid_result zero = cpuid(0, 0), one = cpuid(1, 0);
	u32 family = one.a >> 8 & 15, model = one.a >> 4 & 15;
	char vendor[13] = {0};
	u32 brand[13] = {0};
	int used;

	memcpy(vendor, &zero.b, 4);
	memcpy(vendor + 4, &zero.d, 4);
	memcpy(vendor + 8, &zero.c, 4);
	for (u32 i = 0; i < 3 && cpuid(0x80000000, 0).a >= 0x80000004; i++) {
		struct cpuid_result r = cpuid(0x80000002 + i, 0);

		memcpy(&brand[4 * i], &r, sizeof(r));
	}
	if (family == 6 || family == 15) {
		model |= (one.a >> 16 & 15) << 4;
	}
	if (family == 15) {
		family += one.a >> 20 & 255;
	}
	used = format_string(
		to, size,
		"processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n"
		"model name\t: %s\nstepping\t: %u\nphysical id\t: 0\nsiblings\t: %u\n"
		"core id\t\t: %u\ncpu cores\t: %u\nfpu\t\t: yes\nwp\t\t: yes\n",
		cpu, vendor, family, model, (const char *)brand, one.a & 15,
		arch_cpus_present(), cpu, arch_cpus_present());
	return describe_flags(to, size, used);
}
