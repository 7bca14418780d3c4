// SPDX-License-Identifier: MIT
/* fcntl(2): who is signalled of an open file, and how. */
#include "syscall/file_owner.h"

#include "mm/usercopy.h"
#include "process/pid.h"
#include "process/process.h"
#include "syscall/syscall.h"
#include <linux/fcntl.h>

/* By the running thread, whose ids are kept: they say whom it may signal. */
static long set_owner(struct file *file, pid_nr number, int type)
{
	const struct credentials *credentials = current_credentials();
	struct file_owner owner;

	file_get_owner(file, &owner);
	owner.number = pid_number_to_global(number);
	owner.type = type;
	owner.uid = credentials->uid;
	owner.euid = credentials->euid;
	if (number && !owner.number) {
		return -ESRCH;
	}
	file_set_owner(file, &owner);
	return 0;
}

void file_claim(struct file *file)
{
	struct file_owner owner;

	file_get_owner(file, &owner);
	if (!owner.number) {
		(void)set_owner(file, process_number(current_process()), F_OWNER_PID);
	}
}

/* A group's number is negative. */
static long get_owner(struct file *file)
{
	struct file_owner owner;
	pid_nr number;

	file_get_owner(file, &owner);
	number = pid_number_from_global(owner.number);
	return owner.type == F_OWNER_PGRP ? -number : number;
}

static long set_owner_by_type(struct file *file, vaddr_t user)
{
	struct f_owner_ex owner;

	if (user_read(&owner, user, sizeof(owner))) {
		return -EFAULT;
	}
	if (owner.type != F_OWNER_PID && owner.type != F_OWNER_PGRP &&
	    owner.type != F_OWNER_TID) {
		return -EINVAL;
	}
	return set_owner(file, owner.pid, owner.type);
}

static long get_owner_and_type(struct file *file, vaddr_t user)
{
	struct file_owner owner;
	struct f_owner_ex shown = {0};

	file_get_owner(file, &owner);
	shown.type = owner.type;
	shown.pid = pid_number_from_global(owner.number);
	return user_write(user, &shown, sizeof(shown));
}

static long set_signal(struct file *file, u64 signal)
{
	struct file_owner owner;

	if (signal > 64) {
		return -EINVAL;
	}
	file_get_owner(file, &owner);
	owner.signal = (int)signal;
	file_set_owner(file, &owner);
	return 0;
}

static long get_signal(struct file *file)
{
	struct file_owner owner;

	file_get_owner(file, &owner);
	return owner.signal;
}

long file_control_owner(struct file *file, int command, u64 argument)
{
	int number = (int)argument;

	switch (command) {
	case F_SETOWN:
		if (number == INT32_MIN) {
			return -EINVAL;
		}
		return number < 0 ? set_owner(file, -number, F_OWNER_PGRP)
				  : set_owner(file, number, F_OWNER_PID);
	case F_GETOWN:
		return get_owner(file);
	case F_SETOWN_EX:
		return set_owner_by_type(file, argument);
	case F_GETOWN_EX:
		return get_owner_and_type(file, argument);
	case F_SETSIG:
		return set_signal(file, argument);
	default:
		return get_signal(file);
	}
}
