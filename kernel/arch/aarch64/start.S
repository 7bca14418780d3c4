// SPDX-License-Identifier: MIT
/*
 * From the virtual machine monitor's door to boot_aarch64(): the Image header, down from EL2, the boot page tables, the MMU.
 *
 * Entered as Linux is: MMU off, x0 = the device tree, at any multiple of 2 MiB below 512 GiB. Code here runs where it was loaded until it
 * jumps high. The boot tables: TTBR0 maps the image's 2 GiB where they are; TTBR1 maps 4 GiB of RAM from there, and the device tree's, in the
 * physical map, and the image at its own addresses. They lie in .init, whose bytes the loader has cleared.
 */
#include "arch/aarch64/asm_offsets.h"
#include "arch/aarch64/macros.inc"
#include "arch/impl/thread_offsets.h"

#define BLOCK_NORMAL 0x701 /* valid block, accessed, inner shareable, MAIR index 0 */
#define TABLE        3
#define GIB_SHIFT    30
#define IMAGE_BLOCKS 32 /* of 2 MiB */

#define SCTLR_BASE 0x30550818 /* RES1, nTWE, nTWI, EOS, EIS, stack alignment; MMU and caches off */
#define SCTLR_MMU  0x1005     /* I, C, M */
#define SCTLR_USER 0x0400c000 /* UCI, UCT, DZE: cache maintenance by programs */
#define SCTLR_SPAN (1 << 23)

#define TCR_BASE (16 | 16 << 16 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 24 | 1 << 26 | 3 << 28 | 2 << 30)
#define MAIR     0x04ff /* 0: write-back memory, 1: device nGnRE */

	.section .text.head, "ax"
	.globl image_header
image_header:
	b start
	.long 0
	.quad 0                       /* offset from a multiple of 2 MiB */
	.quad image_size
	.quad 0xa                     /* little endian, 4 KiB pages, anywhere in memory */
	.quad 0, 0, 0
	.ascii "ARM\x64"
	.long 0

	.section .init.head, "ax"
start:
	mov x20, x0
	bl leave_el2
	bl build_tables
	address_of x0, boot_high_root
	bl set_up_mmu
	ldr x1, =1f
	br x1

	/* High, on the boot stack. x0: the image's offset, x20: the device tree */
1:	ldr x1, =kernel_bss_start
	ldr x2, =kernel_bss_end
2:	stp xzr, xzr, [x1], #16
	cmp x1, x2
	b.lo 2b
	ldr x1, =kernel_image_offset
	str x0, [x1]
	ldr x1, =boot_stack_top
	mov sp, x1
	ldr x1, =boot_thread
	msr tpidr_el1, x1
	ldr x2, =cpu_locals
	str x2, [x1, #THREAD_CPU]
	ldr x1, =exception_vectors
	msr vbar_el1, x1
	isb
	mov x29, xzr
	mov x30, xzr
	mov x0, x20
	bl boot_aarch64
	b .

/* A CPU that PSCI started: x0: physical address of its struct secondary_start. */
	.globl start_secondary
start_secondary:
	mov x20, x0
	bl leave_el2
	ldr x0, [x20]  /* the kernel's root table */
	ldr x21, [x20, #8] /* its idle thread */
	bl set_up_mmu
	ldr x1, =1f
	br x1
1:	msr tpidr_el1, x21
	ldr x1, [x21, #THREAD_STACK_TOP]
	mov sp, x1
	ldr x1, =exception_vectors
	msr vbar_el1, x1
	isb
	mov x29, xzr
	mov x30, xzr
	bl cpu_started
	b .

/* Go on at EL1 with everything masked. */
leave_el2:
	msr daifset, #15
	mrs x0, CurrentEL
	cmp x0, #8
	b.ne 9f
	mov x0, #1 << 31 /* EL1 is AArch64 */
	mov x1, #3 << 40 /* pointer authentication is not trapped */
	orr x0, x0, x1
	msr hcr_el2, x0
	isb
	mov x0, #3 /* the counter and its timers are EL1's */
	msr cnthctl_el2, x0
	msr cntvoff_el2, xzr
	mrs x0, midr_el1
	msr vpidr_el2, x0
	mrs x0, mpidr_el1
	msr vmpidr_el2, x0
	mov x0, #0x33ff
	mrs x1, id_aa64pfr0_el1
	ubfx x1, x1, #32, #4 /* SVE? then it does not trap, and the longest vectors are EL1's */
	cbz x1, 2f
	mov x0, #0x32ff
	msr cptr_el2, x0
	isb
	mov x1, #15
	msr s3_4_c1_c2_0, x1 /* ZCR_EL2 */
2:	msr cptr_el2, x0
	msr hstr_el2, xzr
	msr vttbr_el2, xzr
	mrs x0, mdcr_el2
	and x0, x0, #0x1f
	msr mdcr_el2, x0
	mrs x0, id_aa64pfr0_el1
	ubfx x0, x0, #24, #4
	cbz x0, 1f
	mrs x0, s3_4_c12_c9_5 /* ICC_SRE_EL2 */
	mov x1, #9
	orr x0, x0, x1
	msr s3_4_c12_c9_5, x0
	isb
	msr s3_4_c12_c11_0, xzr /* ICH_HCR_EL2 */
1:	ldr x0, =SCTLR_BASE
	msr sctlr_el1, x0
	mov x0, #0x3c5 /* EL1h, all masked */
	msr spsr_el2, x0
	msr elr_el2, x30
	eret
9:	ret

/* x20: the device tree. Clobbers x0 … x9. */
build_tables:
	adrp x1, kernel_start
	lsr x2, x1, #GIB_SHIFT /* the image's GiB */
	mov x9, #BLOCK_NORMAL

	address_of x3, boot_low_root
	address_of x4, boot_low_table
	orr x5, x4, #TABLE
	str x5, [x3]
	mov x6, #2
	mov x7, x2
1:	orr x5, x9, x7, lsl #GIB_SHIFT
	str x5, [x4, x7, lsl #3]
	add x7, x7, #1
	subs x6, x6, #1
	b.ne 1b

	address_of x3, boot_high_root
	address_of x4, boot_physical_table
	orr x5, x4, #TABLE
	str x5, [x3]
	mov x6, #4
	mov x7, x2
2:	orr x5, x9, x7, lsl #GIB_SHIFT
	str x5, [x4, x7, lsl #3]
	add x7, x7, #1
	subs x6, x6, #1
	b.ne 2b
	lsr x7, x20, #GIB_SHIFT
	orr x5, x9, x7, lsl #GIB_SHIFT
	str x5, [x4, x7, lsl #3]

	address_of x4, boot_image_table
	orr x5, x4, #TABLE
	str x5, [x3, #511 * 8]
	address_of x3, boot_image_blocks
	orr x5, x3, #TABLE
	str x5, [x4, #510 * 8]
	mov x6, #IMAGE_BLOCKS
	orr x5, x1, x9
3:	str x5, [x3], #8
	add x5, x5, #0x200000
	subs x6, x6, #1
	b.ne 3b

	/* What a cache still has of these tables is older. */
	address_of x3, boot_tables
	address_of x4, boot_tables_end
4:	dc ivac, x3
	add x3, x3, #16
	cmp x3, x4
	b.lo 4b
	dsb sy
	ret

/* x0: the root of the upper half. Turns the MMU on; returns the image's offset in x0. */
set_up_mmu:
	tlbi vmalle1
	ic iallu
	dsb nsh
	msr ttbr1_el1, x0
	address_of x1, boot_low_root
	msr ttbr0_el1, x1
	mov x1, #MAIR
	msr mair_el1, x1
	ldr x1, =TCR_BASE
	mrs x2, id_aa64mmfr0_el1
	and x3, x2, #15 /* physical addresses, 48 bits at most */
	mov x4, #5
	cmp x3, x4
	csel x3, x3, x4, lo
	orr x1, x1, x3, lsl #32
	ubfx x3, x2, #4, #4 /* 16 bits of address space number? */
	cbz x3, 1f
	orr x1, x1, #1 << 36
1:	orr x1, x1, #1 << 37 /* programs' addresses may have a tag */
	mrs x2, id_aa64mmfr1_el1
	and x3, x2, #15 /* the CPU marks what was accessed? */
	cbz x3, 2f
	orr x1, x1, #1 << 39
2:	msr tcr_el1, x1
	mov x1, #3 << 20 /* vector registers are for everybody; SVE: sve.c */
	msr cpacr_el1, x1
	msr mdscr_el1, xzr
	ldr x1, =(SCTLR_BASE | SCTLR_MMU | SCTLR_USER)
	ubfx x3, x2, #20, #4 /* PAN? then each exception sets it; without, the bit is 1 */
	cbnz x3, 3f
	orr x1, x1, #SCTLR_SPAN
3:	isb
	msr sctlr_el1, x1
	isb
	cbz x3, 4f
	.inst 0xd500419f /* msr pan, #1 */
4:	adrp x0, kernel_start
	ldr x1, =kernel_start
	sub x0, x0, x1
	ret

/* void load_kernel_root(paddr_t root): the upper half changes while nobody uses it: from the image where it was loaded. */
	.globl load_kernel_root
load_kernel_root:
	ldr x2, =kernel_image_offset
	ldr x2, [x2]
	ldr x1, =1f
	add x1, x1, x2
	br x1
1:	msr ttbr1_el1, x0
	isb
	tlbi vmalle1
	dsb nsh
	isb
	ret /* high */
	.ltorg

	.section .init.data, "aw"
	.balign 4096
	.globl boot_image_table
boot_tables:
boot_low_root:
	.fill 4096
boot_low_table:
	.fill 4096
boot_high_root:
	.fill 4096
boot_physical_table:
	.fill 4096
boot_image_table:
	.fill 4096
boot_image_blocks:
	.fill 4096
boot_tables_end:

	/* The lowest page is taken away: a guard. */
	.section .bss
	.balign 4096
	.globl boot_stack, boot_stack_top
boot_stack:
	.skip 4096 + 16384
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
