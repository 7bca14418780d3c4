// SPDX-License-Identifier: MIT
/* Numbers that assembly and C share; trap.c and cpu_local.h check the offsets. */
#pragma once

/* Register n is at 8 n; the place of register 0 is the program counter's. */
#define TRAP_FRAME_SIZE           320
#define TRAP_FRAME_PC             0
#define TRAP_FRAME_SP             16
#define TRAP_FRAME_TP             32
#define TRAP_FRAME_A0             80
#define TRAP_FRAME_A7             136
#define TRAP_FRAME_STATUS         256
#define TRAP_FRAME_CAUSE          264
#define TRAP_FRAME_ADDRESS        272
#define TRAP_FRAME_FIRST_ARGUMENT 280
#define TRAP_FRAME_NUMBER         288
#define TRAP_FRAME_RECORD         304

#define EMERGENCY_STACK_SIZE 4096

#define STATUS_SIE  0x2     /* interrupts */
#define STATUS_SPIE 0x20    /* before the trap */
#define STATUS_SPP  0x100   /* the trap came from the kernel */
#define STATUS_VS   0x600   /* vector registers: vector.c */
#define STATUS_FS   0x6000  /* floating point registers: dirty */
#define STATUS_SUM  0x40000 /* the kernel may use user pages */

#define STATUS_VS_INITIAL 0x200
#define STATUS_VS_CLEAN   0x400
#define STATUS_VS_DIRTY   0x600

#define CAUSE_SYSCALL 8

#define SATP_MODE_SHIFT 60
#define SATP_MODE_SV39  8
#define SATP_MODE_SV48  9
