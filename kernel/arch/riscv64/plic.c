// SPDX-License-Identifier: MIT
/*
 * The interrupt controller for devices (PLIC). Its lines are its sources. Each hart has a context for supervisor mode, by the order in which the
 * device tree lists the harts' own controllers. Devices interrupt the boot CPU.
 *
 * Locks     plic_lock around the bits that say which lines are on.
 */
#include "arch/common/device_tree.h"
#include "arch/entry.h"
#include "arch/impl/cpu_local.h"
#include "arch/irq.h"
#include "arch/riscv64/instructions.h"
#include "arch/riscv64/port.h"
#include "core/log.h"
#include "core/spinlock.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kernel_stack.h"

enum { PRIORITY = 0, ENABLE = 0x2000, THRESHOLD = 0x200000, CLAIM = 0x200004 };
enum { ENABLE_STRIDE = 0x80, CONTEXT_STRIDE = 0x1000, LINES_LIMIT = 1024 };
enum { EXTERNAL_TO_SUPERVISOR = 9 };

static volatile u8 *registers; /* NULL: there is none */
static u32 context, line_count;
static struct spinlock plic_lock = SPINLOCK_INIT(RANK_IPI, "plic_lock");

static volatile u32 *at(u32 offset)
{
	return (volatile u32 *)(registers + offset);
}

static u32 number(const struct device_node *node, const char *name)
{
	u32 size;
	const u8 *value = device_node_property(node, name, &size);

	return value != NULL && size == 4 ? (u32)device_tree_number(value, 1) : 0;
}

/* The handle of the controller inside the boot CPU; 0: not found. */
static u32 boot_controller(void)
{
	struct device_node node = {.tree = &device_tree};
	bool inside = false;
	u64 hart, size;

	while (device_tree_next(&node)) {
		if (node.depth == 2) {
			inside = strncmp(node.name, "cpu@", 4) == 0 &&
				 device_node_reg(&node, 0, &hart, &size) &&
				 hart == cpu_locals[0].hardware_id;
		} else if (inside && node.depth == 3 &&
			   device_node_compatible(&node, "riscv,cpu-intc")) {
			return number(&node, "phandle");
		}
	}
	return 0;
}

static bool find_context(const struct device_node *plic)
{
	u32 size, wanted = boot_controller();
	const u8 *pairs = device_node_property(plic, "interrupts-extended", &size);

	for (u32 i = 0; pairs != NULL && i < size / 8; i++) {
		if (device_tree_number(pairs + 8 * i, 1) == wanted &&
		    device_tree_number(pairs + 8 * i + 4, 1) == EXTERNAL_TO_SUPERVISOR) {
			context = i;
			return true;
		}
	}
	return false;
}

void plic_init(void)
{
	struct device_node node = {0};
	u64 base, size;

	if (!device_tree_find(&node, "sifive,plic-1.0.0") ||
	    !device_node_reg(&node, 0, &base, &size) || !find_context(&node)) {
		log_warning("plic: none; no device can interrupt");
		return;
	}
	line_count = MIN(number(&node, "riscv,ndev") + 1, (u32)LINES_LIMIT);
	if (size < CLAIM + context * CONTEXT_STRIDE + 4) {
		log_warning("plic: it has no registers for this CPU");
		return;
	}
	/* As far as there are registers for this context. */
	registers = kernel_map_device(base, CLAIM + context * CONTEXT_STRIDE + 4);
	if (registers == NULL) {
		return;
	}
	for (u32 i = 0; i < line_count; i += 32) {
		*at(ENABLE + context * ENABLE_STRIDE + i / 8) = 0;
	}
	*at(THRESHOLD + context * CONTEXT_STRIDE) = 0;
}

static void set_enabled(unsigned line, bool on)
{
	volatile u32 *word = at(ENABLE + context * ENABLE_STRIDE + line / 32 * 4);
	u64 flags = spin_lock_irq(&plic_lock);

	*word = on ? *word | 1u << line % 32 : *word & ~(1u << line % 32);
	spin_unlock_irq(&plic_lock, flags);
}

int arch_irq_line_enable(unsigned line, bool level_triggered)
{
	if (registers == NULL || line == 0 || line >= line_count) {
		return -EINVAL;
	}
	*at(PRIORITY + 4 * line) = 1;
	set_enabled(line, true);
	return 0;
}

void arch_irq_line_disable(unsigned line)
{
	if (registers != NULL && line != 0 && line < line_count) {
		set_enabled(line, false);
	}
}

void plic_interrupt(void)
{
	volatile u32 *claim = at(CLAIM + context * CONTEXT_STRIDE);
	u32 line;

	while (registers != NULL && (line = *claim) != 0) {
		entry_device_interrupt(line);
		*claim = line;
	}
}

bool plic_line_of(const struct device_node *node, unsigned *line)
{
	u32 size;
	const u8 *value = device_node_property(node, "interrupts", &size);

	if (value == NULL || size < 4) {
		return false;
	}
	*line = (unsigned)device_tree_number(value, 1);
	return *line > 0 && *line < LINES_LIMIT;
}
