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
	"lla t0, 3b\n\t"                              \
	"sd t0, %[section]\n"                         \
	"1:\n\t"
#define SECTION_END                             \
	"2:\n\t"                                \
	".pushsection .text.aborts, \"ax\"\n\t" \
	".balign 4\n\t"                         \
	".long 0xf1401073\n"                    \
	"4:\n\t"                                \
	"tail %l[aborted]\n\t"                  \
	".popsection\n\t"

/* *counter += 1 on CPU `cpu`, `linger` turns between load and store. false: it began again elsewhere. */
static inline bool try_add(struct area *area, volatile uint32_t *id, uint32_t wanted,
			   volatile long *counter, long linger)
{
	__asm__ goto(SECTION_BEGIN "lw t0, %[id]\n\t"
				   "sext.w t1, %[wanted]\n\t"
				   "beq t0, t1, 6f\n\t"
				   "j %l[aborted]\n"
				   "6:\n\t"
				   "ld t0, %[counter]\n\t"
				   "mv t1, %[linger]\n"
				   "5:\n\t"
				   "addi t1, t1, -1\n\t"
				   "bgez t1, 5b\n\t"
				   "addi t0, t0, 1\n\t"
				   "sd t0, %[counter]\n" SECTION_END
		     :
		     : [section] "m"(area->section), [id] "m"(*id), [wanted] "r"(wanted),
		       [counter] "m"(*counter), [linger] "r"(linger)
		     : "t0", "t1", "memory"
		     : aborted);
	return true;
aborted:
	return false;
}

/* Say so in *inside and go round in a section that only an abort ends. */
static inline void wait_for_abort(struct area *area, atomic_int *inside)
{
	__asm__ goto(SECTION_BEGIN "li t0, 1\n\t"
				   "sw t0, %[inside]\n"
				   "5:\n\t"
				   "j 5b\n" SECTION_END
		     :
		     : [section] "m"(area->section), [inside] "m"(*inside)
		     : "t0", "t1", "memory"
		     : aborted);
	say("the section ended by itself\n");
	_exit(1);
aborted:
	return;
}
