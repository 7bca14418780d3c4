// SPDX-License-Identifier: MIT
/*
 * Registers of a tracee.
 *
 * A thread that sleeps in its stop has all of them in memory. Only its tracer, its death and its tracer's end wake it, and none of them
 * while sched_visit_sleeper() visits it: so what is read there is whole, and what is written is loaded when it goes on. On its way into the
 * stop it may still run: then we wait a moment.
 */
#include "process/ptrace/ptrace_internal.h"

#include "arch/registers.h"
#include "arch/thread.h"
#include "arch/trap.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/usercopy.h"
#include "time/clock.h"
#include <linux/elf.h>
#include <linux/ptrace.h>
#include <linux/uio.h>

enum { FIRST_PAUSE_NS = 20000, LONGEST_PAUSE_NS = 1000000 };

struct visit {
	long (*act)(struct arch_thread *thread, struct visit *visit);
	u32 set;
	void *buffer;
	u64 offset, word;
	long result;
	bool done;
};

static void visit_tracee(struct sched_entity *entity, void *context)
{
	struct visit *visit = context;

	if (atomic_load(&entity->state) == THREAD_TRACED) {
		visit->result = visit->act(&entity->arch, visit);
		visit->done = true;
	}
}

static long visit(struct thread *thread, struct visit *visit)
{
	nsec_t pause = FIRST_PAUSE_NS;
	u64 flags;

	for (;;) {
		long result = trace_lock_stopped(thread, &flags);

		if (result) {
			return result;
		}
		trace_unlock_stopped(thread, flags);
		if (sched_visit_sleeper(&thread->sched, visit_tracee, visit) &&
		    visit->done) {
			return visit->result;
		}
		if (sched_sleep_until(clock_monotonic() + pause, THREAD_KILLABLE)) {
			return -ESRCH;
		}
		pause = MIN(2 * pause, (nsec_t)LONGEST_PAUSE_NS);
	}
}

static long read_set(struct arch_thread *thread, struct visit *visit)
{
	arch_registers_read(thread, visit->set, visit->buffer);
	return 0;
}

static long write_set(struct arch_thread *thread, struct visit *visit)
{
	return arch_registers_write(thread, visit->set, visit->buffer);
}

static long read_word(struct arch_thread *thread, struct visit *visit)
{
	return arch_user_word_read(thread, visit->offset, &visit->word);
}

static long write_word(struct arch_thread *thread, struct visit *visit)
{
	return arch_user_word_write(thread, visit->offset, visit->word);
}

/* A set as it is, in a buffer that is the caller's to free, also after an error. */
static long fetch(struct thread *thread, u32 set, struct visit *request)
{
	*request = (struct visit){.act = read_set, .set = set};
	request->buffer = heap_allocate(arch_registers_size(set));
	return request->buffer ? visit(thread, request) : -ENOMEM;
}

/* The first `size` bytes of a set to `to`. */
static long get_set(struct thread *thread, u32 set, vaddr_t to, u64 size)
{
	struct visit request;
	long result = fetch(thread, set, &request);

	if (!result) {
		result = user_write(to, request.buffer, size);
	}
	heap_free(request.buffer);
	return result;
}

/* What is behind the first `size` bytes stays. */
static long put_set(struct thread *thread, u32 set, vaddr_t from, u64 size)
{
	struct visit request;
	long result = fetch(thread, set, &request);

	if (!result) {
		result = user_read(request.buffer, from, size);
	}
	if (!result) {
		request.act = write_set;
		request.done = false;
		result = visit(thread, &request);
	}
	heap_free(request.buffer);
	return result;
}

static long register_set(struct thread *thread, u64 set, vaddr_t vector, bool write)
{
	struct iovec range;
	u64 size = set > UINT32_MAX ? 0 : arch_registers_size((u32)set);
	long result = user_read(&range, vector, sizeof(range));

	if (result) {
		return result;
	}
	if (!size || range.iov_len % arch_registers_unit((u32)set)) {
		return -EINVAL;
	}
	range.iov_len = MIN(range.iov_len, size);
	result =
		write ? put_set(thread, (u32)set, (vaddr_t)range.iov_base, range.iov_len)
		      : get_set(thread, (u32)set, (vaddr_t)range.iov_base, range.iov_len);
	if (!result) {
		result = user_write(vector + offsetof(struct iovec, iov_len),
				    &range.iov_len, sizeof(range.iov_len));
	}
	return result;
}

static long peek_user(struct thread *thread, u64 offset, vaddr_t to)
{
	struct visit request = {.act = read_word, .offset = offset};
	long result = visit(thread, &request);

	return result ? result : user_write(to, &request.word, sizeof(request.word));
}

static long poke_user(struct thread *thread, u64 offset, u64 word)
{
	struct visit request = {.act = write_word, .offset = offset, .word = word};

	return visit(thread, &request);
}

long trace_registers(struct thread *thread, long request, u64 address, u64 data)
{
	bool write;
	u32 set;

	switch (request) {
	case PTRACE_GETREGSET:
		return register_set(thread, address, data, false);
	case PTRACE_SETREGSET:
		return register_set(thread, address, data, true);
	case PTRACE_PEEKUSR:
		return peek_user(thread, address, data);
	case PTRACE_POKEUSR:
		return poke_user(thread, address, data);
	}
	set = arch_registers_of_request(request, &write);
	if (!set) {
		return -EIO;
	}
	return write ? put_set(thread, set, data, arch_registers_size(set))
		     : get_set(thread, set, data, arch_registers_size(set));
}

/* --- PTRACE_GET_SYSCALL_INFO --- */

static long read_call(struct arch_thread *thread, struct visit *visit)
{
	struct ptrace_syscall_info *info = visit->buffer;
	const struct trap_frame *frame = arch_thread_user_frame(thread);
	s64 result = (s64)trap_syscall_result(frame);

	info->arch = arch_audit_number();
	info->instruction_pointer = trap_ip(frame);
	info->stack_pointer = trap_sp(frame);
	if (info->op == PTRACE_SYSCALL_INFO_ENTRY) {
		info->entry.nr = (u64)trap_syscall_number(frame);
		for (unsigned i = 0; i < 6; i++) {
			info->entry.args[i] = trap_syscall_argument(frame, i);
		}
	} else if (info->op == PTRACE_SYSCALL_INFO_EXIT) {
		info->exit.is_error = result < 0 && result >= -4095;
		info->exit.rval = result;
	}
	return 0;
}

static u8 kind_of_stop(const struct thread_trace *trace)
{
	if (!trace->info || trace->info->si_code != (SIGTRAP | 0x80)) {
		return PTRACE_SYSCALL_INFO_NONE;
	}
	return trace->message == PTRACE_EVENTMSG_SYSCALL_ENTRY ? PTRACE_SYSCALL_INFO_ENTRY
	       : trace->message == PTRACE_EVENTMSG_SYSCALL_EXIT
		       ? PTRACE_SYSCALL_INFO_EXIT
		       : PTRACE_SYSCALL_INFO_NONE;
}

static size_t size_of_kind(u8 kind)
{
	switch (kind) {
	case PTRACE_SYSCALL_INFO_ENTRY:
		return offsetof(struct ptrace_syscall_info, entry.args) + 6 * sizeof(u64);
	case PTRACE_SYSCALL_INFO_EXIT:
		return offsetof(struct ptrace_syscall_info, exit.is_error) + 1;
	default:
		return offsetof(struct ptrace_syscall_info, entry);
	}
}

/* As long as it is, not as long as there was room for. */
long trace_syscall_information(struct thread *thread, u64 size, vaddr_t to)
{
	struct ptrace_syscall_info info;
	struct visit request = {.act = read_call, .buffer = &info};
	u64 flags;
	long result = trace_lock_stopped(thread, &flags);
	size_t whole;

	if (result) {
		return result;
	}
	memset(&info, 0, sizeof(info));
	info.op = kind_of_stop(&thread->trace);
	trace_unlock_stopped(thread, flags);
	result = visit(thread, &request);
	whole = size_of_kind(info.op);
	if (!result) {
		result = user_write(to, &info, MIN(size, (u64)whole));
	}
	return result ? result : (long)whole;
}
