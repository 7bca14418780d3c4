// SPDX-License-Identifier: MIT
/*
 * What every CPU of the machine can do, by the device tree: `riscv,isa-extensions`, a list of names, or the older `riscv,isa`, one text. What one
 * CPU lacks none has. Named to programs is what needs nothing of the kernel, and what the kernel has turned on.
 */
#include "arch/common/device_tree.h"
#include "arch/riscv64/port.h"
#include "lib/format.h"
#include "lib/string.h"
#include <asm/hwprobe.h>

/* In the order in which /proc/cpuinfo has them. */
static const char single_letters[] = "imafdqcvh";

enum need { NOTHING, VECTORS };

static const struct extension {
	const char *name;
	u64 probed;
	enum need need;
} extensions[] = {
	{"zicntr", 0, NOTHING},
	{"zicond", RISCV_HWPROBE_EXT_ZICOND, NOTHING},
	{"zicsr", 0, NOTHING},
	{"zifencei", 0, NOTHING},
	{"zihintntl", RISCV_HWPROBE_EXT_ZIHINTNTL, NOTHING},
	{"zihintpause", RISCV_HWPROBE_EXT_ZIHINTPAUSE, NOTHING},
	{"zimop", RISCV_HWPROBE_EXT_ZIMOP, NOTHING},
	{"zacas", RISCV_HWPROBE_EXT_ZACAS, NOTHING},
	{"zawrs", RISCV_HWPROBE_EXT_ZAWRS, NOTHING},
	{"zfa", RISCV_HWPROBE_EXT_ZFA, NOTHING},
	{"zfh", RISCV_HWPROBE_EXT_ZFH, NOTHING},
	{"zfhmin", RISCV_HWPROBE_EXT_ZFHMIN, NOTHING},
	{"zca", RISCV_HWPROBE_EXT_ZCA, NOTHING},
	{"zcb", RISCV_HWPROBE_EXT_ZCB, NOTHING},
	{"zcd", RISCV_HWPROBE_EXT_ZCD, NOTHING},
	{"zcmop", RISCV_HWPROBE_EXT_ZCMOP, NOTHING},
	{"zba", RISCV_HWPROBE_EXT_ZBA, NOTHING},
	{"zbb", RISCV_HWPROBE_EXT_ZBB, NOTHING},
	{"zbc", RISCV_HWPROBE_EXT_ZBC, NOTHING},
	{"zbkb", RISCV_HWPROBE_EXT_ZBKB, NOTHING},
	{"zbkc", RISCV_HWPROBE_EXT_ZBKC, NOTHING},
	{"zbkx", RISCV_HWPROBE_EXT_ZBKX, NOTHING},
	{"zbs", RISCV_HWPROBE_EXT_ZBS, NOTHING},
	{"zknd", RISCV_HWPROBE_EXT_ZKND, NOTHING},
	{"zkne", RISCV_HWPROBE_EXT_ZKNE, NOTHING},
	{"zknh", RISCV_HWPROBE_EXT_ZKNH, NOTHING},
	{"zksed", RISCV_HWPROBE_EXT_ZKSED, NOTHING},
	{"zksh", RISCV_HWPROBE_EXT_ZKSH, NOTHING},
	{"zkt", RISCV_HWPROBE_EXT_ZKT, NOTHING},
	{"ztso", RISCV_HWPROBE_EXT_ZTSO, NOTHING},
	{"zvbb", RISCV_HWPROBE_EXT_ZVBB, VECTORS},
	{"zvbc", RISCV_HWPROBE_EXT_ZVBC, VECTORS},
	{"zve32f", RISCV_HWPROBE_EXT_ZVE32F, VECTORS},
	{"zve32x", RISCV_HWPROBE_EXT_ZVE32X, VECTORS},
	{"zve64d", RISCV_HWPROBE_EXT_ZVE64D, VECTORS},
	{"zve64f", RISCV_HWPROBE_EXT_ZVE64F, VECTORS},
	{"zve64x", RISCV_HWPROBE_EXT_ZVE64X, VECTORS},
	{"zvfh", RISCV_HWPROBE_EXT_ZVFH, VECTORS},
	{"zvfhmin", RISCV_HWPROBE_EXT_ZVFHMIN, VECTORS},
	{"zvkb", RISCV_HWPROBE_EXT_ZVKB, VECTORS},
	{"zvkg", RISCV_HWPROBE_EXT_ZVKG, VECTORS},
	{"zvkned", RISCV_HWPROBE_EXT_ZVKNED, VECTORS},
	{"zvknha", RISCV_HWPROBE_EXT_ZVKNHA, VECTORS},
	{"zvknhb", RISCV_HWPROBE_EXT_ZVKNHB, VECTORS},
	{"zvksed", RISCV_HWPROBE_EXT_ZVKSED, VECTORS},
	{"zvksh", RISCV_HWPROBE_EXT_ZVKSH, VECTORS},
	{"zvkt", RISCV_HWPROBE_EXT_ZVKT, VECTORS},
	{"sstc", 0, NOTHING},
	{"svinval", 0, NOTHING},
	{"svnapot", 0, NOTHING},
	{"svpbmt", 0, NOTHING},
};
STATIC_ASSERT(ARRAY_SIZE(extensions) <= 64);

/* What a CPU has: a bit each from `a` on, and a bit each of the table. */
struct isa {
	u64 single, several;
};
static struct isa isa;

static u64 several_of(const char *name, size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(extensions); i++) {
		if (strlen(extensions[i].name) == length &&
		    memcmp(extensions[i].name, name, length) == 0) {
			return 1UL << i;
		}
	}
	return 0;
}

static u64 several_named(const char *name)
{
	return several_of(name, strlen(name));
}

static void note_name(struct isa *of, const char *name, size_t length)
{
	if (length == 1 && *name >= 'a' && *name <= 'z') {
		of->single |= 1UL << (*name - 'a');
	} else {
		of->several |= several_of(name, length);
	}
}

/* "i\0m\0a\0zba\0" */
static init_ void read_list(struct isa *of, const char *names, u32 size)
{
	for (u32 at = 0; at < size;) {
		size_t length = strnlen(names + at, size - at);

		note_name(of, names + at, length);
		at += length + 1;
	}
}

/* "rv64imac_zba_zbb": letters until the first name that has several. */
static init_ void read_text(struct isa *of, const char *text)
{
	const char *at = strncmp(text, "rv64", 4) == 0 ? text + 4 : "";
	size_t length;

	for (; *at != '\0' && *at != '_' && *at != 's' && *at != 'x' && *at != 'z';
	     at++) {
		note_name(of, at, 1);
	}
	for (; *at != '\0'; at += length) {
		at += *at == '_' ? 1 : 0;
		length = 0;
		while (at[length] != '\0' && at[length] != '_') {
			length++;
		}
		note_name(of, at, length);
	}
}

/* What others bring with them need not be named. */
static init_ void add_implied(struct isa *of)
{
	if (of->single >> ('c' - 'a') & 1) {
		of->several |= several_named("zca");
		of->several |= of->single >> ('d' - 'a') & 1 ? several_named("zcd") : 0;
	}
	if (of->single >> ('v' - 'a') & 1) {
		of->several |= several_named("zve64d") | several_named("zve64f") |
			       several_named("zve64x") | several_named("zve32f") |
			       several_named("zve32x");
	}
	if (of->several & several_named("zvbb")) {
		of->several |= several_named("zvkb");
	}
	if (of->several & several_named("zfh")) {
		of->several |= several_named("zfhmin");
	}
	if (of->several & several_named("zvfh")) {
		of->several |= several_named("zvfhmin");
	}
}

static init_ struct isa isa_of(const struct device_node *node)
{
	struct isa of = {0};
	u32 size = 0;
	const u8 *text = device_node_property(node, "riscv,isa-extensions", &size);

	if (text != NULL && size > 0 && text[size - 1] == '\0') {
		read_list(&of, (const char *)text, size);
	} else {
		text = device_node_property(node, "riscv,isa", &size);
		if (text != NULL && size > 0 && text[size - 1] == '\0') {
			read_text(&of, (const char *)text);
		}
	}
	add_implied(&of);
	return of;
}

init_ void isa_find(void)
{
	struct device_node node = {.tree = &device_tree};
	struct isa of;
	u64 hart;

	isa = (struct isa){~0UL, ~0UL};
	while (device_tree_next_cpu(&node, &hart)) {
		if (device_node_is_okay(&node)) {
			of = isa_of(&node);
			isa.single &= of.single;
			isa.several &= of.several;
		}
	}
}

bool isa_has_letter(char letter)
{
	return (isa.single >> (letter - 'a') & 1) != 0;
}

bool isa_has(const char *name)
{
	return (isa.several & several_named(name)) != 0;
}

void isa_without_vectors(void)
{
	isa.single &= ~(1UL << ('v' - 'a'));
	for (size_t i = 0; i < ARRAY_SIZE(extensions); i++) {
		isa.several &= extensions[i].need == VECTORS ? ~(1UL << i) : ~0UL;
	}
}

u64 isa_probed(void)
{
	u64 probed = RISCV_HWPROBE_IMA_FD;

	probed |= isa_has_letter('c') ? RISCV_HWPROBE_IMA_C : 0;
	probed |= isa_has_letter('v') ? RISCV_HWPROBE_IMA_V : 0;
	for (size_t i = 0; i < ARRAY_SIZE(extensions); i++) {
		probed |= isa.several >> i & 1 ? extensions[i].probed : 0;
	}
	return probed;
}

void isa_describe(char *to, size_t size)
{
	size_t used = (size_t)format_string(to, size, "rv64");

	for (const char *letter = single_letters; *letter != '\0'; letter++) {
		if (isa_has_letter(*letter) && used + 1 < size) {
			to[used++] = *letter;
			to[used] = '\0';
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(extensions) && used < size; i++) {
		if (isa.several >> i & 1) {
			used += (size_t)format_string(to + used, size - used, "_%s",
						      extensions[i].name);
		}
	}
}
