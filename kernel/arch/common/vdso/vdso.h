// SPDX-License-Identifier: MIT
/*
 * What the sources of the vDSO are for each other. The port's arch/impl/vdso.h:
 *
 *	VDSO(name)		the exported function's name, as Linux has it there
 *	vdso_system_call()	a system call, of a program
 *	vdso_read_counter()	the counter that arch_vdso_fill() tells of; not before what was read earlier, nor after what is read behind
 *				an acquire fence later
 */
#pragma once

#include "arch/impl/vdso.h"
#include "arch/vdso.h"
#include "lib/types.h"

/* The data page. */
extern const struct vdso_data vdso_data __attribute__((visibility("hidden")));

/* In ns, CLOCK_REALTIME or CLOCK_MONOTONIC. false: only the kernel can tell. */
bool vdso_read_clock(bool realtime, u64 *out) __attribute__((visibility("hidden")));
