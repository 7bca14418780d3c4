// SPDX-License-Identifier: MIT
/* membarrier(2). */
#include "process/membarrier.h"
#include "syscall/syscall.h"

long sys_membarrier(const struct syscall_arguments *a)
{
	return membarrier((int)a->arg[0], (u32)a->arg[1], (int)a->arg[2]);
}
