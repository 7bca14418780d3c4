// SPDX-License-Identifier: MIT
/* Host: threads are functions; their registers are nobody's business. */
#include "arch/registers.h"
#include "lib/errno.h"

size_t arch_registers_size(u32 set)
{
	return 0;
}

size_t arch_registers_unit(u32 set)
{
	return sizeof(u64);
}

void arch_registers_read(struct arch_thread *thread, u32 set, void *to)
{
}

int arch_registers_write(struct arch_thread *thread, u32 set, const void *from)
{
	return -EIO;
}

u32 arch_registers_of_request(long request, bool *write)
{
	return 0;
}

int arch_user_word_read(struct arch_thread *thread, u64 offset, u64 *word)
{
	return -EIO;
}

int arch_user_word_write(struct arch_thread *thread, u64 offset, u64 word)
{
	return -EIO;
}

u32 arch_audit_number(void)
{
	return 0;
}

bool arch_step_is_there(void)
{
	return false;
}

int arch_step_call_code(void)
{
	return 0;
}

void arch_step_set(struct arch_thread *thread, bool step)
{
}
