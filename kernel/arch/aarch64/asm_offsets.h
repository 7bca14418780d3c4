// SPDX-License-Identifier: MIT
/* Numbers that assembly and C share; trap.c checks the offsets. */
#pragma once

#define TRAP_FRAME_SIZE           320
#define TRAP_FRAME_SP             248
#define TRAP_FRAME_PC             256
#define TRAP_FRAME_PSTATE         264
#define TRAP_FRAME_FIRST_ARGUMENT 272
#define TRAP_FRAME_NUMBER         280
#define TRAP_FRAME_SYNDROME       288
#define TRAP_FRAME_ADDRESS        296
#define TRAP_FRAME_RECORD         304

#define EMERGENCY_STACK_SIZE 4096

#define EXCEPTION_CLASS_SHIFT 26
#define EXCEPTION_SVC         0x15
