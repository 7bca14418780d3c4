// SPDX-License-Identifier: MIT
/* Offsets in struct arch_thread and struct cpu_local, checked in arch/impl/cpu_local.h. */
#pragma once

#define THREAD_CPU       0
#define THREAD_STACK_TOP 16
#define THREAD_SVE_LIVE  24

#define CPU_LOCAL_EMERGENCY_TOP 0
