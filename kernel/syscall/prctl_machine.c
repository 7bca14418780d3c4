// SPDX-License-Identifier: MIT
/*
 * prctl(2): what is asked of the machine: clocks, failing memory, huge pages, speculation, I/O.
 *
 * There are no huge pages, no machine checks of memory, no mitigations against what a CPU does ahead of time, and no I/O
 * when memory is taken: what may be chosen is kept and handed on, and what may not is refused, as by a Linux without them.
 */
#include "syscall/prctl.h"

#include "arch/cpu.h"
#include "arch/thread.h"
#include "mm/usercopy.h"
#include "process/current.h"
#include "process/thread.h"
#include "vm/vm_space.h"
#include <linux/capability.h>
#include <linux/prctl.h>

static long write_int(vaddr_t to, int value)
{
	return user_write(to, &value, sizeof(value));
}

static bool any_from(const u64 *arg, unsigned first)
{
	u64 bits = 0;

	for (unsigned i = first; i < 5; i++) {
		bits |= arg[i];
	}
	return bits != 0;
}

/* What has one answer here: the others of each would need something that is not there. */
static long clocks(int option, const u64 *arg)
{
	switch (option) {
	case PR_GET_TIMING:
		return PR_TIMING_STATISTICAL;
	case PR_SET_TIMING:
		return arg[1] == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
	case PR_GET_TSC:
		return write_int(arg[1], PR_TSC_ENABLE);
	case PR_SET_TSC:
		return (u32)arg[1] == PR_TSC_ENABLE ? 0 : -EINVAL;
	}
	return -EINVAL;
}

static long set_memory_failure(const u64 *arg)
{
	struct thread *thread = current_thread();

	if (any_from(arg, 3)) {
		return -EINVAL;
	}
	if (arg[1] == PR_MCE_KILL_CLEAR && arg[2] == 0) {
		thread->memory_failure = PR_MCE_KILL_DEFAULT;
		return 0;
	}
	if (arg[1] != PR_MCE_KILL_SET || arg[2] > PR_MCE_KILL_DEFAULT) {
		return -EINVAL;
	}
	thread->memory_failure = (u8)arg[2];
	return 0;
}

static long huge_pages(int option, const u64 *arg)
{
	if (any_from(arg, option == PR_SET_THP_DISABLE ? 2 : 1)) {
		return -EINVAL;
	}
	if (option == PR_GET_THP_DISABLE) {
		return atomic_load(&current_vm()->huge_pages_off);
	}
	atomic_store(&current_vm()->huge_pages_off, arg[1] != 0);
	return 0;
}

static long io_flusher(int option, const u64 *arg)
{
	struct thread *thread = current_thread();

	if (!current_capable(CAP_SYS_RESOURCE)) {
		return -EPERM;
	}
	if (any_from(arg, option == PR_SET_IO_FLUSHER ? 2 : 1)) {
		return -EINVAL;
	}
	if (option == PR_GET_IO_FLUSHER) {
		return thread->io_flusher;
	}
	if (arg[1] > 1) {
		return -EINVAL;
	}
	thread->io_flusher = arg[1] != 0;
	return 0;
}

/* Nothing is held back and nothing can be: as on an affected CPU with mitigations=off. */
static long speculation(int option, const u64 *arg)
{
	bool set = option == PR_SET_SPECULATION_CTRL;

	if (any_from(arg, set ? 3 : 2)) {
		return -EINVAL;
	}
	switch (arg[1]) {
	case PR_SPEC_STORE_BYPASS:
		return set ? -ENXIO : (long)PR_SPEC_ENABLE;
	case PR_SPEC_INDIRECT_BRANCH:
		if (!set || arg[2] == PR_SPEC_ENABLE) {
			return set ? 0 : (long)PR_SPEC_ENABLE;
		}
		return arg[2] == PR_SPEC_DISABLE || arg[2] == PR_SPEC_FORCE_DISABLE
			       ? -EPERM
			       : -ERANGE;
	case PR_SPEC_L1D_FLUSH:
		return set ? -EPERM : (long)PR_SPEC_FORCE_DISABLE;
	}
	return -ENODEV;
}

long prctl_machine(int option, const u64 *arg)
{
	switch (option) {
	case PR_MCE_KILL:
		return set_memory_failure(arg);
	case PR_MCE_KILL_GET:
		return any_from(arg, 1) ? -EINVAL : current_thread()->memory_failure;
	case PR_SET_THP_DISABLE:
	case PR_GET_THP_DISABLE:
		return huge_pages(option, arg);
	case PR_SET_IO_FLUSHER:
	case PR_GET_IO_FLUSHER:
		return io_flusher(option, arg);
	case PR_SET_SPECULATION_CTRL:
	case PR_GET_SPECULATION_CTRL:
		return speculation(option, arg);
	case PR_GET_TIMING:
	case PR_SET_TIMING:
	case PR_GET_TSC:
	case PR_SET_TSC:
		return clocks(option, arg);
	}
	return arch_thread_option(arch_current(), option, arg[1]);
}
