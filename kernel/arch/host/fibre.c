// SPDX-License-Identifier: MIT
/*
 * Fibres: stacks that one host thread switches between, known to AddressSanitizer.
 *
 * host_swap_stacks() saves the registers that a called function must keep, on the
 * stack it leaves.
 */
#include "host.h"
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifndef __x86_64__
#	error "the host port's stack switch is written for x86-64 hosts"
#endif

enum { STACK_SIZE = 256 * 1024 };

static struct host_fibre *free_fibres;
static struct host_fibre *arriving_from;

void host_swap_stacks(void **save, void *load);
void host_fibre_begin(void);

__asm__(".text\n"
	".globl host_swap_stacks\n"
	"host_swap_stacks:\n"
	"	push %rbp\n"
	"	push %rbx\n"
	"	push %r12\n"
	"	push %r13\n"
	"	push %r14\n"
	"	push %r15\n"
	"	mov %rsp, (%rdi)\n"
	"	mov %rsi, %rsp\n"
	"	pop %r15\n"
	"	pop %r14\n"
	"	pop %r13\n"
	"	pop %r12\n"
	"	pop %rbx\n"
	"	pop %rbp\n"
	"	ret\n");

static void arrived(void)
{
	const void *bottom;
	size_t size;

	__sanitizer_finish_switch_fiber(NULL, &bottom, &size);
	if (arriving_from && !arriving_from->stack) {
		arriving_from->stack =
			(void *)bottom; /* of an adopted one: known only now */
		arriving_from->stack_size = size;
	}
}

void host_fibre_begin(void)
{
	struct host_fibre *self = host_cpu_now->fibre;

	arrived();
	self->entry(self->argument);
	fprintf(stderr, "host: a fibre's entry returned\n");
	abort();
}

static void prepare(struct host_fibre *fibre)
{
	u64 *top = (u64 *)((char *)fibre->stack + fibre->stack_size);

	/*
	 * Six registers, where to begin, and a return address that is never used: the
	 * alignment of a call.
	 */
	*--top = 0;
	*--top = (u64)host_fibre_begin;
	for (int i = 0; i < 6; i++) {
		*--top = 0;
	}
	fibre->stack_pointer = top;
}

struct host_fibre *host_fibre_create(void (*entry)(void *argument), void *argument)
{
	struct host_fibre *fibre = free_fibres;

	if (fibre) {
		free_fibres = fibre->next_free;
		__asan_unpoison_memory_region(fibre->stack, fibre->stack_size);
	} else {
		fibre = calloc(1, sizeof(*fibre));
		fibre->stack_size = STACK_SIZE;
		fibre->stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (fibre->stack == MAP_FAILED) {
			perror("host: stack of a fibre");
			abort();
		}
	}
	fibre->entry = entry;
	fibre->argument = argument;
	fibre->cpu = -1;
	prepare(fibre);
	return fibre;
}

struct host_fibre *host_fibre_adopt(void)
{
	return calloc(1, sizeof(struct host_fibre));
}

void host_fibre_free(struct host_fibre *fibre)
{
	if (fibre->cpu >= 0) {
		fprintf(stderr,
			"host: the stack of a thread is freed while CPU %d uses it\n",
			fibre->cpu);
		abort();
	}
	fibre->next_free = free_fibres;
	free_fibres = fibre;
}

void host_fibre_switch(struct host_fibre *from, struct host_fibre *to)
{
	void *fake_stack;

	arriving_from = from;
	__sanitizer_start_switch_fiber(&fake_stack, to->stack, to->stack_size);
	host_swap_stacks(&from->stack_pointer, to->stack_pointer);
	arrived();
}
