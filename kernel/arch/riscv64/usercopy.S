// SPDX-License-Identifier: MIT
/*
 * Copies between the kernel and user memory: the only code that opens it (SUM). A fault that can not be resolved goes to the fixup.
 *
 * Copies go by 32 and by 8 bytes to aligned words. Where the source is not aligned alike, each word is put together from two aligned ones of the source:
 * none of these lies in a page that has no byte of those to be copied. If one of all these faults, the rest goes by single bytes, so that
 * the count returned is exact.
 */
#include "arch/riscv64/asm_offsets.h"
#include "arch/common/exception_table.h"
#include "arch/common/macros.inc"

/* Go to \bad unless [\address, \address + \size) is user space. Clobbers t0. */
.macro check_range address, size, bad
	ld t0, paging /* USER_END, checked in trap.c */
	bltu t0, \size, \bad
	sub t0, t0, \size
	bltu t0, \address, \bad
.endm

.macro open_user_access
	li t0, STATUS_SUM
	csrs sstatus, t0
.endm

.macro close_user_access
	li t0, STATUS_SUM
	csrc sstatus, t0
.endm

/* \low becomes the word that begins in it, a3 bits from its start, and ends in \high. Clobbers t0. */
.macro join low, high
	srl \low, \low, a3
	sll t0, \high, a4
	or \low, \low, t0
.endm

	.text
nothing_copied:
	mv a0, a2
	ret

/* a0: to, a1: from, a2: size */
	.globl arch_copy_from_user
arch_copy_from_user:
	check_range a1, a2, nothing_copied
	j copy
	.globl arch_copy_to_user
arch_copy_to_user:
	check_range a0, a2, nothing_copied
copy:
	open_user_access
	/* Up to a multiple of 8. */
1:	andi t1, a0, 7
	beqz t1, 2f
	beqz a2, 8f
11:	lbu t2, (a1)
12:	sb t2, (a0)
	addi a0, a0, 1
	addi a1, a1, 1
	addi a2, a2, -1
	j 1b
2:	andi t1, a1, 7
	bnez t1, unaligned
	li t1, 32
	bltu a2, t1, 4f
3:
13:	ld t2, (a1)
14:	ld t3, 8(a1)
15:	ld t4, 16(a1)
16:	ld t5, 24(a1)
17:	sd t2, (a0)
18:	sd t3, 8(a0)
19:	sd t4, 16(a0)
20:	sd t5, 24(a0)
	addi a0, a0, 32
	addi a1, a1, 32
	addi a2, a2, -32
	bgeu a2, t1, 3b
4:	li t1, 8
5:	bltu a2, t1, 6f
21:	ld t2, (a1)
22:	sd t2, (a0)
	addi a0, a0, 8
	addi a1, a1, 8
	addi a2, a2, -8
	j 5b
6:	beqz a2, 8f
23:	lbu t2, (a1)
24:	sb t2, (a0)
	addi a0, a0, 1
	addi a1, a1, 1
	addi a2, a2, -1
	j 6b
8:	close_user_access
	mv a0, a2
	ret

	/* t2: the word of the source that a5 points at, of which the bytes from a1 on are still to come */
unaligned:
	li t3, 8
	bltu a2, t3, 6b
	sub a5, a1, t1
	slli a3, t1, 3
	neg a4, a3 /* shifts count modulo 64 */
	li t1, 32
25:	ld t2, (a5)
	bltu a2, t1, 10f
9:
26:	ld t3, 8(a5)
27:	ld t4, 16(a5)
28:	ld t5, 24(a5)
29:	ld t6, 32(a5)
	join t2, t3
30:	sd t2, (a0)
	join t3, t4
31:	sd t3, 8(a0)
	join t4, t5
32:	sd t4, 16(a0)
	join t5, t6
33:	sd t5, 24(a0)
	mv t2, t6
	addi a0, a0, 32
	addi a1, a1, 32
	addi a5, a5, 32
	addi a2, a2, -32
	bgeu a2, t1, 9b
10:	li t1, 8
	bltu a2, t1, 6b
34:	ld t3, 8(a5)
	join t2, t3
35:	sd t2, (a0)
	mv t2, t3
	addi a0, a0, 8
	addi a1, a1, 8
	addi a5, a5, 8
	addi a2, a2, -8
	j 10b
	.irp n, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35
	may_fault \n\()b, 6b, EXCEPTION_MAY_FAULT_IN
	.endr
	may_fault 11b, 8b, EXCEPTION_MAY_FAULT_IN
	may_fault 12b, 8b, EXCEPTION_MAY_FAULT_IN
	may_fault 13b, 6b, EXCEPTION_MAY_FAULT_IN
	may_fault 14b, 6b, EXCEPTION_MAY_FAULT_IN
	may_fault 15b, 6b, EXCEPTION_MAY_FAULT_IN
	may_fault 16b, 6b, EXCEPTION_MAY_FAULT_IN
	may_fault 17b, 6b, EXCEPTION_MAY_FAULT_IN
	may_fault 18b, 6b, EXCEPTION_MAY_FAULT_IN
	may_fault 19b, 6b, EXCEPTION_MAY_FAULT_IN
	may_fault 20b, 6b, EXCEPTION_MAY_FAULT_IN
	may_fault 21b, 6b, EXCEPTION_MAY_FAULT_IN
	may_fault 22b, 6b, EXCEPTION_MAY_FAULT_IN
	may_fault 23b, 8b, EXCEPTION_MAY_FAULT_IN
	may_fault 24b, 8b, EXCEPTION_MAY_FAULT_IN

/* a0: to, a1: size */
	.globl arch_clear_user
arch_clear_user:
	mv a2, a1
	check_range a0, a2, nothing_copied
	open_user_access
1:	andi t1, a0, 7
	beqz t1, 2f
	beqz a2, 4f
11:	sb zero, (a0)
	addi a0, a0, 1
	addi a2, a2, -1
	j 1b
2:	li t1, 8
	bltu a2, t1, 3f
12:	sd zero, (a0)
	addi a0, a0, 8
	addi a2, a2, -8
	j 2b
3:	beqz a2, 4f
13:	sb zero, (a0)
	addi a0, a0, 1
	addi a2, a2, -1
	j 3b
4:	close_user_access
	mv a0, a2
	ret
	may_fault 11b, 4b, EXCEPTION_MAY_FAULT_IN
	may_fault 12b, 3b, EXCEPTION_MAY_FAULT_IN
	may_fault 13b, 4b, EXCEPTION_MAY_FAULT_IN

/* a0: to, a1: from, a2: max */
	.globl arch_copy_string_from_user
arch_copy_string_from_user:
	ld t1, paging
	bgeu a1, t1, 6f
	sub t1, t1, a1
	bltu t1, a2, 1f
	mv t1, a2 /* t1: how many bytes may be looked at */
1:	open_user_access
	mv t2, zero
	beqz t1, 3f
2:	add t3, a1, t2
11:	lbu t4, (t3)
	add t3, a0, t2
	sb t4, (t3)
	beqz t4, 4f
	addi t2, t2, 1
	bltu t2, t1, 2b
3:	bltu t1, a2, 5f /* the end of user space came first */
4:	close_user_access
	mv a0, t2
	ret
5:	close_user_access
6:	li a0, -14 /* -EFAULT */
	ret
	may_fault 11b, 5b, EXCEPTION_MAY_FAULT_IN

/* a0: value, a1: from */
	.globl arch_user_load_u32_nofault
arch_user_load_u32_nofault:
	li a2, 4
	check_range a1, a2, 3f
	open_user_access
1:	lw t1, (a1)
	close_user_access
	sw t1, (a0)
	li a0, 0
	ret
2:	close_user_access
3:	li a0, -14
	ret
	may_fault 1b, 2b, EXCEPTION_NEVER_FAULTS_IN

/* a0: at, a1: expected, a2: desired, a3: seen. The store comes in any case: who may not write may not compare either. */
	.globl arch_user_cmpxchg_u32_nofault
arch_user_cmpxchg_u32_nofault:
	li a4, 4
	check_range a0, a4, 4f
	sext.w a1, a1
	open_user_access
1:	lr.w.aqrl t1, (a0)
	mv t2, t1
	bne t1, a1, 2f
	mv t2, a2
2:	sc.w.rl t3, t2, (a0)
	bnez t3, 1b
	close_user_access
	sw t1, (a3)
	li a0, 0
	ret
3:	close_user_access
4:	li a0, -14
	ret
	may_fault 1b, 3b, EXCEPTION_NEVER_FAULTS_IN
	may_fault 2b, 3b, EXCEPTION_NEVER_FAULTS_IN

/* a0: value, a1: a kernel address, perhaps nonsense */
	.globl kernel_read_u64
kernel_read_u64:
1:	ld t0, (a1)
	sd t0, (a0)
	li a0, 0
	ret
2:	li a0, -14
	ret
	may_fault 1b, 2b, EXCEPTION_NEVER_FAULTS_IN

	.section .note.GNU-stack, "", @progbits
