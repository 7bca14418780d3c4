// SPDX-License-Identifier: MIT
/* rseq(2). */
#include "process/rseq.h"
#include "syscall/syscall.h"

long sys_rseq(const struct syscall_arguments *a)
{
	return rseq_register(a->arg[0], (u32)a->arg[1], (u32)a->arg[2], (u32)a->arg[3]);
}
