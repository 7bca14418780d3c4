// SPDX-License-Identifier: MIT
/*
 * Contract: the only way to user memory. Every function checks that the range lies below USER_END,
 * opens access (SMAP, PAN, SUM) for the copy alone, and ends in a fixup on a fault that cannot be resolved.
 * Context: may sleep (a fault may read a file). With preemption off, and no spinlock held, what is not there right now is not copied.
 * Under spinlocks: the _nofault forms.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

/* Return the number of bytes NOT copied (0: all). */
size_t arch_copy_from_user(void *to, const void __user *from, size_t size) must_check;
size_t arch_copy_to_user(void __user *to, const void *from, size_t size) must_check;
size_t arch_clear_user(void __user *to, size_t size) must_check;
/* Copy a string with its NUL. Returns its length without NUL, `max` if no NUL came within max bytes, or -EFAULT. */
s64 arch_copy_string_from_user(char *to, const char __user *from, size_t max) must_check;

/* Never fault in: -EFAULT if the page is not there right now. Usable under spinlocks. */
int arch_user_load_u32_nofault(u32 *value, const u32 __user *from) must_check;
/* Atomic compare-and-exchange; *seen is what was there. 0, or -EFAULT (also when the page is not writable now). */
int arch_user_cmpxchg_u32_nofault(u32 __user *at, u32 expected, u32 desired,
				  u32 *seen) must_check;
/* The futex_wake_op operations (FUTEX_OP_*), atomic; *seen is the old value. -EFAULT, -ENOSYS. */
int arch_user_futex_operation_nofault(u32 __user *at, unsigned operation, u32 operand,
				      u32 *seen) must_check;

static inline bool
user_range_ok(vaddr_t address,
	      u64 size); /* [address, address+size) within user space, no wrap */

#include "arch/impl/usercopy.h"
