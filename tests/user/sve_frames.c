// SPDX-License-Identifier: MIT
/*
 * T5: signal frames of threads that use SVE: the record and its length, extra space where the frame's is too small, AT_MINSIGSTKSZ;
 * what a handler changes comes back, what it spoils does not; frames that are no frames end in SIGSEGV.
 */
#include "sve.h"
#include <ucontext.h>

#define EXTRA_CONTEXT_MAGIC 0x45585401u

struct records {
	unsigned char *fpsimd, *sve, *extra, *end;
	unsigned size; /* SVE's */
	unsigned char *extra_end;
};

static unsigned lengths[SVE_LENGTHS];
static int lengths_count;
static unsigned length;
static struct sve mine, seen, wanted, spoiler;
static void (*change)(struct records *records);
static volatile int handled;
static size_t frame_size;
static unsigned char *alternate_top;

static struct _aarch64_ctx *head(unsigned char *record)
{
	return (struct _aarch64_ctx *)(void *)record;
}

static struct sve_context *sve_head(const struct records *records)
{
	return (struct sve_context *)(void *)records->sve;
}

static struct extra_context *extra_head(const struct records *records)
{
	return (struct extra_context *)(void *)records->extra;
}

/* Look at each record up to the end; those of the extra space take the end's place. */
static void find(ucontext_t *context, struct records *found)
{
	unsigned char *at = (unsigned char *)context->uc_mcontext.__reserved;
	unsigned char *limit = at + sizeof(context->uc_mcontext.__reserved);

	memset(found, 0, sizeof(*found));
	for (;; at += head(at)->size) {
		CHECK(at + sizeof(*head(at)) <= limit && (uintptr_t)at % 16 == 0);
		if (head(at)->magic == 0) {
			CHECK_EQ(head(at)->size, 0);
			if (!found->extra || found->extra_end) {
				found->end = at;
				return;
			}
			at += 16;
			CHECK_EQ(extra_head(found)->datap, (uintptr_t)at);
			CHECK_EQ(extra_head(found)->size % 16, 0);
			limit = found->extra_end = at + extra_head(found)->size;
		}
		CHECK(head(at)->size >= 16 && head(at)->size % 16 == 0);
		if (head(at)->magic == FPSIMD_MAGIC) {
			found->fpsimd = at;
		} else if (head(at)->magic == SVE_MAGIC) {
			found->sve = at;
			found->size = head(at)->size;
		} else if (head(at)->magic == EXTRA_CONTEXT_MAGIC) {
			CHECK(!found->extra &&
			      head(at)->size == sizeof(struct extra_context));
			found->extra = at;
		}
	}
}

static void check_contents(const struct records *records)
{
	const struct sve_context *record = sve_head(records);
	unsigned units = length / SVE_UNIT;
	struct fpsimd_context *fpsimd = (void *)records->fpsimd;

	CHECK(records->sve && records->fpsimd);
	CHECK(record->vl == length && record->flags == 0 && record->__reserved[0] == 0);
	CHECK_EQ(records->size, (SVE_SIG_CONTEXT_SIZE(units) + 15) / 16 * 16);
	CHECK(memcmp(records->sve + SVE_SIG_REGS_OFFSET, mine.byte, sve_size(length)) ==
	      0);
	for (unsigned n = 0; n < 32; n++) {
		CHECK(memcmp(&fpsimd->vregs[n], mine.byte + n * length, SVE_UNIT) == 0);
	}
	// 4 KiB of records: 528 of vectors, 16 of the cause, room for an end and for the record of the extra space.
	CHECK_EQ(records->extra != NULL, 544 + records->size > 4096 - 48);
}

static void handle(int signal, siginfo_t *info, void *context)
{
	ucontext_t *user = context;
	struct records records;

	(void)signal;
	find(user, &records);
	check_contents(&records);
	user->uc_mcontext.pc += 4;
	frame_size = (size_t)(alternate_top - (unsigned char *)info);
	if (change) {
		change(&records);
	}
	sve_through_call(&spoiler, &seen, SYS_getppid, 0, 0, 0);
	handled = 1;
}

static void use_length(unsigned bytes)
{
	length = bytes;
	CHECK_EQ(prctl(PR_SVE_SET_VL, length), (int)length);
	sve_make(&mine, length, length / 16);
	sve_make(&spoiler, length, 3);
}

/* Trap with the registers full; `change` happens to the frame. */
static void trap_and_change(void (*to_frame)(struct records *records))
{
	change = to_frame;
	handled = 0;
	sve_through_trap(&mine, &seen);
	CHECK(handled);
	CHECK_EQ(sve_length(), length);
}

static void check_kept(void)
{
	trap_and_change(NULL);
	CHECK(sve_same(&mine, &seen, length));
	CHECK(frame_size > 0 && frame_size <= getauxval(AT_MINSIGSTKSZ));
}

/* The low 128 bits come from the record of the vectors, the others from SVE's. */
static void change_some(struct records *records)
{
	unsigned char *state = records->sve + SVE_SIG_REGS_OFFSET;
	struct fpsimd_context *fpsimd = (void *)records->fpsimd;

	state[5 * length] ^= 0xff; // low: not looked at
	((unsigned char *)&fpsimd->vregs[6])[3] = wanted.byte[6 * length + 3] = 0xa5;
	state[7 * length + length - 1] = wanted.byte[7 * length + length - 1] =
		length > SVE_UNIT ? 0x5a : wanted.byte[7 * length + length - 1];
	state[32 * length + 3 * (length / 8)] =
		wanted.byte[32 * length + 3 * (length / 8)] = 0x11;
	state[32 * length + 16 * (length / 8)] =
		wanted.byte[32 * length + 16 * (length / 8)] = 0x3f;
}

static void check_changed(void)
{
	wanted = mine;
	trap_and_change(change_some);
	CHECK(sve_same(&wanted, &seen, length));
}

/* A frame as on a machine without SVE. */
static void drop_record(struct records *records)
{
	unsigned char *first = records->extra ? records->extra : records->sve;

	memset(first, 0, 16);
}

/* Its first words alone: there are no registers. */
static void drop_registers(struct records *records)
{
	head(records->sve)->size = 16;
	memset(records->sve + 16, 0, 16);
}

static void check_dropped(void)
{
	wanted = mine;
	sve_cut(&wanted, length);
	trap_and_change(drop_record);
	CHECK(sve_same(&wanted, &seen, length));
	trap_and_change(drop_registers);
	CHECK(sve_same(&wanted, &seen, length));
}

/* ---- frames that are none ---- */

static void other_length(struct records *records)
{
	sve_head(records)->vl = (unsigned short)(length + SVE_UNIT);
}

static void no_length(struct records *records)
{
	sve_head(records)->vl = 0;
}

static void streaming(struct records *records)
{
	sve_head(records)->flags = 1;
}

static void too_short(struct records *records)
{
	head(records->sve)->size = 32;
	memset(records->sve + 32, 0, 16);
}

static void too_long(struct records *records)
{
	head(records->sve)->size = 0xfffffff0;
}

static void odd_size(struct records *records)
{
	head(records->sve)->size += 8;
}

static void twice(struct records *records)
{
	struct _aarch64_ctx *second = head(records->end);

	// The end becomes one of 16 bytes; what is behind it lies in the frame.
	if (records->extra) {
		head(records->fpsimd)->magic = SVE_MAGIC;
	} else {
		second->magic = SVE_MAGIC;
		second->size = 16;
		memset(records->end + 16, 0, 16);
	}
}

static void without_vectors(struct records *records)
{
	head(records->fpsimd)->magic = ESR_MAGIC;
}

static void unknown(struct records *records)
{
	head(records->sve)->magic = SVE_MAGIC + 0x100;
}

static void no_end(struct records *records)
{
	head(records->end)->size = 8;
}

static void (*const bad_frames[])(struct records *) = {
	other_length, no_length,       streaming, too_short, too_long,
	odd_size,     without_vectors, unknown,   no_end,    twice,
};

/* All is well there, but it is no part of the frame. */
static void extra_elsewhere(struct records *records)
{
	static unsigned char other[16384] __attribute__((aligned(16)));
	size_t size = extra_head(records)->size;

	CHECK(size <= sizeof(other));
	memcpy(other, records->extra_end - size, size);
	extra_head(records)->datap = (uintptr_t)other;
}

static void extra_nowhere(struct records *records)
{
	extra_head(records)->datap = (uintptr_t)KERNEL_ADDRESS;
}

static void extra_at_null(struct records *records)
{
	extra_head(records)->datap = 0;
}

static void extra_too_large(struct records *records)
{
	extra_head(records)->size = 0xfffffff0;
}

static void extra_odd(struct records *records)
{
	extra_head(records)->size -= 8;
}

static void extra_too_small(struct records *records)
{
	extra_head(records)->size = records->size;
}

static void extra_short_record(struct records *records)
{
	head(records->extra)->size = 16;
}

static void extra_without_end(struct records *records)
{
	head(records->extra + sizeof(struct extra_context))->magic = ESR_MAGIC;
}

static void extra_inside(struct records *records)
{
	head(records->sve)->magic = EXTRA_CONTEXT_MAGIC;
}

static void (*const bad_extras[])(struct records *) = {
	extra_elsewhere,    extra_nowhere,     extra_at_null,
	extra_too_large,    extra_odd,         extra_too_small,
	extra_short_record, extra_without_end, extra_inside,
};

static void (*bad)(struct records *);

static void return_with_bad(void)
{
	trap_and_change(bad);
}

static void must_be_refused(void (*const *list)(struct records *), size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int status;

		bad = list[i];
		status = in_child(return_with_bad);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV) {
			say("bad frame %zu of %u bytes a vector: status %#x\n", i, length,
			    (unsigned)status);
			CHECK(!"refused");
		}
	}
}

static void check_bad(unsigned bytes)
{
	use_length(bytes);
	must_be_refused(bad_frames, sizeof(bad_frames) / sizeof(bad_frames[0]));
	trap_and_change(NULL);
	if (544 + SVE_SIG_CONTEXT_SIZE(length / SVE_UNIT) > 4096 - 48) {
		must_be_refused(bad_extras, sizeof(bad_extras) / sizeof(bad_extras[0]));
	}
}

/* In a system call there are only zeros left to save: the record says so in one form or the other. */
static void look_in_call(int signal, siginfo_t *info, void *context)
{
	struct records records;

	(void)signal;
	(void)info;
	find(context, &records);
	CHECK(records.sve && sve_head(&records)->vl == length);
	CHECK(records.size == 16 ||
	      records.size == (SVE_SIG_CONTEXT_SIZE(length / SVE_UNIT) + 15) / 16 * 16);
	sve_through_call(&spoiler, &seen, SYS_getppid, 0, 0, 0);
	handled = 1;
}

static void check_in_calls(void)
{
	struct sigaction action = {.sa_sigaction = look_in_call, .sa_flags = SA_SIGINFO};
	struct sve after;

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	for (int i = 0; i < lengths_count; i++) {
		use_length(lengths[i]);
		wanted = mine;
		sve_cut(&wanted, length);
		handled = 0;
		CHECK_EQ(sve_through_call(&mine, &after, SYS_kill, getpid(), SIGUSR1, 0),
			 0);
		CHECK(handled && sve_same(&wanted, &after, length));
	}
	ok("in_calls");
}

static void use_alternate_stack(void)
{
	stack_t stack = {.ss_size = 1 << 17};

	stack.ss_sp = mmap(NULL, stack.ss_size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(stack.ss_sp != MAP_FAILED);
	CHECK_EQ(sigaltstack(&stack, NULL), 0);
	alternate_top = (unsigned char *)stack.ss_sp + stack.ss_size;
}

int main(void)
{
	struct sigaction action = {.sa_sigaction = handle,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK};

	if (!have_sve()) {
		skip("a CPU without SVE");
	}
	lengths_count = sve_lengths(lengths);
	use_alternate_stack();
	CHECK_EQ(sigaction(SIGILL, &action, NULL), 0);
	for (int i = 0; i < lengths_count; i++) {
		use_length(lengths[i]);
		check_kept();
		check_changed();
		check_dropped();
	}
	ok("frames");
	for (int i = 0; i < lengths_count; i++) {
		if (i % 5 == 0 || i == lengths_count - 1) {
			check_bad(lengths[i]);
		}
	}
	ok("bad_frames");
	check_in_calls();
	return 0;
}
