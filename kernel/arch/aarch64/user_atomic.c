// SPDX-License-Identifier: MIT
/* A user's word: compare and exchange, and the operations of FUTEX_WAKE_OP, atomic and without faulting in. */
#include "arch/aarch64/port.h"
#include "arch/irq.h"
#include "arch/usercopy.h"
#include "lib/errno.h"
#include <linux/futex.h>

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

static int apply(unsigned operation, u32 old, u32 operand, u32 *result)
{
	switch (operation) {
	case FUTEX_OP_SET:
		*result = operand;
		return 0;
	case FUTEX_OP_ADD:
		*result = old + operand;
		return 0;
	case FUTEX_OP_OR:
		*result = old | operand;
		return 0;
	case FUTEX_OP_ANDN:
		*result = old & ~operand;
		return 0;
	case FUTEX_OP_XOR:
		*result = old ^ operand;
		return 0;
	default:
		return -ENOSYS;
	}
}

int arch_user_futex_operation_nofault(u32 __user *at, unsigned operation, u32 operand,
				      u32 *seen)
{
	u32 old, desired, found;
	int error = arch_user_load_u32_nofault(&old, at);

	for (;;) {
		if (error == 0) {
			error = apply(operation, old, operand, &desired);
		}
		if (error == 0) {
			error = arch_user_cmpxchg_u32_nofault(at, old, desired, &found);
		}
		if (error != 0 || found == old) {
			break;
		}
		old = found;
	}
	if (error == 0) {
		*seen = old;
	}
	return error;
}
