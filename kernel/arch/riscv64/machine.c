// SPDX-License-Identifier: MIT
/*
 * The machine around the CPUs: virtio-mmio slots of the device tree, and the ways to end.
 *
 * An exit status goes to the virtual machine monitor by its test device, where there is one; else the machine is powered off without.
 */
#include "arch/boot.h"
#include "arch/common/device_tree.h"
#include "arch/cpu.h"
#include "arch/riscv64/instructions.h"
#include "arch/riscv64/port.h"
#include "lib/string.h"
#include "mm/kernel_stack.h"

enum { TEST_FAIL = 0x3333, TEST_PASS = 0x5555, TEST_RESET = 0x7777 };

static volatile u32 *test_device; /* written at boot */

unsigned arch_platform_devices(struct platform_device *to, unsigned max)
{
	struct device_node node = {0};
	unsigned count = 0;

	while (count < max && device_tree_find(&node, "virtio,mmio")) {
		struct platform_device *device = &to[count];

		device->compatible = "virtio,mmio";
		if (device_node_reg(&node, 0, &device->base, &device->size) &&
		    plic_line_of(&node, &device->irq)) {
			count++;
		}
	}
	return count;
}

void machine_init(void)
{
	struct device_node node = {0};
	u64 base, size;

	if (device_tree_find(&node, "sifive,test0") &&
	    device_node_reg(&node, 0, &base, &size)) {
		test_device = kernel_map_device(base, sizeof(*test_device));
	}
}

void arch_machine_exit(unsigned status)
{
	if (test_device != NULL) {
		*test_device = status == 0 ? TEST_PASS : status << 16 | TEST_FAIL;
	}
	(void)sbi_call(SBI_RESET, 0, RESET_POWER_OFF, 0, 0, 0, 0);
	arch_cpu_stop();
}

void arch_machine_reboot(void)
{
	(void)sbi_call(SBI_RESET, 0, RESET_COLD, 0, 0, 0, 0);
	if (test_device != NULL) {
		*test_device = TEST_RESET;
	}
	arch_cpu_stop();
}
