// SPDX-License-Identifier: MIT
/* arch_prctl(2): what there is of it is the port's. */
#include "syscall/syscall.h"

#include "arch/cpu.h"
#include "arch/thread.h"

long sys_arch_prctl(const struct syscall_arguments *arguments)
{
	return arch_thread_prctl(arch_current(), (int)arguments->arg[0],
				 arguments->arg[1]);
}
