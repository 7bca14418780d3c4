// SPDX-License-Identifier: MIT
/*
 * Copies between the kernel and user memory: the only code that opens it. A fault that can not be resolved goes to the fixup.
 *
 * Copies go by 8 bytes; if that faults, the rest goes by single bytes, so that the count returned is exact.
 */
#include "arch/common/exception_table.h"
#include "arch/common/macros.inc"
#include "arch/x86_64/macros.inc"

#define USER_END 0x00007ffffffff000 /* checked in trap.c */

/* Go to \bad unless [\address, \address + \size) is user space. Clobbers rax. */
.macro check_range address, size, bad
	movabs $USER_END, %rax
	sub \size, %rax
	jb \bad
	cmp \address, %rax
	jb \bad
.endm

	.text
/* rdi: to, rsi: from, rdx: size; the user's range is checked */
copy:
	open_user_access
	mov %rdx, %rcx
	shr $3, %rcx
	jz 2f
1:	rep movsq
2:	and $7, %edx
	jz 4f
	mov %edx, %ecx
3:	rep movsb
4:	close_user_access
	xor %eax, %eax
	ret
5:	and $7, %edx
	lea (%rdx,%rcx,8), %rcx
6:	rep movsb
7:	close_user_access
	mov %rcx, %rax
	ret
	may_fault 1b, 5b, EXCEPTION_MAY_FAULT_IN
	may_fault 3b, 7b, EXCEPTION_MAY_FAULT_IN
	may_fault 6b, 7b, EXCEPTION_MAY_FAULT_IN

nothing_copied:
	mov %rdx, %rax
	ret

	.globl arch_copy_from_user
arch_copy_from_user:
	check_range %rsi, %rdx, nothing_copied
	jmp copy

	.globl arch_copy_to_user
arch_copy_to_user:
	check_range %rdi, %rdx, nothing_copied
	jmp copy

	.globl arch_clear_user
arch_clear_user:
	mov %rsi, %rdx
	check_range %rdi, %rdx, nothing_copied
	open_user_access
	xor %eax, %eax
	mov %rdx, %rcx
	shr $3, %rcx
	jz 2f
1:	rep stosq
2:	and $7, %edx
	jz 4f
	mov %edx, %ecx
3:	rep stosb
4:	close_user_access
	xor %eax, %eax
	ret
5:	and $7, %edx
	lea (%rdx,%rcx,8), %rcx
6:	rep stosb
7:	close_user_access
	mov %rcx, %rax
	ret
	may_fault 1b, 5b, EXCEPTION_MAY_FAULT_IN
	may_fault 3b, 7b, EXCEPTION_MAY_FAULT_IN
	may_fault 6b, 7b, EXCEPTION_MAY_FAULT_IN

/* rdi: to, rsi: from, rdx: max */
	.globl arch_copy_string_from_user
arch_copy_string_from_user:
	movabs $USER_END, %r8
	sub %rsi, %r8
	jbe 4f
	cmp %rdx, %r8 /* r8: how many bytes may be looked at */
	cmova %rdx, %r8
	open_user_access
	xor %eax, %eax
	test %r8, %r8
	jz 3f
1:	movb (%rsi,%rax), %cl
	movb %cl, (%rdi,%rax)
	test %cl, %cl
	jz 2f
	inc %rax
	cmp %r8, %rax
	jb 1b
3:	cmp %rdx, %r8
	jb 5f /* the end of user space came first */
2:	close_user_access
	ret
5:	close_user_access
4:	mov $-14, %rax /* -EFAULT */
	ret
	may_fault 1b, 5b, EXCEPTION_MAY_FAULT_IN

/* rdi: value, rsi: from */
	.globl arch_user_load_u32_nofault
arch_user_load_u32_nofault:
	mov $4, %edx
	check_range %rsi, %rdx, 3f
	open_user_access
1:	mov (%rsi), %eax
	close_user_access
	mov %eax, (%rdi)
	xor %eax, %eax
	ret
2:	close_user_access
3:	mov $-14, %eax
	ret
	may_fault 1b, 2b, EXCEPTION_NEVER_FAULTS_IN

/* rdi: at, esi: expected, edx: desired, rcx: seen */
	.globl arch_user_cmpxchg_u32_nofault
arch_user_cmpxchg_u32_nofault:
	mov $4, %r8d
	check_range %rdi, %r8, 3f
	mov %esi, %eax
	open_user_access
1:	lock cmpxchg %edx, (%rdi)
	close_user_access
	mov %eax, (%rcx)
	xor %eax, %eax
	ret
2:	close_user_access
3:	mov $-14, %eax
	ret
	may_fault 1b, 2b, EXCEPTION_NEVER_FAULTS_IN

/* rdi: value, rsi: a kernel address, perhaps nonsense */
	.globl kernel_read_u64
kernel_read_u64:
1:	mov (%rsi), %rax
	mov %rax, (%rdi)
	xor %eax, %eax
	ret
2:	mov $-14, %eax
	ret
	may_fault 1b, 2b, EXCEPTION_NEVER_FAULTS_IN

	.section .note.GNU-stack, "", @progbits
