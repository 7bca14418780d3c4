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
	"leaq 3b(%%rip), %%rax\n\t"                   \
	"movq %%rax, %[section]\n"                    \
	"1:\n\t"
#define SECTION_END                             \
	"2:\n\t"                                \
	".pushsection .text.aborts, \"ax\"\n\t" \
	".long 0x53053053\n"                    \
	"4:\n\t"                                \
	"jmp %l[aborted]\n\t"                   \
	".popsection\n\t"

/* *counter += 1 on CPU `cpu`, `linger` turns between load and store. false: it began again elsewhere. */
static inline bool try_add(struct area *area, volatile uint32_t *id, uint32_t wanted,
			   volatile long *counter, long linger)
{
	__asm__ goto(SECTION_BEGIN "cmpl %[wanted], %[id]\n\t"
				   "jnz 4f\n\t"
				   "movq %[counter], %%rax\n\t"
				   "movq %[linger], %%rcx\n"
				   "5:\n\t"
				   "decq %%rcx\n\t"
				   "jns 5b\n\t"
				   "incq %%rax\n\t"
				   "movq %%rax, %[counter]\n" SECTION_END
		     :
		     : [section] "m"(area->section), [id] "m"(*id), [wanted] "r"(wanted),
		       [counter] "m"(*counter), [linger] "r"(linger)
		     : "rax", "rcx", "memory", "cc"
		     : aborted);
	return true;
aborted:
	return false;
}

/* Say so in *inside and go round in a section that only an abort ends. */
static inline void wait_for_abort(struct area *area, atomic_int *inside)
{
	__asm__ goto(SECTION_BEGIN "movl $1, %[inside]\n"
				   "5:\n\t"
				   "pause\n\t"
				   "jmp 5b\n" SECTION_END
		     :
		     : [section] "m"(area->section), [inside] "m"(*inside)
		     : "rax", "memory", "cc"
		     : aborted);
	say("the section ended by itself\n");
	_exit(1);
aborted:
	return;
}
