// SPDX-License-Identifier: MIT
/* The operations of FUTEX_WAKE_OP on a user's word, atomic and without faulting in. */
#include "arch/usercopy.h"
#include "lib/errno.h"
#include <linux/futex.h>

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
