// SPDX-License-Identifier: MIT
/* System V IPC for the tests: a new namespace where the test may have one, and what others do to a set. */
#pragma once

#include "raw.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#ifndef CLONE_NEWIPC
#	define CLONE_NEWIPC 0x08000000
#endif

union semctl_argument {
	int value;
	struct semid_ds *status;
	unsigned short *array;
	struct seminfo *info;
};

/* Nothing of the machine's own is seen or left behind. */
static inline void own_ipc_namespace(void)
{
	if (unshare(CLONE_NEWIPC)) {
		CHECK_EQ(errno, EPERM);
		skip("no IPC namespace of its own may be made here");
	}
}

static inline int new_set(int count)
{
	int set = semget(IPC_PRIVATE, count, IPC_CREAT | 0600);

	CHECK(set >= 0);
	return set;
}

static inline int one_op(int set, int number, int change, int flags)
{
	struct sembuf operation = {
		.sem_num = (unsigned short)number,
		.sem_op = (short)change,
		.sem_flg = (short)flags,
	};

	return semop(set, &operation, 1);
}

static inline int value_of(int set, int number)
{
	return semctl(set, number, GETVAL);
}

static inline void set_value(int set, int number, int value)
{
	union semctl_argument argument = {.value = value};

	CHECK_EQ(semctl(set, number, SETVAL, argument), 0);
}

static inline void remove_set(int set)
{
	CHECK_EQ(semctl(set, 0, IPC_RMID), 0);
}
