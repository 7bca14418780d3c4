// SPDX-License-Identifier: MIT
/*
 * prctl(2).
 */
#include "syscall/syscall.h"

#include "cred/credentials.h"
#include "mm/usercopy.h"
#include "process/process.h"
#include "process/process_events.h"
#include "process/resources.h"
#include "process/subreaper.h"
#include "syscall/prctl.h"
#include "vm/vm_space.h"
#include <asm/signal.h>
#include <heddle/thread_block.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>

static long set_name(vaddr_t from)
{
	char name[THREAD_NAME_SIZE] = {0};
	s64 length = arch_copy_string_from_user(name, (const char __user *)from,
						THREAD_NAME_SIZE - 1);

	if (length < 0) {
		return length;
	}
	name[THREAD_NAME_SIZE - 1] = 0;
	thread_set_name(current_thread(), name);
	process_event_name(current_thread());
	return 0;
}

static long get_name(vaddr_t to)
{
	char name[THREAD_NAME_SIZE] = {0};

	thread_get_name(current_thread(), name);
	return user_write(to, name, sizeof(name));
}

static long write_int(vaddr_t to, int value)
{
	return user_write(to, &value, sizeof(value));
}

static long set_death_signal(u64 signal)
{
	u64 flags;

	if (signal > SIGNAL_COUNT) {
		return -EINVAL;
	}
	flags = spin_lock_irq(&process_tree_lock);
	current_thread()->parent_death_signal = (int)signal;
	spin_unlock_irq(&process_tree_lock, flags);
	return 0;
}

/* Change a copy of the credentials and commit it. */
static long change_credentials(void (*change_it)(struct credentials *fresh, u64 argument),
			       u64 argument)
{
	struct resource_change change = {0};
	int error = resources_prepare_credentials(&change);

	if (error) {
		return error;
	}
	change_it(change.credentials, argument);
	resources_commit(&change);
	resources_release(&change);
	return 0;
}

static void no_new_privileges(struct credentials *fresh, u64 argument)
{
	fresh->no_new_privileges = true;
}

static void drop_bounding(struct credentials *fresh, u64 capability)
{
	fresh->capability_bounding &= ~(1ULL << capability);
}

static void set_securebits(struct credentials *fresh, u64 bits)
{
	fresh->securebits = (u32)bits;
}

static void raise_ambient(struct credentials *fresh, u64 capability)
{
	fresh->capability_ambient |= 1ULL << capability;
}

static void lower_ambient(struct credentials *fresh, u64 capability)
{
	fresh->capability_ambient &= ~(1ULL << capability);
}

static void clear_ambient(struct credentials *fresh, u64 argument)
{
	fresh->capability_ambient = 0;
}

static long bounding(int option, u64 capability)
{
	if (option == PR_CAPBSET_DROP && !current_capable_inside(CAP_SETPCAP)) {
		return -EPERM;
	}
	if (capability > CAP_LAST_CAP) {
		return -EINVAL;
	}
	if (option == PR_CAPBSET_READ) {
		return current_credentials()->capability_bounding >> capability & 1;
	}
	return change_credentials(drop_bounding, capability);
}

static long ambient(u64 what, u64 capability)
{
	const struct credentials *own = current_credentials();
	u64 bit = capability <= CAP_LAST_CAP ? 1ULL << capability : 0;

	if (what == PR_CAP_AMBIENT_CLEAR_ALL) {
		return capability ? -EINVAL : change_credentials(clear_ambient, 0);
	}
	if (!bit) {
		return -EINVAL;
	}
	switch (what) {
	case PR_CAP_AMBIENT_IS_SET:
		return (own->capability_ambient & bit) != 0;
	case PR_CAP_AMBIENT_RAISE:
		if (!(own->capability_permitted & own->capability_inheritable & bit) ||
		    own->securebits & SECBIT_NO_CAP_AMBIENT_RAISE) {
			return -EPERM;
		}
		return change_credentials(raise_ambient, capability);
	case PR_CAP_AMBIENT_LOWER:
		return change_credentials(lower_ambient, capability);
	}
	return -EINVAL;
}

static long securebits(u64 bits)
{
	const u32 old = current_credentials()->securebits;
	const u64 known = SECURE_ALL_BITS | SECURE_ALL_LOCKS;
	u32 locked = (old & SECURE_ALL_LOCKS) >> 1;

	if (!current_capable_inside(CAP_SETPCAP) || bits & ~known ||
	    (old & SECURE_ALL_LOCKS & ~bits) || ((old ^ bits) & locked)) {
		return -EPERM;
	}
	return change_credentials(set_securebits, bits);
}

static long keep_capabilities(u64 keep)
{
	u32 bits = current_credentials()->securebits;

	if (keep > 1) {
		return -EINVAL;
	}
	if (bits & SECBIT_KEEP_CAPS_LOCKED) {
		return -EPERM;
	}
	bits = keep ? bits | SECBIT_KEEP_CAPS : bits & ~(u32)SECBIT_KEEP_CAPS;
	return change_credentials(set_securebits, bits);
}

static long set_dumpable(u64 value)
{
	if (value > 1) {
		return -EINVAL;
	}
	atomic_store(&current_vm()->dumpable, value != 0);
	return 0;
}

static long privileges(int option, const u64 *arg)
{
	if (arg[2] || arg[3] || arg[4] ||
	    (option == PR_SET_NO_NEW_PRIVS ? arg[1] != 1 : arg[1] != 0)) {
		return -EINVAL;
	}
	if (option == PR_GET_NO_NEW_PRIVS) {
		return current_credentials()->no_new_privileges;
	}
	return change_credentials(no_new_privileges, 0);
}

static long auxiliary_vector(const u64 *arg)
{
	const struct vm_space *vm = current_vm();

	if (arg[3] || arg[4]) {
		return -EINVAL;
	}
	if (user_write(arg[1], vm->auxv, MIN(arg[2], sizeof(vm->auxv)))) {
		return -EFAULT;
	}
	return sizeof(vm->auxv);
}

static long thread_options(int option, const u64 *arg)
{
	struct thread *thread = current_thread();

	switch (option) {
	case PR_SET_NAME:
		return set_name(arg[1]);
	case PR_GET_NAME:
		return get_name(arg[1]);
	case PR_SET_PDEATHSIG:
		return set_death_signal(arg[1]);
	case PR_GET_PDEATHSIG:
		return write_int(arg[1], thread->parent_death_signal);
	case PR_SET_TIMERSLACK:
		thread_set_timer_slack(thread, arg[1]);
		return 0;
	case PR_GET_TIMERSLACK:
		return (long)MIN(READ_ONCE(thread->sched.timer_slack_ns), (u64)INT64_MAX);
	case PR_GET_AUXV:
		return auxiliary_vector(arg);
	case PR_GET_TID_ADDRESS:
		return user_write(arg[1], &thread->clear_tid, sizeof(thread->clear_tid));
	}
	return prctl_machine(option, arg);
}

long sys_prctl(const struct syscall_arguments *a)
{
	int option = (int)a->arg[0];

	switch (option) {
	case PR_SET_DUMPABLE:
		return set_dumpable(a->arg[1]);
	case PR_GET_DUMPABLE:
		return atomic_load(&current_vm()->dumpable);
	case PR_SET_NO_NEW_PRIVS:
	case PR_GET_NO_NEW_PRIVS:
		return privileges(option, a->arg);
	case PR_SET_CHILD_SUBREAPER:
		process_set_subreaper(current_process(), a->arg[1] != 0);
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return write_int(a->arg[1], current_process()->subreaper);
	case PR_CAPBSET_READ:
	case PR_CAPBSET_DROP:
		return bounding(option, a->arg[1]);
	case PR_CAP_AMBIENT:
		return a->arg[3] || a->arg[4] ? -EINVAL : ambient(a->arg[1], a->arg[2]);
	case PR_GET_SECUREBITS:
		return current_credentials()->securebits;
	case PR_SET_SECUREBITS:
		return securebits(a->arg[1]);
	case PR_GET_KEEPCAPS:
		return (current_credentials()->securebits & SECBIT_KEEP_CAPS) != 0;
	case PR_SET_KEEPCAPS:
		return keep_capabilities(a->arg[1]);
	case PR_HEDDLE_THREAD_BLOCK:
		return (long)current_thread()->block.address;
	}
	return thread_options(option, a->arg);
}
