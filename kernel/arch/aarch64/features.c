// SPDX-License-Identifier: MIT
/* What the identification registers say; AT_HWCAP; /proc/cpuinfo's lines; the hardware's random numbers. */
#include "arch/aarch64/instructions.h"
#include "arch/aarch64/port.h"
#include "arch/common/device_tree.h"
#include "arch/cpu.h"
#include "arch/impl/cpu_local.h"
#include "arch/vdso.h"
#include "core/panic.h"
#include "lib/format.h"
#include "lib/string.h"
#include <asm/hwcap.h>

struct cpu_features cpu_features;
static u64 hwcap;

/*
 * What the compiler's library asks before every atomic operation (its name for it): false, a pair of exclusive accesses;
 * true, one instruction of the large system extensions. Both may be under way at once.
 */
bool __aarch64_have_lse_atomics; // NOLINT(bugprone-reserved-identifier)

static unsigned field(u64 word, unsigned shift)
{
	return word >> shift & 15;
}

enum register_index { ISAR0, ISAR1, PFR0, REGISTERS };

/* What Linux names for programs, where it is found, and from which value on. */
static const struct capability {
	u64 bit;
	u8 from, shift, least;
	const char *name;
} capabilities[] = {
	{HWCAP_AES, ISAR0, 4, 1, "aes"},
	{HWCAP_PMULL, ISAR0, 4, 2, "pmull"},
	{HWCAP_SHA1, ISAR0, 8, 1, "sha1"},
	{HWCAP_SHA2, ISAR0, 12, 1, "sha2"},
	{HWCAP_CRC32, ISAR0, 16, 1, "crc32"},
	{HWCAP_ATOMICS, ISAR0, 20, 2, "atomics"},
	{HWCAP_ASIMDRDM, ISAR0, 28, 1, "asimdrdm"},
	{HWCAP_JSCVT, ISAR1, 12, 1, "jscvt"},
	{HWCAP_FCMA, ISAR1, 16, 1, "fcma"},
	{HWCAP_LRCPC, ISAR1, 20, 1, "lrcpc"},
	{HWCAP_DCPOP, ISAR1, 0, 1, "dcpop"},
	{HWCAP_SHA3, ISAR0, 32, 1, "sha3"},
	{HWCAP_SM3, ISAR0, 36, 1, "sm3"},
	{HWCAP_SM4, ISAR0, 40, 1, "sm4"},
	{HWCAP_ASIMDDP, ISAR0, 44, 1, "asimddp"},
	{HWCAP_SHA512, ISAR0, 12, 2, "sha512"},
	{HWCAP_ASIMDFHM, ISAR0, 48, 1, "asimdfhm"},
	{HWCAP_DIT, PFR0, 48, 1, "dit"},
	{HWCAP_ILRCPC, ISAR1, 20, 2, "ilrcpc"},
	{HWCAP_FLAGM, ISAR0, 52, 1, "flagm"},
	{HWCAP_SB, ISAR1, 36, 1, "sb"},
};

init_ void features_init(void)
{
	u64 words[REGISTERS] = {
		[ISAR0] = READ_REGISTER("id_aa64isar0_el1"),
		[ISAR1] = READ_REGISTER("id_aa64isar1_el1"),
		[PFR0] = READ_REGISTER("id_aa64pfr0_el1"),
	};
	u64 mmfr0 = READ_REGISTER("id_aa64mmfr0_el1");
	u64 mmfr1 = READ_REGISTER("id_aa64mmfr1_el1"), cache = READ_REGISTER("ctr_el0");

	if (field(words[PFR0], 16) == 15 || field(words[PFR0], 20) == 15) {
		panic("this CPU has no vector registers; Heddle needs them");
	}
	cpu_features.pan = field(mmfr1, 20) != 0;
	cpu_features.asid_16 = field(mmfr0, 4) == 2;
	cpu_features.random = field(words[ISAR0], 60) != 0;
	cpu_features.cache_no_clean = (cache >> 28 & 1) != 0;
	cpu_features.cache_no_invalidate = (cache >> 29 & 1) != 0;
	hwcap = HWCAP_FP | HWCAP_ASIMD;
	__aarch64_have_lse_atomics = field(words[ISAR0], 20) >= 2;
	if (field(words[PFR0], 16) == 1) {
		hwcap |= HWCAP_FPHP | HWCAP_ASIMDHP;
	}
	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++) {
		const struct capability *c = &capabilities[i];

		hwcap |= field(words[c->from], c->shift) >= c->least ? c->bit : 0;
	}
}

const char *arch_machine_name(void)
{
	return "aarch64";
}

u64 arch_hwcap(void)
{
	return hwcap;
}

u64 arch_hwcap2(void)
{
	return 0;
}

static bool hardware_random(u64 *value)
{
	u64 failed = 1;

	for (unsigned i = 0; i < 10 && failed && cpu_features.random; i++) {
		__asm__ volatile("mrs %0, " RNDR "; cset %1, eq"
				 : "=r"(*value), "=r"(failed)::"cc");
	}
	return !failed;
}

size_t arch_entropy(void *to, size_t size)
{
	u8 *out = to;
	u32 seed_size = 0;
	const u8 *seed = device_tree_seed(&seed_size);
	size_t good = 0;

	for (size_t done = 0; done < size; done += sizeof(u64)) {
		size_t part = MIN(size - done, sizeof(u64));
		u64 value = 0;

		if (hardware_random(&value)) {
			good += part;
		}
		value ^= read_counter() * 0x9e3779b97f4a7c15UL;
		memcpy(out + done, &value, part);
	}
	for (size_t i = 0; seed != NULL && i < MIN((size_t)seed_size, size); i++) {
		out[i] ^= seed[i];
	}
	return seed != NULL ? MAX(good, MIN((size_t)seed_size, size)) : good;
}

int arch_cpu_describe(unsigned cpu, char *to, size_t size)
{
	u64 midr = READ_REGISTER("midr_el1");
	int used = format_string(
		to, size, "processor\t: %u\nBogoMIPS\t: %llu.00\nFeatures\t: fp asimd%s",
		cpu, (unsigned long long)READ_REGISTER("cntfrq_el0") / 500000,
		hwcap & HWCAP_FPHP ? " fphp asimdhp" : "");

	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++) {
		size_t at = MIN((size_t)used, size);

		if (hwcap & capabilities[i].bit) {
			used += format_string(to + at, size - at, " %s",
					      capabilities[i].name);
		}
	}
	size_t at = MIN((size_t)used, size);

	return used + format_string(to + at, size - at,
				    "\nCPU implementer\t: 0x%02x\nCPU architecture: 8\n"
				    "CPU variant\t: 0x%x\nCPU part\t: 0x%03x\n"
				    "CPU revision\t: %u\n",
				    (unsigned)(midr >> 24 & 0xff),
				    (unsigned)(midr >> 20 & 15),
				    (unsigned)(midr >> 4 & 0xfff), (unsigned)(midr & 15));
}
