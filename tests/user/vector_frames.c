// SPDX-License-Identifier: MIT
/*
 * T5, G1: RISC-V's vector registers in signal frames: a record behind the floating point state, restored by rt_sigreturn(2) with what the handler
 * has changed there; a frame that is none kills the program alone. AT_MINSIGSTKSZ is enough for it.
 */
#include "cpus.h"
#include "vector.h"

/* In the frame: where Linux has them (asm/sigcontext.h). The record's header ends the fixed part. */
enum { HEADER_AT = 776, RESERVED_AT = 772, VECTOR_MAGIC = 0x53465457, SIGNALS = 30 };

struct record {
	uint32_t magic, size;
	uint64_t start, length, type, control, width;
	unsigned char *bytes;
	/* the registers follow, then the end's header */
};

static struct record *record_of(void *context)
{
	return (struct record *)((char *)&((ucontext_t *)context)->uc_mcontext +
				 HEADER_AT);
}

static uint32_t *end_of(struct record *record)
{
	return (uint32_t *)((char *)record + record->size);
}

static void handle(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = {.sa_sigaction = handler,
				   .sa_flags = SA_SIGINFO | flags};

	CHECK_EQ(sigaction(signal, &action, NULL), 0);
}

static struct vectors expected, spoiled;

static void look(int signal, siginfo_t *info, void *context)
{
	struct record *record = record_of(context);

	(void)signal;
	(void)info;
	CHECK_EQ(record->magic, VECTOR_MAGIC);
	CHECK_EQ(record->size, sizeof(*record) + vector_bytes());
	CHECK_EQ(record->width, vector_width());
	CHECK_EQ(record->start, 0);
	CHECK_EQ(record->length, expected.length);
	CHECK_EQ(record->type, expected.type);
	CHECK_EQ(record->control, expected.control);
	CHECK(record->bytes == (unsigned char *)(record + 1));
	CHECK(memcmp(record->bytes, expected.bytes, vector_bytes()) == 0);
	CHECK(end_of(record)[0] == 0 && end_of(record)[1] == 0);
	vectors_put(&spoiled);
	go_on_behind(context);
}

static void check_record(void)
{
	struct vectors seen = vectors_new();

	handle(SIGILL, look, 0);
	for (unsigned i = 0; i < 16; i++) {
		vectors_make(&expected, i);
		vectors_put(&expected);
		undefined_instruction();
		vectors_get(&seen);
		CHECK(vectors_same(&expected, &seen));
	}
	free(seen.bytes);
	ok("record");
}

static void change(int signal, siginfo_t *info, void *context)
{
	struct record *record = record_of(context);

	(void)signal;
	(void)info;
	record->length = spoiled.length;
	record->type = spoiled.type;
	record->control = spoiled.control;
	memcpy(record->bytes, spoiled.bytes, vector_bytes());
	go_on_behind(context);
}

static void check_changed(void)
{
	struct vectors seen = vectors_new();

	handle(SIGILL, change, 0);
	vectors_make(&expected, 3);
	vectors_put(&expected);
	undefined_instruction();
	vectors_get(&seen);
	CHECK(vectors_same(&spoiled, &seen));
	free(seen.bytes);
	ok("changed");
}

static atomic_int handled, spinning;

static void spoil(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	vectors_put(&spoiled);
	atomic_fetch_add(&handled, 1);
}

static void *spin(void *unused)
{
	struct vectors mine = vectors_new(), seen = vectors_new();

	vectors_make(&mine, 21);
	atomic_store(&spinning, 1);
	while (atomic_load(&handled) < SIGNALS) {
		vectors_put(&mine);
		for (int i = 0; i < 1000 && atomic_load(&handled) < SIGNALS; i++) {
			__asm__ volatile("" ::: "memory");
		}
		vectors_get(&seen);
		CHECK(vectors_same(&mine, &seen));
	}
	return unused;
}

/* At any instruction. */
static void check_any_time(void)
{
	pthread_t thread;

	handle(SIGUSR1, spoil, 0);
	thread = start_thread(spin, NULL);
	WAIT_UNTIL(atomic_load(&spinning));
	for (int i = 0; i < SIGNALS; i++) {
		CHECK_EQ(pthread_kill(thread, SIGUSR1), 0);
		WAIT_UNTIL(atomic_load(&handled) > i);
	}
	join_thread(thread);
	ok("any_time");
}

static void no_record(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	CHECK(record_of(context)->magic == 0 && record_of(context)->size == 0);
	vector_instruction(); // the first, and only the handler's
	go_on_behind(context);
}

static void take_signal_without(void)
{
	handle(SIGILL, no_record, 0);
	undefined_instruction();
}

static void check_without(void)
{
	must_pass_in_child(take_signal_without);
	ok("without");
}

static unsigned long start_found, start_saved;
static atomic_long turns;
static atomic_bool enough;

static void look_at_start(int signal, siginfo_t *info, void *context)
{
	__asm__ volatile("csrr %0, 0x008\n\tcsrw 0x008, zero"
			 : "=r"(start_found)::"memory");
	(void)signal;
	(void)info;
	start_saved = record_of(context)->start;
	go_on_behind(context);
}

static void *take_turns(void *unused)
{
	while (!atomic_load(&enough)) {
		atomic_fetch_add(&turns, 1);
	}
	return unused;
}

/* A vector instruction's place where it was interrupted; whether the thread has lost its CPU since, or not. */
static void trap_with_start(unsigned long start, bool wait)
{
	unsigned long seen;
	long before;

	vectors_put(&expected);
	__asm__ volatile("csrw 0x008, %0" ::"r"(start) : "memory");
	before = atomic_load(&turns);
	while (wait && atomic_load(&turns) == before) {
	}
	undefined_instruction();
	__asm__ volatile("csrr %0, 0x008\n\tcsrw 0x008, zero" : "=r"(seen)::"memory");
	CHECK_EQ(start_saved, start);
	CHECK_EQ(start_found, 0);
	CHECK_EQ(seen, start);
}

/* On one CPU the other's turn is not ours. */
static void check_start(void)
{
	cpu_set_t usable;
	pthread_t other;

	CHECK_EQ(sched_getaffinity(0, sizeof(usable), &usable), 0);
	pin(0, (unsigned)sched_getcpu());
	handle(SIGILL, look_at_start, 0);
	other = start_thread(take_turns, NULL);
	for (int i = 0; i < 6; i++) {
		trap_with_start(5, i % 2);
	}
	atomic_store(&enough, true);
	join_thread(other);
	CHECK_EQ(sched_setaffinity(0, sizeof(usable), &usable), 0);
	ok("start");
}

/* ---- frames that are none ---- */

static void (*breaking)(struct record *record);

static void bad_magic(struct record *record)
{
	record->magic = 0x12345678;
}

static void bad_size(struct record *record)
{
	record->size -= 16;
}

static void huge_size(struct record *record)
{
	record->size = 0xfffffff0;
}

static void bad_width(struct record *record)
{
	record->width *= 2;
}

static void bad_pointer(struct record *record)
{
	record->bytes = UNMAPPED_ADDRESS;
}

static void kernel_pointer(struct record *record)
{
	record->bytes = KERNEL_ADDRESS;
}

static void bad_end(struct record *record)
{
	end_of(record)[0] = 0x1234;
}

static void end_with_size(struct record *record)
{
	end_of(record)[1] = 8;
}

static void two_records(struct record *record)
{
	end_of(record)[0] = VECTOR_MAGIC;
	end_of(record)[1] = record->size;
}

static void bad_reserved(struct record *record)
{
	*(uint32_t *)((char *)record - (HEADER_AT - RESERVED_AT)) = 1;
}

static void break_it(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	breaking(record_of(context));
	go_on_behind(context);
}

static void return_broken(void)
{
	handle(SIGILL, break_it, 0);
	vectors_put(&expected);
	undefined_instruction();
}

static void check_bad_frames(void)
{
	static void (*const ways[])(struct record *) = {
		bad_magic,      bad_size, huge_size,     bad_width,   bad_pointer,
		kernel_pointer, bad_end,  end_with_size, two_records, bad_reserved,
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		int status;

		breaking = ways[i];
		status = in_child(return_broken);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV) {
			say("bad frame %zu: status %#x\n", i, status);
			_exit(1);
		}
	}
	ok("bad_frames");
}

/* Who has never used vectors has none to restore. */
static void forge(struct record *record)
{
	record->magic = VECTOR_MAGIC;
	record->size = (uint32_t)(sizeof(*record) + 32 * 16);
}

static void return_forged(void)
{
	handle(SIGILL, break_it, 0);
	undefined_instruction();
}

static void check_forged(void)
{
	int status;

	breaking = forge;
	status = in_child(return_forged);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	ok("forged");
}

/* What no CPU has: it makes something of it, or nothing, and goes on. */
static void absurd_values(struct record *record)
{
	record->type = 0x7ff;
	record->length = ~0ul;
	record->start = ~0ul;
	record->control = ~0ul;
}

static void return_absurd(void)
{
	struct vectors seen = vectors_new();

	breaking = absurd_values;
	return_broken();
	vectors_get(&seen);
	CHECK(seen.type == TYPE_ILLEGAL && seen.length == 0 && seen.control <= 7);
}

static void check_absurd(void)
{
	must_pass_in_child(return_absurd);
	ok("absurd_values");
}

static char *stack_top;
static size_t frame_used;

static void measure(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	frame_used = (size_t)(stack_top - (char *)info);
	go_on_behind(context);
}

static void check_stack_size(void)
{
	size_t least = getauxval(AT_MINSIGSTKSZ), size = least + 65536;
	stack_t stack = {.ss_size = size};

	stack.ss_sp = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(stack.ss_sp != MAP_FAILED);
	CHECK_EQ(sigaltstack(&stack, NULL), 0);
	stack_top = (char *)stack.ss_sp + size;
	handle(SIGILL, measure, SA_ONSTACK);
	vectors_put(&expected);
	undefined_instruction();
	CHECK(frame_used > vector_bytes());
	CHECK(frame_used <= least);
	CHECK(least < frame_used + 64);
	ok("stack_size");
}

int main(void)
{
	if (!has_vectors()) {
		skip("a CPU without vectors");
	}
	check_without();
	check_forged();
	expected = vectors_new();
	spoiled = vectors_new();
	vectors_make(&spoiled, 50);
	vectors_make(&expected, 2);
	check_record();
	check_changed();
	check_any_time();
	check_start();
	check_bad_frames();
	check_absurd();
	check_stack_size();
	return 0;
}
