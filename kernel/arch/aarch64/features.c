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
static u64 hwcap, hwcap2;

/*
 * What the compiler's library asks before every atomic operation (its name for it): false, a pair of exclusive accesses;
 * true, one instruction of the large system extensions. Both may be under way at once.
 */
used_ bool __aarch64_have_lse_atomics; // NOLINT(bugprone-reserved-identifier)

static unsigned field(u64 word, unsigned shift)
{
	return word >> shift & 15;
}

enum register_index { ISAR0, ISAR1, PFR0, ZFR0, REGISTERS };

/* What Linux names for programs, where it is found, and from which value on. */
struct capability {
	u64 bit;
	u8 from, shift, least;
	const char *name;
};

static const struct capability capabilities[] = {
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
	{HWCAP_SVE, PFR0, 32, 1, "sve"},
	{HWCAP_ASIMDFHM, ISAR0, 48, 1, "asimdfhm"},
	{HWCAP_DIT, PFR0, 48, 1, "dit"},
	{HWCAP_ILRCPC, ISAR1, 20, 2, "ilrcpc"},
	{HWCAP_FLAGM, ISAR0, 52, 1, "flagm"},
	{HWCAP_SB, ISAR1, 36, 1, "sb"},
};

static const struct capability capabilities2[] = {
	{HWCAP2_SVE2, ZFR0, 0, 1, "sve2"},
	{HWCAP2_SVEAES, ZFR0, 4, 1, "sveaes"},
	{HWCAP2_SVEPMULL, ZFR0, 4, 2, "svepmull"},
	{HWCAP2_SVEBITPERM, ZFR0, 16, 1, "svebitperm"},
	{HWCAP2_SVESHA3, ZFR0, 32, 1, "svesha3"},
	{HWCAP2_SVESM4, ZFR0, 40, 1, "svesm4"},
	{HWCAP2_SVEI8MM, ZFR0, 44, 1, "svei8mm"},
	{HWCAP2_SVEF32MM, ZFR0, 52, 1, "svef32mm"},
	{HWCAP2_SVEF64MM, ZFR0, 56, 1, "svef64mm"},
	{HWCAP2_SVEBF16, ZFR0, 20, 1, "svebf16"},
	{HWCAP2_SVE_EBF16, ZFR0, 20, 2, "sveebf16"},
	{HWCAP2_SVE2P1, ZFR0, 0, 2, "sve2p1"},
	{HWCAP2_SVE_B16B16, ZFR0, 24, 1, "sveb16b16"},
};

static u64 capabilities_in(const u64 *words, const struct capability *list, size_t count)
{
	u64 bits = 0;

	for (const struct capability *c = list; c < list + count; c++) {
		bits |= field(words[c->from], c->shift) >= c->least ? c->bit : 0;
	}
	return bits;
}

init_ void features_init(void)
{
	u64 words[REGISTERS] = {
		[ISAR0] = READ_REGISTER("id_aa64isar0_el1"),
		[ISAR1] = READ_REGISTER("id_aa64isar1_el1"),
		[PFR0] = READ_REGISTER("id_aa64pfr0_el1"),
		[ZFR0] = READ_REGISTER(ID_AA64ZFR0_EL1), /* 0 without SVE */
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
	hwcap |= capabilities_in(words, capabilities, ARRAY_SIZE(capabilities));
	hwcap2 = capabilities_in(words, capabilities2, ARRAY_SIZE(capabilities2));
}

const char *arch_machine_name(void)
{
	return "aarch64";
}

/* SVE is what every CPU has: sve.c. */
u64 arch_hwcap(void)
{
	return sve_longest() != 0 ? hwcap : hwcap & ~(u64)HWCAP_SVE;
}

u64 arch_hwcap2(void)
{
	return sve_longest() != 0 ? hwcap2 : 0;
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

static int describe_capabilities(u64 bits, const struct capability *list, size_t count,
				 char *to, size_t size)
{
	int used = 0;

	for (const struct capability *c = list; c < list + count; c++) {
		size_t at = MIN((size_t)used, size);

		if (bits & c->bit) {
			used += format_string(to + at, size - at, " %s", c->name);
		}
	}
	return used;
}

int arch_cpu_describe(unsigned cpu, char *to, size_t size)
{
	u64 midr = READ_REGISTER("midr_el1");
	int used = format_string(
		to, size, "processor\t: %u\nBogoMIPS\t: %llu.00\nFeatures\t: fp asimd%s",
		cpu, (unsigned long long)READ_REGISTER("cntfrq_el0") / 500000,
		hwcap & HWCAP_FPHP ? " fphp asimdhp" : "");

	size_t at = MIN((size_t)used, size);

	used += describe_capabilities(arch_hwcap(), capabilities,
				      ARRAY_SIZE(capabilities), to + at, size - at);
	at = MIN((size_t)used, size);
	used += describe_capabilities(arch_hwcap2(), capabilities2,
				      ARRAY_SIZE(capabilities2), to + at, size - at);
	at = MIN((size_t)used, size);
	return used + format_string(to + at, size - at,
				    "\nCPU implementer\t: 0x%02x\nCPU architecture: 8\n"
				    "CPU variant\t: 0x%x\nCPU part\t: 0x%03x\n"
				    "CPU revision\t: %u\n",
				    (unsigned)(midr >> 24 & 0xff),
				    (unsigned)(midr >> 20 & 15),
				    (unsigned)(midr >> 4 & 0xfff), (unsigned)(midr & 15));
}
