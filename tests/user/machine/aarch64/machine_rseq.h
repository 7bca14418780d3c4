// SPDX-License-Identifier: MIT
/* Critical sections in this machine's instructions; part of rseq.h, which has struct area. */
#pragma once

/* What stands in front of and behind a section: labels 1 to 2, abort at 4 with its signature. */
#define SECTION_BEGIN                                 \
	".pushsection .data.rel.sections, \"aw\"\n\t" \
	".balign 32\n"                                \
	"3:\n\t"                                      \
	".long 0, 0\n\t"                              \
	".quad 1f, 2f - 1f, 4f\n\t"                   \
	".popsection\n\t"                             \
	"adrp x10, 3b\n\t"                            \
	"add x10, x10, :lo12:3b\n\t"                  \
	"str x10, %[section]\n"                       \
	"1:\n\t"
#define SECTION_END                             \
	"2:\n\t"                                \
	".pushsection .text.aborts, \"ax\"\n\t" \
	".long 0xd428bc00\n"                    \
	"4:\n\t"                                \
	"b %l[aborted]\n\t"                     \
	".popsection\n\t"

/* *counter += 1 on CPU `cpu`, `linger` turns between load and store. false: it began again elsewhere. */
static inline bool try_add(struct area *area, volatile uint32_t *id, uint32_t wanted,
			   volatile long *counter, long linger)
{
	__asm__ goto(SECTION_BEGIN "ldr w10, %[id]\n\t"
				   "cmp w10, %w[wanted]\n\t"
				   "b.ne 4f\n\t"
				   "ldr x10, %[counter]\n\t"
				   "mov x11, %[linger]\n"
				   "5:\n\t"
				   "subs x11, x11, #1\n\t"
				   "b.pl 5b\n\t"
				   "add x10, x10, #1\n\t"
				   "str x10, %[counter]\n" SECTION_END
		     :
		     : [section] "Q"(area->section), [id] "Q"(*id), [wanted] "r"(wanted),
		       [counter] "Q"(*counter), [linger] "r"(linger)
		     : "x10", "x11", "memory", "cc"
		     : aborted);
	return true;
aborted:
	return false;
}

/* Say so in *inside and go round in a section that only an abort ends. */
static inline void wait_for_abort(struct area *area, atomic_int *inside)
{
	__asm__ goto(SECTION_BEGIN "mov w10, #1\n\t"
				   "str w10, %[inside]\n"
				   "5:\n\t"
				   "yield\n\t"
				   "b 5b\n" SECTION_END
		     :
		     : [section] "Q"(area->section), [inside] "Q"(*inside)
		     : "x10", "memory", "cc"
		     : aborted);
	say("the section ended by itself\n");
	_exit(1);
aborted:
	return;
}
