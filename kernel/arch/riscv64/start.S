// SPDX-License-Identifier: MIT
/*
 * From the firmware's door to boot_riscv64(): the Image header, the boot page tables, the MMU.
 *
 * Entered as Linux is: supervisor mode, MMU off, a0 = the hart, a1 = the device tree, at any multiple of 2 MiB below 512 GiB. Code here
 * runs where it was loaded until the MMU is on: nothing is mapped there then, and the fault leads to the trap vector, which is an address
 * of the image's own. The boot tables map 512 GiB in the physical map, and the image at its own addresses. They lie in .init, whose
 * bytes the loader has cleared.
 */
#include "arch/impl/thread_offsets.h"
#include "arch/riscv64/asm_offsets.h"

#define LEAF         0xef /* dirty, accessed, global, execute, write, read, valid */
#define TABLE        1
#define IMAGE_BLOCKS 32 /* of 2 MiB */

	.section .text.head, "ax"
	.globl image_header
image_header:
	j start
	.balign 8
	.quad 0x200000 /* from the start of RAM */
	.quad image_size
	.quad 0
	.long 2 /* version of this header */
	.long 0
	.quad 0
	.ascii "RISCV\0\0\0"
	.ascii "RSC\x05"
	.long 0

	.section .init.head, "ax"
	.option norelax
start:
	csrw sie, zero
	csrw sip, zero
	lla t0, boot_begun
	li t1, 1
	amoswap.w.aqrl t1, t1, (t0)
	bnez t1, came_astray
	mv s0, a0
	mv s1, a1
	lla s2, image_header /* where it was loaded */

	/* The physical map: 512 leaves of 1 GiB. */
	lla t0, boot_physical_table
	li t1, LEAF
	li t2, 1 << (30 - 2)
	li t3, 512
1:	sd t1, (t0)
	addi t0, t0, 8
	add t1, t1, t2
	addi t3, t3, -1
	bnez t3, 1b

	/* The image: 2 MiB each. */
	lla t0, boot_image_blocks
	srli t1, s2, 2
	addi t1, t1, LEAF
	li t2, 1 << (21 - 2)
	li t3, IMAGE_BLOCKS
2:	sd t1, (t0)
	addi t0, t0, 8
	add t1, t1, t2
	addi t3, t3, -1
	bnez t3, 2b

	lla t0, boot_root
	lla t1, boot_physical_table
	srli t1, t1, 2
	addi t1, t1, TABLE
	li t2, 256 * 8
	add t2, t2, t0
	sd t1, (t2)
	lla t1, boot_image_table
	srli t2, t1, 2
	addi t2, t2, TABLE
	li t3, 511 * 8
	add t3, t3, t0
	sd t2, (t3)
	lla t2, boot_image_blocks
	srli t2, t2, 2
	addi t2, t2, TABLE
	li t3, 510 * 8
	add t3, t3, t1
	sd t2, (t3)

	/* Sv39: the first 128 of those leaves, and the image, in the root itself. */
	lla a4, boot_root_sv39
	lla t1, boot_physical_table
	li t2, 256 * 8
	add t2, t2, a4
	li t3, 128
3:	ld a5, (t1)
	sd a5, (t2)
	addi t1, t1, 8
	addi t2, t2, 8
	addi t3, t3, -1
	bnez t3, 3b
	lla t1, boot_image_blocks
	srli t1, t1, 2
	addi t1, t1, TABLE
	li t2, 510 * 8
	add t2, t2, a4
	sd t1, (t2)

	srli a3, a4, 12
	li t1, SATP_MODE_SV39
	slli t1, t1, SATP_MODE_SHIFT
	or a3, a3, t1
	srli a2, t0, 12
	li t1, SATP_MODE_SV48
	slli t1, t1, SATP_MODE_SHIFT
	or a2, a2, t1
	ld t0, high_start
	j turn_mmu_on

	/*
	 * Not the first to come here. Firmware may let a CPU go that we start before it has noted where to (OpenSBI up to 1.1 does): it comes to where
	 * the first one came. It is the one that is being started, by what lies ready for it.
	 */
came_astray:
	fence
	lla a1, secondary_start
	ld a2, (a1)
	beqz a2, 4f

	/* A CPU that the firmware started: a1: physical address of its struct secondary_start. */
	.globl start_secondary
start_secondary:
	csrw sie, zero
	csrw sip, zero
	ld a2, (a1)
	ld s1, 8(a1)
	mv a3, zero
	ld t0, high_secondary

/* t0: where to go on, a2: satp, a3: another for a CPU that does not know that mode, or 0. */
turn_mmu_on:
	csrw stvec, t0
1:	sfence.vma
	csrw satp, a2
	nop
	/* Still here: this CPU does not know it. */
	mv a2, a3
	mv a3, zero
	bnez a2, 1b
	lla s3, no_paging
3:	lbu a0, (s3)
	beqz a0, 4f
	li a7, 1
	ecall
	addi s3, s3, 1
	j 3b
4:	wfi
	j 4b
no_paging:
	.asciz "Heddle needs CPUs with Sv48 or Sv39, the same on all\n"
	.balign 8
high_start:
	.quad enter_high
high_secondary:
	.quad secondary_high

	.section .init.text, "ax"
	.balign 4
enter_high:
	la t0, kernel_bss_start
	la t1, kernel_bss_end
1:	sd zero, (t0)
	addi t0, t0, 8
	bltu t0, t1, 1b
	la t0, image_header
	sub t0, s2, t0
	la t1, kernel_image_offset
	sd t0, (t1)
	la sp, boot_stack_top
	la tp, boot_thread
	la t0, cpu_locals
	sd t0, THREAD_CPU(tp)
	sd sp, THREAD_STACK_TOP(tp)
	la t0, boot_stack
	li t1, 4096
	add t0, t0, t1
	sd t0, THREAD_STACK_LIMIT(tp)
	csrw sscratch, zero
	la t0, trap_door
	csrw stvec, t0
	mv a0, s0
	mv a1, s1
	mv s0, zero
	mv ra, zero
	call boot_riscv64
1:	j 1b

	.balign 4
secondary_high:
	mv tp, s1
	ld sp, THREAD_STACK_TOP(tp)
	csrw sscratch, zero
	la t0, trap_door
	csrw stvec, t0
	mv s0, zero
	mv ra, zero
	call cpu_started
1:	j 1b

	.section .init.data, "aw"
	.balign 4
boot_begun:
	.word 0
	.balign 4096
boot_root:
	.fill 4096
boot_physical_table:
	.fill 4096
boot_image_table:
	.fill 4096
boot_image_blocks:
	.fill 4096
	.globl boot_root_sv39
boot_root_sv39:
	.fill 4096

	/* The lowest page is taken away: a guard. */
	.section .bss
	.balign 4096
	.globl boot_stack, boot_stack_top
boot_stack:
	.skip 4096 + 16384
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
