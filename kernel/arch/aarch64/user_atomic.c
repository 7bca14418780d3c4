// SPDX-License-Identifier: MIT
/* A user's word: compare and exchange, atomic and without faulting in. */
#include "arch/aarch64/port.h"
#include "arch/irq.h"
#include "arch/usercopy.h"
#include "lib/errno.h"

/* The one place that opens user memory to the kernel's own accesses. */
int arch_user_cmpxchg_u32_nofault(u32 __user *at, u32 expected, u32 desired, u32 *seen)
{
	u64 flags;
	int error;

	if (!user_range_ok((vaddr_t)at, sizeof(*at))) {
		return -EFAULT;
	}
	flags = arch_irq_save();
	if (cpu_features.pan) {
		__asm__ volatile(".inst 0xd500409f" ::: "memory"); /* msr pan, #0 */
	}
	error = user_cmpxchg_open((u32 *)at, expected, desired, seen);
	if (cpu_features.pan) {
		__asm__ volatile(".inst 0xd500419f" ::: "memory"); /* msr pan, #1 */
	}
	arch_irq_restore(flags);
	return error;
}
