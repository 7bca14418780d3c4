// SPDX-License-Identifier: MIT
/*
 * The machine around the CPUs: virtio-mmio slots of the device tree, the firmware's calls (PSCI), and the ways to end.
 *
 * An exit status goes to the virtual machine monitor by semihosting, where that is turned on; else the instruction is undefined, and the
 * machine is powered off without one.
 */
#include "arch/aarch64/port.h"
#include "arch/boot.h"
#include "arch/common/device_tree.h"
#include "arch/common/exception_table.h"
#include "arch/cpu.h"
#include "arch/timer.h"
#include "core/log.h"
#include "lib/errno.h"
#include "lib/string.h"

#define PSCI_CPU_ON       0xc4000003UL
#define PSCI_SYSTEM_OFF   0x84000008UL
#define PSCI_SYSTEM_RESET 0x84000009UL

enum psci_conduit { PSCI_NONE, PSCI_HVC, PSCI_SMC };

enum { SEMIHOSTING_EXIT_EXTENDED = 0x20 };
#define SEMIHOSTING_APPLICATION_EXIT 0x20026UL

static enum psci_conduit conduit; /* written at boot */

unsigned arch_platform_devices(struct platform_device *to, unsigned max)
{
	struct device_node node = {0};
	unsigned count = 0;

	while (count < max && device_tree_find(&node, "virtio,mmio")) {
		struct platform_device *device = &to[count];

		device->compatible = "virtio,mmio";
		if (device_node_reg(&node, 0, &device->base, &device->size) &&
		    gic_line_of(&node, 0, &device->irq)) {
			count++;
		}
	}
	return count;
}

static s64 psci_call(u64 function, u64 a, u64 b, u64 c)
{
	register u64 x0 __asm__("x0") = function;
	register u64 x1 __asm__("x1") = a;
	register u64 x2 __asm__("x2") = b;
	register u64 x3 __asm__("x3") = c;

	/* The callee may change x4 … x17 as well. */
	if (conduit == PSCI_HVC) {
		__asm__ volatile("hvc #0"
				 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory", "x4",
				   "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
				   "x13", "x14", "x15", "x16", "x17");
	} else if (conduit == PSCI_SMC) {
		__asm__ volatile("smc #0"
				 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory", "x4",
				   "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
				   "x13", "x14", "x15", "x16", "x17");
	} else {
		return -ENODEV;
	}
	return (s64)x0;
}

s64 psci_cpu_on(u64 mpidr, paddr_t entry, paddr_t context)
{
	return psci_call(PSCI_CPU_ON, mpidr, entry, context);
}

void machine_init(void)
{
	struct device_node node = {0};
	const u8 *method;
	u32 size;

	if (!device_tree_find(&node, "arm,psci-1.0")) {
		node = (struct device_node){0};
		if (!device_tree_find(&node, "arm,psci-0.2")) {
			log_warning("machine: no PSCI");
			return;
		}
	}
	method = device_node_property(&node, "method", &size);
	if (method != NULL && size == 4 && memcmp(method, "hvc", 4) == 0) {
		conduit = PSCI_HVC;
	} else if (method != NULL && size == 4 && memcmp(method, "smc", 4) == 0) {
		conduit = PSCI_SMC;
	}
}

/* Returns where nobody listens. */
static void tell_status(unsigned status)
{
	u64 block[2] = {SEMIHOSTING_APPLICATION_EXIT, status};
	register u64 x0 __asm__("x0") = SEMIHOSTING_EXIT_EXTENDED;
	register u64 x1 __asm__("x1") = (u64)block;

	__asm__ volatile("1:\thlt #0xf000\n"
			 "2:\n\t" EXCEPTION_ENTRY("1b", "2b", "1")
			 : "+r"(x0)
			 : "r"(x1)
			 : "memory");
}

void arch_machine_exit(unsigned status)
{
	tell_status(status);
	(void)psci_call(PSCI_SYSTEM_OFF, 0, 0, 0);
	arch_cpu_stop();
}

void arch_machine_reboot(void)
{
	(void)psci_call(PSCI_SYSTEM_RESET, 0, 0, 0);
	arch_cpu_stop();
}
