// SPDX-License-Identifier: MIT
/*
 * memcpy and memset for this CPU, in place of lib/string.c's: up to 64 bytes by overlapping words, more by string instructions.
 */
	.text
	.globl memcpy
	.balign 16
memcpy:
	mov %rdi, %rax
	cmp $16, %rdx
	jbe 3f
	cmp $64, %rdx
	ja 5f
	cmp $32, %rdx
	jbe 2f
	/* 33 … 64: the first and the last 32 */
	mov (%rsi), %rcx
	mov 8(%rsi), %r8
	mov 16(%rsi), %r9
	mov 24(%rsi), %r10
	lea -32(%rdi,%rdx), %r11
	lea -32(%rsi,%rdx), %rsi
	mov %rcx, (%rdi)
	mov %r8, 8(%rdi)
	mov %r9, 16(%rdi)
	mov %r10, 24(%rdi)
	mov (%rsi), %rcx
	mov 8(%rsi), %r8
	mov 16(%rsi), %r9
	mov 24(%rsi), %r10
	mov %rcx, (%r11)
	mov %r8, 8(%r11)
	mov %r9, 16(%r11)
	mov %r10, 24(%r11)
	ret
2:	/* 17 … 32 */
	mov (%rsi), %rcx
	mov 8(%rsi), %r8
	mov -16(%rsi,%rdx), %r9
	mov -8(%rsi,%rdx), %r10
	mov %rcx, (%rdi)
	mov %r8, 8(%rdi)
	mov %r9, -16(%rdi,%rdx)
	mov %r10, -8(%rdi,%rdx)
	ret
3:	cmp $8, %edx
	jb 4f
	mov (%rsi), %rcx
	mov -8(%rsi,%rdx), %r8
	mov %rcx, (%rdi)
	mov %r8, -8(%rdi,%rdx)
	ret
4:	mov %edx, %ecx
	rep movsb
	ret
5:	mov %rdx, %rcx
	shr $3, %rcx
	and $7, %edx
	/* The last word first: it may overlap, and the rest is a multiple of 8. */
	lea (%rsi,%rcx,8), %r8
	mov -8(%r8,%rdx), %r9
	lea (%rdi,%rcx,8), %r10
	rep movsq
	mov %r9, -8(%r10,%rdx)
	ret

	.globl memset
	.balign 16
memset:
	movzbl %sil, %eax
	movabs $0x0101010101010101, %rcx
	imul %rcx, %rax
	mov %rdi, %r8
	cmp $16, %rdx
	jb 2f
	mov %rax, -8(%rdi,%rdx) /* the end, which the words below may not reach */
	mov %rdx, %rcx
	shr $3, %rcx
	rep stosq
	mov %r8, %rax
	ret
2:	cmp $8, %edx
	jb 3f
	mov %rax, (%rdi)
	mov %rax, -8(%rdi,%rdx)
	mov %r8, %rax
	ret
3:	mov %edx, %ecx
	rep stosb
	mov %r8, %rax
	ret

	.section .note.GNU-stack, "", @progbits
