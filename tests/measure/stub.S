// SPDX-License-Identifier: MIT
/*
 * An empty PVH guest: tells the time stamp counter at its entry on the serial port, then ends the machine by the exit device. With -icount
 * shift=0 the counter is the number of instructions since reset: here, those of the firmware.
 */
	.section .note.pvh, "a", @note
	.balign 4
	.long 4, 4, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.long start

	.text
	.code32
	.globl start
start:	rdtsc
	mov %eax, %ebx
	mov $8, %ecx
	mov $0x3f8, %dx
1:	rol $4, %ebx
	mov %bl, %al
	and $15, %al
	cmp $10, %al
	jb 2f
	add $('a' - '0' - 10), %al
2:	add $'0', %al
	out %al, %dx
	dec %ecx
	jnz 1b
	mov $'\n', %al
	out %al, %dx
	xor %eax, %eax
	out %al, $0xf4
	hlt

	.section .note.GNU-stack, "", @progbits
