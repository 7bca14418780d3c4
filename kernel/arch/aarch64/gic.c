// SPDX-License-Identifier: MIT
/*
 * The interrupt controller: GICv2, or GICv3 with its registers in the CPU. Device lines go to CPU 0; lines are numbered as the GIC does:
 * 0 … 15 between CPUs, 16 … 31 each CPU's own, from 32 on devices'.
 *
 * Locks     gic_lock: the distributor's registers of several lines in one word.
 */
#include "arch/aarch64/instructions.h"
#include "arch/aarch64/port.h"
#include "arch/common/device_tree.h"
#include "arch/impl/cpu_local.h"
#include "arch/irq.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/spinlock.h"
#include "lib/errno.h"
#include "mm/kernel_stack.h"

const struct arch_interrupt_name arch_timer_interrupt = {"TMR", "GIC Level arch_timer"};
const struct arch_interrupt_name arch_reschedule_interrupt = {"IPI0",
							      "Rescheduling interrupts"};

/* The distributor; the same from ENABLE to CONFIGURATION for a CPU's own lines in a GICv3 redistributor. */
enum {
	CONTROL = 0x000,
	KIND = 0x004,
	GROUP = 0x080,
	ENABLE = 0x100,
	DISABLE = 0x180,
	PRIORITY = 0x400,
	TARGETS = 0x800,
	CONFIGURATION = 0xc00,
	SOFTWARE = 0xf00,
	ROUTE = 0x6000,
};
enum {
	CONTROL_V3 = 0x12, /* group 1, by affinity */
	CONTROL_BUSY = 1U << 31,
};
/* A GICv2's part for each CPU. */
enum { CPU_CONTROL = 0x00, CPU_MASK = 0x04, CPU_TAKE = 0x0c, CPU_END = 0x10 };
/* A GICv3 redistributor: two frames of 64 KiB; with virtual interrupts two more. */
enum {
	REDISTRIBUTOR_KIND = 0x08,
	REDISTRIBUTOR_WAKE = 0x14,
	REDISTRIBUTOR_SGI = 0x10000,
	REDISTRIBUTOR_SIZE = 0x20000,
	WAKE_SLEEP = 2,
	WAKE_ASLEEP = 4,
};
#define KIND_LAST    (1UL << 4)
#define KIND_VIRTUAL (1UL << 1)

enum { LINES_MAX = 1020, LOWEST_PRIORITY = 0xf0, NORMAL_PRIORITY = 0xa0 };
#define AFFINITY_MASK 0xff00ffffffUL

static struct spinlock gic_lock = SPINLOCK_INIT(RANK_IPI, "gic_lock");
static volatile u8 *distributor, *cpu_interface; /* cpu_interface NULL: GICv3 */
static unsigned line_count;

static u32 load(volatile u8 *base, unsigned at)
{
	return *(volatile u32 *)(base + at);
}

static void store(volatile u8 *base, unsigned at, u32 value)
{
	*(volatile u32 *)(base + at) = value;
}

static volatile u8 *map(const struct device_node *node, unsigned index)
{
	u64 address, size;
	volatile u8 *at = NULL;

	if (device_node_reg(node, index, &address, &size)) {
		at = kernel_map_device(address, MIN(size, 0x10000UL));
	}
	if (at == NULL) {
		panic("gic: its registers can not be mapped");
	}
	return at;
}

static void wait_distributor(void)
{
	while (cpu_interface == NULL && load(distributor, CONTROL) & CONTROL_BUSY) {
		__asm__ volatile("yield");
	}
}

/* Give each CPU that the machine has, if there is one, the redistributor at `base`. true: it was the last. */
static bool assign_redistributor(volatile u8 *base, u64 *stride)
{
	u64 kind = *(volatile u64 *)(base + REDISTRIBUTOR_KIND);
	u64 affinity = (kind >> 32 & 0xffffff) | (kind >> 56) << 32;

	*stride = kind & KIND_VIRTUAL ? 2 * REDISTRIBUTOR_SIZE : REDISTRIBUTOR_SIZE;
	for (unsigned i = 0; i < arch_cpus_present(); i++) {
		if (cpu_locals[i].hardware_id == affinity) {
			cpu_locals[i].redistributor = base;
		}
	}
	return (kind & KIND_LAST) != 0;
}

static void find_redistributors(const struct device_node *node)
{
	u64 address, size, stride;

	for (unsigned region = 1; device_node_reg(node, region, &address, &size);
	     region++) {
		for (u64 at = 0; at + REDISTRIBUTOR_SIZE <= size; at += stride) {
			volatile u8 *base =
				kernel_map_device(address + at, REDISTRIBUTOR_SIZE);

			if (base == NULL) {
				panic("gic: no memory");
			}
			if (assign_redistributor(base, &stride)) {
				break;
			}
		}
	}
}

static void reset_lines(void)
{
	line_count = MIN(((load(distributor, KIND) & 31) + 1) * 32, (u32)LINES_MAX);
	for (unsigned i = GIC_SPI_FIRST; i < line_count; i += 32) {
		store(distributor, DISABLE + i / 8, ~0u);
		store(distributor, GROUP + i / 8, cpu_interface == NULL ? ~0u : 0);
	}
	for (unsigned i = GIC_SPI_FIRST; i < line_count; i += 4) {
		store(distributor, PRIORITY + i, NORMAL_PRIORITY * 0x01010101u);
	}
}

void gic_init(void)
{
	static const char *const version_2[] = {"arm,cortex-a15-gic", "arm,gic-400",
						"arm,cortex-a7-gic"};
	struct device_node node = {0};

	if (device_tree_find(&node, "arm,gic-v3")) {
		distributor = map(&node, 0);
		find_redistributors(&node);
	} else {
		for (unsigned i = 0; i < ARRAY_SIZE(version_2) && distributor == NULL;
		     i++) {
			node = (struct device_node){0};
			if (device_tree_find(&node, version_2[i])) {
				distributor = map(&node, 0);
				cpu_interface = map(&node, 1);
			}
		}
	}
	if (distributor == NULL) {
		panic("gic: the device tree has none that is known");
	}
	store(distributor, CONTROL, 0);
	wait_distributor();
	reset_lines();
	store(distributor, CONTROL, cpu_interface == NULL ? CONTROL_V3 : 1);
	wait_distributor();
	gic_init_cpu();
	log_info("gic: version %u, %u lines", cpu_interface == NULL ? 3 : 2, line_count);
}

/* A CPU's own lines: all off but those between CPUs. */
static void reset_private(volatile u8 *base)
{
	store(base, DISABLE, 0xffff0000);
	for (unsigned i = 0; i < GIC_SPI_FIRST; i += 4) {
		store(base, PRIORITY + i, NORMAL_PRIORITY * 0x01010101u);
	}
	store(base, ENABLE, 0xffff);
}

static void init_cpu_v3(void)
{
	volatile u8 *base = cpu_local_current()->redistributor;

	if (base == NULL) {
		panic("gic: no redistributor for CPU %u", arch_cpu_number());
	}
	store(base, REDISTRIBUTOR_WAKE,
	      load(base, REDISTRIBUTOR_WAKE) & ~(u32)WAKE_SLEEP);
	while (load(base, REDISTRIBUTOR_WAKE) & WAKE_ASLEEP) {
		__asm__ volatile("yield");
	}
	store(base + REDISTRIBUTOR_SGI, GROUP, ~0u);
	reset_private(base + REDISTRIBUTOR_SGI);
	WRITE_REGISTER(ICC_SRE_EL1, READ_REGISTER(ICC_SRE_EL1) | 1);
	instruction_barrier();
	WRITE_REGISTER(ICC_PMR_EL1, LOWEST_PRIORITY);
	WRITE_REGISTER(ICC_BPR1_EL1, 0);
	WRITE_REGISTER(ICC_CTLR_EL1, 0);
	WRITE_REGISTER(ICC_IGRPEN1_EL1, 1);
	instruction_barrier();
}

void gic_init_cpu(void)
{
	if (cpu_interface == NULL) {
		init_cpu_v3();
		return;
	}
	reset_private(distributor);
	store(cpu_interface, CPU_MASK, LOWEST_PRIORITY);
	store(cpu_interface, CPU_CONTROL, 1);
}

unsigned gic_take(u32 *token)
{
	if (cpu_interface == NULL) {
		*token = (u32)READ_REGISTER(ICC_IAR1_EL1);
	} else {
		*token = load(cpu_interface, CPU_TAKE);
	}
	/* What the sender wrote before is seen from here on. order.interrupt: pairs with gic_send() */
	__asm__ volatile("dsb sy" ::: "memory");
	return *token & (cpu_interface == NULL ? 0xffffff : 0x3ff);
}

void gic_end(u32 token)
{
	if (cpu_interface == NULL) {
		WRITE_REGISTER(ICC_EOIR1_EL1, token);
		instruction_barrier();
	} else {
		store(cpu_interface, CPU_END, token);
	}
}

void gic_enable_private(unsigned line)
{
	volatile u8 *base = distributor;

	if (cpu_interface == NULL) {
		base = cpu_local_current()->redistributor + REDISTRIBUTOR_SGI;
	}
	store(base, ENABLE, 1u << line);
}

void gic_send(struct cpu_local *target, unsigned line)
{
	/* What was written before is there when the interrupt is. order.interrupt: pairs with gic_take() */
	__asm__ volatile("dsb ish" ::: "memory");
	if (cpu_interface == NULL) {
		u64 to = target->hardware_id, id = to & 0xff;
		u64 value = 1UL << (id & 15) | (to & 0xff00) << 8 | (u64)line << 24 |
			    (to & 0xff0000) << 16 | (id >> 4) << 44 |
			    (to >> 32 & 0xff) << 48;

		WRITE_REGISTER(ICC_SGI1R_EL1, value);
		instruction_barrier();
	} else {
		/* A GICv2's CPUs, eight at most, are numbered as their affinity is. */
		store(distributor, SOFTWARE,
		      1u << (16 + (target->hardware_id & 7)) | line);
	}
}

static void route_to_boot_cpu(unsigned line)
{
	if (cpu_interface == NULL) {
		*(volatile u64 *)(distributor + ROUTE + 8 * line) =
			cpu_locals[0].hardware_id & AFFINITY_MASK;
	} else {
		*(volatile u8 *)(distributor + TARGETS + line) =
			(u8)(1u << (cpu_locals[0].hardware_id & 7));
	}
}

int arch_irq_line_enable(unsigned line, bool level_triggered)
{
	unsigned at = CONFIGURATION + line / 16 * 4, shift = line % 16 * 2;
	u64 flags;
	u32 edge;

	if (line < GIC_SPI_FIRST || line >= line_count) {
		return -EINVAL;
	}
	flags = spin_lock_irq(&gic_lock);
	edge = level_triggered ? 0 : 2;
	store(distributor, at, (load(distributor, at) & ~(3u << shift)) | edge << shift);
	route_to_boot_cpu(line);
	store(distributor, ENABLE + line / 32 * 4, 1u << line % 32);
	spin_unlock_irq(&gic_lock, flags);
	return 0;
}

void arch_irq_line_disable(unsigned line)
{
	if (line >= GIC_SPI_FIRST && line < line_count) {
		store(distributor, DISABLE + line / 32 * 4, 1u << line % 32);
	}
}

enum { INTERRUPT_CELLS = 3, INTERRUPT_SHARED = 0, PRIVATE_FIRST = 16 };

bool gic_line_of(const struct device_node *node, unsigned index, unsigned *line)
{
	u32 bytes, number;
	const u8 *value = device_node_property(node, "interrupts", &bytes);

	if (value == NULL || index >= bytes / (4 * INTERRUPT_CELLS)) {
		return false;
	}
	value += index * 4 * INTERRUPT_CELLS;
	number = (u32)device_tree_number(value + 4, 1);
	if (number >= 988) {
		return false;
	}
	*line = number + (device_tree_number(value, 1) == INTERRUPT_SHARED
				  ? GIC_SPI_FIRST
				  : PRIVATE_FIRST);
	return true;
}
