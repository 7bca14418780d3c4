// SPDX-License-Identifier: MIT
/* Words of a tracee's memory: whatever its areas forbid, but for writing to what it shares read-only. */
#include "process/ptrace/ptrace_internal.h"

#include "lib/errno.h"
#include "mm/usercopy.h"
#include "vm/vm_space.h"

/* Who attached was allowed to see the memory of then; that of a program that has begun since may be closed. */
static struct vm_space *memory_of(struct thread *thread)
{
	struct process *process = thread->process;
	struct vm_space *vm;

	spin_lock(&process->resource_lock);
	vm = process->vm;
	if (vm && !atomic_load(&vm->dumpable) && !READ_ONCE(thread->trace.privileged)) {
		vm = NULL;
	}
	if (vm) {
		vm_get(vm);
	}
	spin_unlock(&process->resource_lock);
	return vm;
}

long trace_peek(struct thread *thread, vaddr_t address, vaddr_t to)
{
	struct vm_space *vm = memory_of(thread);
	u64 word;
	s64 moved = vm ? vm_read(vm, address, &word, sizeof(word), true) : 0;

	if (vm) {
		vm_put(vm);
	}
	return moved == sizeof(word) ? user_write(to, &word, sizeof(word)) : -EIO;
}

long trace_poke(struct thread *thread, vaddr_t address, u64 word)
{
	struct vm_space *vm = memory_of(thread);
	s64 moved = vm ? vm_write(vm, address, &word, sizeof(word), true) : 0;

	if (vm) {
		vm_put(vm);
	}
	return moved == sizeof(word) ? 0 : -EIO;
}
