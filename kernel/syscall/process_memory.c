// SPDX-License-Identifier: MIT
/*
 * process_vm_readv and process_vm_writev: copying between the caller's memory and another process's, through a buffer of the kernel's.
 *
 * Neither side's lock is held while the other side is touched, so a process may name itself.
 */
#include "syscall/syscall.h"

#include "mm/heap.h"
#include "mm/usercopy.h"
#include "process/process.h"
#include "process/resources.h"
#include "vm/vm_space.h"
#include <linux/uio.h>

enum { VECTOR_MAX = 1024, BUFFER_SIZE = 16 * 1024 };

/* A list of ranges and a place in it. */
struct vector {
	struct iovec *ranges;
	u64 count, index, offset, total;
};

struct transfer {
	struct vm_space *vm;
	struct vector local, remote;
	u8 *buffer;
	bool write;
};

/* -EINVAL, -EFAULT, -ENOMEM. The total is below SSIZE_MAX. */
static int vector_load(struct vector *vector, vaddr_t from, u64 count, bool local)
{
	int error;

	*vector = (struct vector){.count = count};
	if (count > VECTOR_MAX) {
		return -EINVAL;
	}
	if (count == 0) {
		return 0;
	}
	vector->ranges = heap_allocate_array(count, sizeof *vector->ranges);
	if (!vector->ranges) {
		return -ENOMEM;
	}
	error = user_read(vector->ranges, from, count * sizeof *vector->ranges);
	for (u64 i = 0; i < count && !error; i++) {
		u64 size = vector->ranges[i].iov_len;

		if (size > INT64_MAX || vector->total > INT64_MAX - size) {
			error = -EINVAL;
		} else if (local &&
			   !user_range_ok((vaddr_t)vector->ranges[i].iov_base, size)) {
			error = -EFAULT;
		}
		vector->total += size;
	}
	return error;
}

/* The rest of the current range; 0: the end. */
static u64 vector_rest(struct vector *vector, vaddr_t *address)
{
	while (vector->index < vector->count &&
	       vector->offset == vector->ranges[vector->index].iov_len) {
		vector->index++;
		vector->offset = 0;
	}
	if (vector->index == vector->count) {
		return 0;
	}
	*address = (vaddr_t)vector->ranges[vector->index].iov_base + vector->offset;
	return vector->ranges[vector->index].iov_len - vector->offset;
}

/* One piece: bytes moved, 0 at the end, or an errno. */
static s64 move_piece(struct transfer *transfer)
{
	vaddr_t local = 0, remote = 0;
	u64 size = vector_rest(&transfer->local, &local);
	u64 there = vector_rest(&transfer->remote, &remote);
	s64 moved;

	size = MIN(MIN(size, there), (u64)BUFFER_SIZE);
	if (size == 0) {
		return 0;
	}
	if (transfer->write) {
		if (user_read(transfer->buffer, local, size)) {
			return -EFAULT;
		}
		moved = vm_write(transfer->vm, remote, transfer->buffer, size, false);
	} else {
		moved = vm_read(transfer->vm, remote, transfer->buffer, size, false);
		if (moved > 0 && user_write(local, transfer->buffer, (size_t)moved)) {
			return -EFAULT;
		}
	}
	if (moved > 0) {
		transfer->local.offset += (u64)moved;
		transfer->remote.offset += (u64)moved;
	}
	return moved;
}

static s64 move_all(struct transfer *transfer)
{
	s64 done = 0, moved;

	transfer->buffer = heap_allocate(BUFFER_SIZE);
	if (!transfer->buffer) {
		return -ENOMEM;
	}
	while ((moved = move_piece(transfer)) > 0) {
		done += moved;
	}
	heap_free(transfer->buffer);
	return done ? done : moved;
}

static int find_space(pid_nr number, struct vm_space **out)
{
	struct process *process;
	struct thread *thread = thread_find(number);
	int error;

	if (!thread) {
		return -ESRCH;
	}
	process = thread->process;
	error = process_get_vm(process, ACCESS_VM_ATTACH, out);
	thread_put(thread);
	return error == -EACCES ? -EPERM : error;
}

static long process_vm(const struct syscall_arguments *a, bool write)
{
	struct transfer transfer = {.write = write};
	s64 result;

	if (a->arg[5] != 0) {
		return -EINVAL;
	}
	result = vector_load(&transfer.local, a->arg[1], a->arg[2], true);
	transfer.remote.ranges = NULL;
	if (!result && transfer.local.total == 0) {
		goto done; // not even the process is looked for
	}
	if (!result) {
		result = vector_load(&transfer.remote, a->arg[3], a->arg[4], false);
	}
	if (!result) {
		result = find_space((pid_nr)a->arg[0], &transfer.vm);
	}
	if (!result) {
		result = move_all(&transfer);
		vm_put(transfer.vm);
	}
done:
	heap_free(transfer.local.ranges);
	heap_free(transfer.remote.ranges);
	return result;
}

long sys_process_vm_readv(const struct syscall_arguments *a)
{
	return process_vm(a, false);
}

long sys_process_vm_writev(const struct syscall_arguments *a)
{
	return process_vm(a, true);
}
