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
	movabs $0x0101010101010101, %r10
	movabs $0x8080808080808080, %r11
	/* Words, as long as all of one may be looked at and lies in the page of its first byte, which is part of the string. */
6:	lea 8(%rax), %r9
	cmp %r8, %r9
	ja 7f
	lea (%rsi,%rax), %ecx
	and $0xfff, %ecx
	cmp $0xff8, %ecx
	ja 7f
8:	mov (%rsi,%rax), %rcx
	mov %rcx, %r9
	sub %r10, %r9
	not %rcx
	and %rcx, %r9
	not %rcx
	and %r11, %r9
	jnz 9f /* its lowest bit is the top one of the first byte that is 0 */
	mov %rcx, (%rdi,%rax)
	add $8, %rax
	jmp 6b
9:	lea -1(%r9), %r10
	xor %r9, %r10
	shr $8, %r10
	and %r10, %rcx
	mov %rcx, (%rdi,%rax) /* what is behind the end is 0 */
	bsf %r9, %rcx
	shr $3, %ecx
	add %rcx, %rax
	jmp 2f

7:	cmp %r8, %rax
	jae 3f
1:	movb (%rsi,%rax), %cl
	movb %cl, (%rdi,%rax)
	test %cl, %cl
	jz 2f
	inc %rax
	test $7, %al /* at a page's end: on by words */
	jz 6b
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
	may_fault 8b, 5b, EXCEPTION_MAY_FAULT_IN

#define XSAVE_HEADER 512

/* rdi: to, rsi: features; the area is in user space */
	.globl fpu_save_to_user
fpu_save_to_user:
	open_user_access
	xor %ecx, %ecx
	.set offset, XSAVE_HEADER
	.rept 8
1:	mov %rcx, offset(%rdi)
	may_fault 1b, 3f, EXCEPTION_MAY_FAULT_IN
	.set offset, offset + 8
	.endr
	mov %esi, %eax
	mov %rsi, %rdx
	shr $32, %rdx
2:	xsave64 (%rdi)
	close_user_access
	xor %eax, %eax
	ret
3:	close_user_access
	mov $-14, %eax /* -EFAULT */
	ret
	may_fault 2b, 3b, EXCEPTION_MAY_FAULT_IN

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
