// SPDX-License-Identifier: MIT
/* Looking up the kernel's instructions that may fault. The table is the linker's. */
#include "arch/common/exception_table.h"

extern const struct exception_entry exception_table_start[], exception_table_end[];

const struct exception_entry *exception_find(u64 ip)
{
	for (const struct exception_entry *e = exception_table_start;
	     e < exception_table_end; e++) {
		if ((u64)&e->from + (u64)(s64)e->from == ip) {
			return e;
		}
	}
	return NULL;
}

u64 exception_fixup(const struct exception_entry *entry)
{
	return (u64)&entry->fixup + (u64)(s64)entry->fixup;
}
