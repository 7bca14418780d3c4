// SPDX-License-Identifier: MIT
/* Numbers that assembly and C share; trap.c and cpu_local.h check the offsets. */
#pragma once

#define KERNEL_CS    0x10
#define KERNEL_DS    0x18
#define USER_DS      0x2b
#define USER_CS      0x33
#define TSS_SELECTOR 0x40
#define GETCPU_SELECTOR \
	0x7b /* a descriptor whose limit is the CPU number, for the vDSO */

#define IST_STACK_SIZE \
	8192 /* aligned to its size; the top word points to the CPU's struct cpu_local */

#define TRAP_FRAME_SIZE   192
#define TRAP_FRAME_NUMBER 0
#define TRAP_FRAME_RBP    48
#define TRAP_FRAME_R11    64
#define TRAP_FRAME_RAX    96
#define TRAP_FRAME_RCX    104
#define TRAP_FRAME_VECTOR 136
#define TRAP_FRAME_RIP    152
#define TRAP_FRAME_CS     160
#define TRAP_FRAME_RFLAGS 168
#define TRAP_FRAME_RSP    176
#define TRAP_FRAME_SS     184

#define TRAP_VECTOR_SYSCALL 256

#define VECTOR_DEVICE_FIRST 0x30
#define VECTOR_DEVICE_LAST  0xef
#define VECTOR_TIMER        0xf0
#define VECTOR_RESCHEDULE   0xf1
#define VECTOR_FLUSH        0xf2
#define VECTOR_CALL         0xf3
#define VECTOR_SPURIOUS     0xff

#define TRAMPOLINE_ADDRESS \
	0x8000 /* physical, page aligned, below 1 MiB: where a started CPU wakes up */
