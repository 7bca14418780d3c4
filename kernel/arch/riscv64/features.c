// SPDX-License-Identifier: MIT
/* What the device tree says of the CPUs; AT_HWCAP; riscv_hwprobe(2); /proc/cpuinfo's lines. */
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
static const char *isa = "rv64ima";

/* Extensions that bring no state with them, so that they need nothing of the kernel. */
static const struct extension {
	const char *name;
	u64 probed;
} extensions[] = {
	{"zba", RISCV_HWPROBE_EXT_ZBA},
	{"zbb", RISCV_HWPROBE_EXT_ZBB},
	{"zbc", RISCV_HWPROBE_EXT_ZBC},
	{"zbs", RISCV_HWPROBE_EXT_ZBS},
	{"zbkb", RISCV_HWPROBE_EXT_ZBKB},
	{"zbkc", RISCV_HWPROBE_EXT_ZBKC},
	{"zbkx", RISCV_HWPROBE_EXT_ZBKX},
	{"zknd", RISCV_HWPROBE_EXT_ZKND},
	{"zkne", RISCV_HWPROBE_EXT_ZKNE},
	{"zknh", RISCV_HWPROBE_EXT_ZKNH},
	{"zksed", RISCV_HWPROBE_EXT_ZKSED},
	{"zksh", RISCV_HWPROBE_EXT_ZKSH},
	{"zkt", RISCV_HWPROBE_EXT_ZKT},
	{"zfh", RISCV_HWPROBE_EXT_ZFH},
	{"zfhmin", RISCV_HWPROBE_EXT_ZFHMIN},
	{"zihintpause", RISCV_HWPROBE_EXT_ZIHINTPAUSE},
};

/* Does the list of extensions, "rv64imac_zba_…", name this one? */
static bool has_extension(const char *name)
{
	size_t length = strlen(name);

	for (const char *at = isa; *at != '\0'; at++) {
		if (*at == '_' && strncmp(at + 1, name, length) == 0 &&
		    (at[length + 1] == '_' || at[length + 1] == '\0')) {
			return true;
		}
	}
	return false;
}

static bool is_single(char letter)
{
	return (cpu_features.single >> (letter - 'a') & 1) != 0;
}

static init_ void find_isa(void)
{
	struct device_node node = {.tree = &device_tree};
	u32 size;

	while (device_tree_next(&node)) {
		const u8 *text = device_node_property(&node, "riscv,isa", &size);

		if (node.depth == 2 && text != NULL && size > 5 &&
		    text[size - 1] == '\0' && memcmp(text, "rv64", 4) == 0) {
			isa = (const char *)text;
			return;
		}
	}
}

init_ void features_init(void)
{
	find_isa();
	for (const char *at = isa + 4; *at >= 'a' && *at <= 'z'; at++) {
		cpu_features.single |= 1UL << (*at - 'a');
	}
	cpu_features.sstc = has_extension("sstc");
	if (!is_single('f') || !is_single('d')) {
		panic("this CPU has no floating point registers; Heddle needs them");
	}
	cpu_features.probed = RISCV_HWPROBE_IMA_FD;
	cpu_features.probed |= is_single('c') ? RISCV_HWPROBE_IMA_C : 0;
	for (size_t i = 0; i < ARRAY_SIZE(extensions); i++) {
		cpu_features.probed |=
			has_extension(extensions[i].name) ? extensions[i].probed : 0;
	}
}

const char *arch_machine_name(void)
{
	return "riscv64";
}

u64 arch_hwcap(void)
{
	u64 offered = COMPAT_HWCAP_ISA_I | COMPAT_HWCAP_ISA_M | COMPAT_HWCAP_ISA_A |
		      COMPAT_HWCAP_ISA_F | COMPAT_HWCAP_ISA_D | COMPAT_HWCAP_ISA_C;

	return cpu_features.single & offered;
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
	return format_string(
		to, size, "processor\t: %u\nhart\t\t: %llu\nisa\t\t: %s\nmmu\t\t: %s\n",
		cpu, (unsigned long long)cpu_locals[cpu].hardware_id, isa, paging.name);
}
