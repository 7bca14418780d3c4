// SPDX-License-Identifier: MIT
/*
 * futex(2) and robust lists.
 */
#include "syscall/syscall.h"

#include "mm/heap.h"
#include "mm/usercopy.h"
#include "process/futex/futex.h"
#include "process/namespace/time_namespace.h"
#include "process/process.h"
#include "process/resources.h"
#include "time/clock.h"
#include <linux/futex.h>
#include <linux/time.h>
#include <linux/time_types.h>

/* Wait again after a signal without a handler: the deadline is absolute by now. */
static long restart_wait(struct thread *thread)
{
	const u64 *d = thread->restart_data;
	long result = futex_wait(d[0], (d[4] & 1) != 0, (u32)d[1], (nsec_t)d[2],
				 (d[4] & 2) != 0, (u32)d[3]);

	return result == -ERESTART ? -ERESTART_BLOCK : result;
}

/* FUTEX_WAIT's timeout is relative: broken by a signal it must not begin anew. */
static long wait_and_arrange_restart(vaddr_t address, bool shared, u32 expected,
				     nsec_t deadline, bool realtime, u32 bitset,
				     bool absolute)
{
	struct thread *thread = current_thread();
	long result = futex_wait(address, shared, expected, deadline, realtime, bitset);

	if (result != -ERESTART || deadline == NSEC_NEVER || absolute) {
		return result;
	}
	thread->restart_data[0] = address;
	thread->restart_data[1] = expected;
	thread->restart_data[2] = (u64)deadline;
	thread->restart_data[3] = bitset;
	thread->restart_data[4] = (shared ? 1 : 0) | (realtime ? 2 : 0);
	thread->restart = restart_wait;
	return -ERESTART_BLOCK;
}

static int read_deadline(vaddr_t from, bool absolute, bool realtime, nsec_t *deadline)
{
	struct __kernel_timespec ts;
	int err;

	*deadline = NSEC_NEVER;
	if (!from) {
		return 0;
	}
	err = user_read(&ts, from, sizeof(ts));
	if (!err) {
		err = timespec_to_nsec(&ts, deadline);
	}
	if (!err && !absolute) {
		*deadline = nsec_add(clock_monotonic(), *deadline);
	} else if (!err && !realtime) {
		*deadline = current_time_to_kernel(CLOCK_MONOTONIC, *deadline);
	}
	return err;
}

static long do_wait(const struct syscall_arguments *a, int command, bool shared,
		    bool realtime)
{
	bool absolute = command == FUTEX_WAIT_BITSET;
	u32 bitset = absolute ? (u32)a->arg[5] : FUTEX_BITSET_MATCH_ANY;
	nsec_t deadline;
	int err = read_deadline(a->arg[3], absolute, realtime, &deadline);

	if (err) {
		return err;
	}
	return wait_and_arrange_restart(a->arg[0], shared, (u32)a->arg[2], deadline,
					realtime, bitset, absolute);
}

static long do_requeue(const struct syscall_arguments *a, int command, bool shared)
{
	struct futex_requeue request = {
		.from = a->arg[0],
		.to = a->arg[4],
		.shared = shared,
		.wake_count = (int)a->arg[2],
		.requeue_count = (int)a->arg[3],
		.compare = command == FUTEX_CMP_REQUEUE,
		.expected = (u32)a->arg[5],
	};

	return command == FUTEX_CMP_REQUEUE_PI ? futex_requeue_inherit(&request)
					       : futex_requeue(&request);
}

/* LOCK_PI's deadline is of the realtime clock, LOCK_PI2's of the one that is named. */
static long do_lock(const struct syscall_arguments *a, int command, bool shared,
		    bool realtime)
{
	nsec_t deadline;
	int err;

	realtime = realtime || command == FUTEX_LOCK_PI;
	err = read_deadline(a->arg[3], true, realtime, &deadline);
	return err ? err : futex_lock_inherit(a->arg[0], shared, deadline, realtime);
}

static long do_wait_requeue(const struct syscall_arguments *a, bool shared, bool realtime)
{
	struct futex_wait_request request = {
		.address = a->arg[0],
		.target = a->arg[4],
		.shared = shared,
		.expected = (u32)a->arg[2],
		.realtime = realtime,
	};
	int err = read_deadline(a->arg[3], true, realtime, &request.deadline);

	return err ? err : futex_wait_requeue_inherit(&request);
}

static bool may_name_clock(int command)
{
	return command == FUTEX_WAIT_BITSET || command == FUTEX_WAIT_REQUEUE_PI ||
	       command == FUTEX_LOCK_PI2;
}

long sys_futex(const struct syscall_arguments *a)
{
	int operation = (int)a->arg[1];
	int command = operation & FUTEX_CMD_MASK;
	bool shared = !(operation & FUTEX_PRIVATE_FLAG);
	bool realtime = (operation & FUTEX_CLOCK_REALTIME) != 0;

	if (realtime && !may_name_clock(command)) {
		return -ENOSYS;
	}
	switch (command) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		return do_wait(a, command, shared, realtime);
	case FUTEX_WAKE:
		return futex_wake(a->arg[0], shared, (int)a->arg[2],
				  FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET:
		return futex_wake(a->arg[0], shared, (int)a->arg[2], (u32)a->arg[5]);
	case FUTEX_REQUEUE:
	case FUTEX_CMP_REQUEUE:
	case FUTEX_CMP_REQUEUE_PI:
		return do_requeue(a, command, shared);
	case FUTEX_WAKE_OP:
		return futex_wake_operation(a->arg[0], a->arg[4], shared, (int)a->arg[2],
					    (int)a->arg[3], (u32)a->arg[5]);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return do_lock(a, command, shared, realtime);
	case FUTEX_WAIT_REQUEUE_PI:
		return do_wait_requeue(a, shared, realtime);
	case FUTEX_TRYLOCK_PI:
		return futex_try_lock_inherit(a->arg[0], shared);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_inherit(a->arg[0], shared);
	default:
		return -ENOSYS;
	}
}

static int read_words(vaddr_t from, unsigned count, struct futex_word *words)
{
	for (unsigned i = 0; i < count; i++) {
		struct futex_waitv word;

		if (user_read(&word, from + i * sizeof(word), sizeof(word))) {
			return -EFAULT;
		}
		if ((word.flags & ~(u32)FUTEX_PRIVATE_FLAG) != FUTEX_32 ||
		    word.__reserved || word.val > UINT32_MAX) {
			return -EINVAL;
		}
		words[i] = (struct futex_word){
			.address = word.uaddr,
			.expected = (u32)word.val,
			.shared = !(word.flags & FUTEX_PRIVATE_FLAG),
		};
	}
	return 0;
}

long sys_futex_waitv(const struct syscall_arguments *a)
{
	unsigned count = (unsigned)a->arg[1];
	bool realtime = (s32)a->arg[4] == CLOCK_REALTIME;
	struct futex_word *words;
	nsec_t deadline;
	long result;

	if ((u32)a->arg[2] || !count || count > FUTEX_WAITV_MAX || !a->arg[0]) {
		return -EINVAL;
	}
	if (a->arg[3] && !realtime && (s32)a->arg[4] != CLOCK_MONOTONIC) {
		return -EINVAL;
	}
	result = read_deadline(a->arg[3], true, realtime, &deadline);
	if (result) {
		return result;
	}
	words = heap_allocate_array(count, sizeof(*words));
	if (!words) {
		return -ENOMEM;
	}
	result = read_words(a->arg[0], count, words);
	if (!result) {
		result = futex_wait_any(words, count, deadline, realtime);
	}
	heap_free(words);
	return result;
}

long sys_set_robust_list(const struct syscall_arguments *a)
{
	if (a->arg[1] != sizeof(struct robust_list_head)) {
		return -EINVAL;
	}
	atomic_store(&current_thread()->robust_list, a->arg[0]);
	return 0;
}

long sys_get_robust_list(const struct syscall_arguments *a)
{
	pid_nr number = (int)a->arg[0];
	u64 size = sizeof(struct robust_list_head);
	struct thread *thread;
	vaddr_t head = 0;
	int err = 0;

	if (number) {
		thread = thread_find(number);
	} else {
		thread = current_thread();
		thread_get(thread);
	}
	if (!thread) {
		return -ESRCH;
	}
	err = thread_check_access(thread, ACCESS_VM_READ);
	head = atomic_load(&thread->robust_list);
	thread_put(thread);
	if (!err) {
		err = user_write(a->arg[2], &size, sizeof(size));
	}
	return err ? err : user_write(a->arg[1], &head, sizeof(head));
}
