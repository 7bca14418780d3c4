// SPDX-License-Identifier: MIT
/*
 * Instructions of the kernel that may fault, and where to go on if the fault can not be resolved. Entries are relative to themselves.
 *	EXCEPTION_MAY_FAULT_IN	a page fault is first given to entry_page_fault()
 *	EXCEPTION_NEVER_FAULTS_IN	it is not: straight to the fixup
 */
#pragma once

#define EXCEPTION_MAY_FAULT_IN    0
#define EXCEPTION_NEVER_FAULTS_IN 1

#ifndef __ASSEMBLER__
#	include "lib/types.h"

struct exception_entry {
	s32 from, fixup;
	u32 kind;
};

/* The entry of the instruction at `ip`, or NULL. */
const struct exception_entry *exception_find(u64 ip);
/* Where to go on. */
u64 exception_fixup(const struct exception_entry *entry);

#	define EXCEPTION_ENTRY(from, fixup, kind)         \
		".pushsection .exception_table, \"a\"\n\t" \
		".balign 4\n\t"                            \
		".long " from " - .\n\t"                   \
		".long " fixup " - .\n\t"                  \
		".long " kind "\n\t"                       \
		".popsection\n\t"
#endif
