// SPDX-License-Identifier: MIT
/*
 * From the virtual machine monitor's door to boot_x86(): 64-bit mode, the boot page tables, .bss cleared, the boot stack.
 *
 *	start_pvh	PVH: 32-bit protected mode, paging off, ebx = hvm_start_info
 *	start_linux64	Linux's 64-bit entry: identity mapped, rsi = boot_params; goes back to 32-bit mode and joins
 *
 * The boot tables map the first 4 GiB three times: identity, at PHYSICAL_MAP_BASE, and (1 GiB) at the image's base. They stay: started
 * CPUs pass through them. Code here runs at physical addresses until it jumps high.
 */
#include "arch/impl/cpu_offsets.h"
#include "arch/x86_64/asm_offsets.h"

#define IMAGE_BASE 0xffffffff80000000
#define PHYSICAL(symbol) ((symbol) - IMAGE_BASE)

	.section .note.pvh, "a", @note
	.balign 4
	.long 4, 8, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.quad PHYSICAL(start_pvh)

	.globl start_linux64
	.set start_linux64, PHYSICAL(start_linux64_high)

	.section .init.head, "awx"
	.code64
start_linux64_high:
	cli
	mov %esi, %ebx
	mov $1, %ebp
	lgdt PHYSICAL(boot_gdt_pointer)
	mov $PHYSICAL(boot_stack_top), %esp
	push $0x08
	push $PHYSICAL(1f)
	lretq
	.code32
1:	mov $0x18, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov %cr0, %eax
	and $0x7fffffff, %eax /* paging off */
	mov %eax, %cr0
	jmp start_common

	.globl start_pvh
start_pvh:
	cli
	xor %ebp, %ebp

	/* ebx: information, ebp: which kind */
start_common:
	cld
	mov $PHYSICAL(kernel_bss_start), %edi
	mov $PHYSICAL(kernel_bss_end), %ecx
	sub %edi, %ecx
	shr $2, %ecx
	xor %eax, %eax
	rep stosl

	/* four tables of 2 MiB pages: 0 … 4 GiB */
	mov $PHYSICAL(boot_pd), %edi
	mov $0x83, %eax
	mov $2048, %ecx
1:	mov %eax, (%edi)
	add $8, %edi
	add $0x200000, %eax
	dec %ecx
	jnz 1b

	mov $(PHYSICAL(boot_pd) + 3), %eax
	mov %eax, PHYSICAL(boot_pdpt)
	mov %eax, PHYSICAL(boot_pdpt_image) + 510 * 8
	add $0x1000, %eax
	mov %eax, PHYSICAL(boot_pdpt) + 8
	add $0x1000, %eax
	mov %eax, PHYSICAL(boot_pdpt) + 16
	add $0x1000, %eax
	mov %eax, PHYSICAL(boot_pdpt) + 24
	movl $(PHYSICAL(boot_pdpt) + 3), PHYSICAL(boot_pml4)
	movl $(PHYSICAL(boot_pdpt) + 3), PHYSICAL(boot_pml4) + 256 * 8
	movl $(PHYSICAL(boot_pdpt_image) + 3), PHYSICAL(boot_pml4) + 511 * 8

	mov $0x20, %eax /* CR4.PAE */
	mov %eax, %cr4
	mov $PHYSICAL(boot_pml4), %eax
	mov %eax, %cr3
	mov $0xc0000080, %ecx /* EFER: SCE, LME, NXE */
	mov $0x901, %eax
	xor %edx, %edx
	wrmsr
	mov $0x80010033, %eax /* CR0: PG, WP, NE, ET, MP, PE */
	mov %eax, %cr0
	lgdt PHYSICAL(boot_gdt_pointer)
	ljmp $0x10, $PHYSICAL(1f)

	.code64
1:	movabs $start_high, %rax
	jmp *%rax

	.balign 8
boot_gdt:
	.quad 0
	.quad 0x00cf9b000000ffff /* 0x08: 32-bit code */
	.quad 0x00af9b000000ffff /* 0x10: 64-bit code */
	.quad 0x00cf93000000ffff /* 0x18: data */
boot_gdt_end:
boot_gdt_pointer:
	.word boot_gdt_end - boot_gdt - 1
	.long PHYSICAL(boot_gdt)
	.long 0

	.section .init.text, "awx"
start_high:
	xor %eax, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov %eax, %fs
	mov %eax, %gs
	mov $boot_stack_top, %rsp
	mov $cpu_locals, %rax
	mov %rax, %rdx
	shr $32, %rdx
	mov $0xc0000101, %ecx /* gs base */
	wrmsr
	mov %ebx, %edi
	mov %ebp, %esi
	xor %ebp, %ebp
	call boot_x86
1:	hlt
	jmp 1b

/*
 * Where a started CPU wakes up: copied to TRAMPOLINE_ADDRESS, real mode.
 */
#define TRAMPOLINE(symbol) ((symbol) - trampoline_start + TRAMPOLINE_ADDRESS)

	.section .rodata.trampoline, "a"
	.globl trampoline_start, trampoline_end
	.balign 16
	.code16
trampoline_start:
	cli
	cld
	xor %ax, %ax
	mov %ax, %ds
	lgdtl TRAMPOLINE(trampoline_gdt_pointer)
	mov $0x11, %eax
	mov %eax, %cr0
	ljmpl $0x08, $TRAMPOLINE(1f)
	.code32
1:	mov $0x18, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov $0x20, %eax
	mov %eax, %cr4
	mov $PHYSICAL(boot_pml4), %eax
	mov %eax, %cr3
	mov $0xc0000080, %ecx
	mov $0x901, %eax
	xor %edx, %edx
	wrmsr
	mov $0x80010033, %eax
	mov %eax, %cr0
	ljmp $0x10, $TRAMPOLINE(1f)
	.code64
1:	movabs $start_other_cpu, %rax
	jmp *%rax

	.balign 8
trampoline_gdt:
	.quad 0
	.quad 0x00cf9b000000ffff
	.quad 0x00af9b000000ffff
	.quad 0x00cf93000000ffff
trampoline_gdt_end:
trampoline_gdt_pointer:
	.word trampoline_gdt_end - trampoline_gdt - 1
	.long TRAMPOLINE(trampoline_gdt)
trampoline_end:

	.text
	.code64
start_other_cpu:
	xor %eax, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov %eax, %fs
	mov %eax, %gs
	mov kernel_root_table, %rax
	mov %rax, %cr3
	mov starting_cpu, %rax
	mov %rax, %rdi
	mov %rax, %rdx
	shr $32, %rdx
	mov $0xc0000101, %ecx
	wrmsr
	mov CPU_LOCAL_KERNEL_STACK(%rdi), %rsp
	xor %ebp, %ebp
	call cpu_started
	ud2

	.bss
	.balign 4096
boot_pml4:
	.skip 4096
boot_pdpt:
	.skip 4096
boot_pdpt_image:
	.skip 4096
boot_pd:
	.skip 4 * 4096
	.globl boot_stack, boot_stack_top
boot_stack: /* the lowest page is left unmapped */
	.skip 5 * 4096
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
