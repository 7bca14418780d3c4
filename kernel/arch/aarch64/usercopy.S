// SPDX-License-Identifier: MIT
/*
 * Copies between the kernel and user memory, by the instructions that have the rights of user mode only: a program's page that is not
 * there, not writable or the kernel's own faults, and PAN may stay on. A fault that can not be resolved goes to the fixup.
 *
 * Copies go by 32 and by 8 bytes; if that faults, the rest goes by single bytes, so that the count returned is exact.
 */
#include "arch/common/exception_table.h"
#include "arch/common/macros.inc"
#include "arch/aarch64/macros.inc"

/* Go to \bad unless [\address, \address + \size) is user space. Clobbers x9. */
.macro check_range address, size, bad
	mov x9, #1 << 48 /* USER_END, checked in trap.c */
	subs x9, x9, \size
	b.lo \bad
	cmp x9, \address
	b.lo \bad
.endm

	.text
nothing_copied:
	mov x0, x2
	ret

/* x0: to, x1: from, x2: size */
	.globl arch_copy_from_user
arch_copy_from_user:
	check_range x1, x2, nothing_copied
	b 2f
1:	ldtr x3, [x1]
11:	ldtr x4, [x1, #8]
12:	ldtr x5, [x1, #16]
13:	ldtr x6, [x1, #24]
	add x1, x1, #32
	stp x3, x4, [x0], #16
	stp x5, x6, [x0], #16
	sub x2, x2, #32
2:	cmp x2, #32
	b.hs 1b
	b 4f
3:	ldtr x3, [x1]
	add x1, x1, #8
	str x3, [x0], #8
	sub x2, x2, #8
4:	cmp x2, #8
	b.hs 3b
	b 6f
5:	ldtrb w3, [x1]
	add x1, x1, #1
	strb w3, [x0], #1
	sub x2, x2, #1
6:	cbnz x2, 5b
7:	mov x0, x2
	ret
	may_fault 1b, 6b, EXCEPTION_MAY_FAULT_IN
	may_fault 11b, 6b, EXCEPTION_MAY_FAULT_IN
	may_fault 12b, 6b, EXCEPTION_MAY_FAULT_IN
	may_fault 13b, 6b, EXCEPTION_MAY_FAULT_IN
	may_fault 3b, 6b, EXCEPTION_MAY_FAULT_IN
	may_fault 5b, 7b, EXCEPTION_MAY_FAULT_IN

	.globl arch_copy_to_user
arch_copy_to_user:
	check_range x0, x2, nothing_copied
	b 2f
1:	ldp x3, x4, [x1]
	ldp x5, x6, [x1, #16]
10:	sttr x3, [x0]
11:	sttr x4, [x0, #8]
12:	sttr x5, [x0, #16]
13:	sttr x6, [x0, #24]
	add x0, x0, #32
	add x1, x1, #32
	sub x2, x2, #32
2:	cmp x2, #32
	b.hs 1b
	b 4f
3:	ldr x3, [x1]
14:	sttr x3, [x0]
	add x0, x0, #8
	add x1, x1, #8
	sub x2, x2, #8
4:	cmp x2, #8
	b.hs 3b
	b 6f
5:	ldrb w3, [x1]
15:	sttrb w3, [x0]
	add x0, x0, #1
	add x1, x1, #1
	sub x2, x2, #1
6:	cbnz x2, 5b
7:	mov x0, x2
	ret
	may_fault 10b, 6b, EXCEPTION_MAY_FAULT_IN
	may_fault 11b, 6b, EXCEPTION_MAY_FAULT_IN
	may_fault 12b, 6b, EXCEPTION_MAY_FAULT_IN
	may_fault 13b, 6b, EXCEPTION_MAY_FAULT_IN
	may_fault 14b, 6b, EXCEPTION_MAY_FAULT_IN
	may_fault 15b, 7b, EXCEPTION_MAY_FAULT_IN

	.globl arch_clear_user
arch_clear_user:
	mov x2, x1
	check_range x0, x2, nothing_copied
	b 2f
1:	sttr xzr, [x0]
	add x0, x0, #8
	sub x2, x2, #8
2:	cmp x2, #8
	b.hs 1b
	b 4f
3:	sttrb wzr, [x0]
	add x0, x0, #1
	sub x2, x2, #1
4:	cbnz x2, 3b
5:	mov x0, x2
	ret
	may_fault 1b, 4b, EXCEPTION_MAY_FAULT_IN
	may_fault 3b, 5b, EXCEPTION_MAY_FAULT_IN

/* x0: to, x1: from, x2: max */
	.globl arch_copy_string_from_user
arch_copy_string_from_user:
	mov x4, #1 << 48
	subs x4, x4, x1
	b.ls 5f
	cmp x4, x2 /* x4: how many bytes may be looked at */
	csel x4, x2, x4, hi
	mov x3, xzr
	cbz x4, 3f
	add x6, x1, x3
1:	ldtrb w5, [x6]
	strb w5, [x0, x3]
	cbz w5, 2f
	add x3, x3, #1
	add x6, x6, #1
	cmp x3, x4
	b.lo 1b
3:	cmp x4, x2
	b.lo 5f /* the end of user space came first */
2:	mov x0, x3
	ret
5:	mov x0, #-14 /* -EFAULT */
	ret
	may_fault 1b, 5b, EXCEPTION_MAY_FAULT_IN

/* x0: value, x1: from */
	.globl arch_user_load_u32_nofault
arch_user_load_u32_nofault:
	mov x2, #4
	check_range x1, x2, 3f
1:	ldtr w3, [x1]
	str w3, [x0]
	mov w0, wzr
	ret
3:	mov w0, #-14
	ret
	may_fault 1b, 3b, EXCEPTION_NEVER_FAULTS_IN

/*
 * int user_cmpxchg_open(u32 *at, u32 expected, u32 desired, u32 *seen): the range is checked, and open: there are no exclusive accesses with the
 * rights of user mode. The store comes in any case: who may not write may not compare either.
 */
	.globl user_cmpxchg_open
user_cmpxchg_open:
1:	ldaxr w4, [x0]
	cmp w4, w1
	csel w5, w2, w4, eq
2:	stlxr w6, w5, [x0]
	cbnz w6, 1b
	dmb ish
	str w4, [x3]
	mov w0, wzr
	ret
3:	mov w0, #-14
	ret
	may_fault 1b, 3b, EXCEPTION_NEVER_FAULTS_IN
	may_fault 2b, 3b, EXCEPTION_NEVER_FAULTS_IN

/* x0: value, x1: a kernel address, perhaps nonsense */
	.globl kernel_read_u64
kernel_read_u64:
1:	ldr x2, [x1]
	str x2, [x0]
	mov w0, wzr
	ret
2:	mov w0, #-14
	ret
	may_fault 1b, 2b, EXCEPTION_NEVER_FAULTS_IN

	.section .note.GNU-stack, "", @progbits
