// SPDX-License-Identifier: MIT
/*
 * The records of a signal frame, in Linux's layout (asm/sigcontext.h), each with a magic number and its length:
 *
 *	FPSIMD · ESR, if an exception was the cause · SVE, if the CPU has it · an end
 *
 * SVE's has the length of vectors, and the registers when its state is live. If it is longer than the 4 KiB that there are
 * for records, EXTRA and an end stand in its place, and it follows with an end of its own.
 */
#include "arch/aarch64/port.h"
#include "arch/irq.h"
#include "arch/thread.h"
#include "lib/errno.h"
#include "lib/string.h"
#include <asm/sigcontext.h>

enum {
	RECORDS_SIZE = sizeof(((struct sigcontext *)0)->__reserved),
	EXTRA_LONGEST = 65536,
	END_SIZE = 16
};
STATIC_ASSERT(sizeof(struct fpsimd_context) == 528);
STATIC_ASSERT(sizeof(struct sve_context) == 16 && sizeof(struct extra_context) == 32);
STATIC_ASSERT(sizeof(((struct fpu_area *)0)->vectors) ==
	      sizeof(((struct fpsimd_context *)0)->vregs));

/* Places, from the first record on. */
struct plan {
	u32 cause, extra; /* 0: none */
	u32 sve, sve_size;
	u32 end, size;
};

static const struct _aarch64_ctx end_mark[2];

/* `length`: of vectors that are saved, or 0. */
static struct plan make_plan(bool cause, u32 length)
{
	struct plan plan = {0};
	u32 at = sizeof(struct fpsimd_context);

	if (cause) {
		plan.cause = at;
		at += sizeof(struct esr_context);
	}
	if (sve_longest() != 0) {
		plan.sve_size = ALIGN_UP(SVE_SIG_CONTEXT_SIZE(length / 16), 16U);
		if (at + plan.sve_size + sizeof(struct extra_context) + END_SIZE >
		    RECORDS_SIZE) {
			plan.extra = at;
			at += sizeof(struct extra_context) + END_SIZE;
		}
		plan.sve = at;
		at += plan.sve_size;
	}
	plan.end = at;
	plan.size = MAX(at + END_SIZE, (u32)RECORDS_SIZE);
	return plan;
}

size_t signal_records_longest(void)
{
	return make_plan(true, sve_longest()).size;
}

size_t signal_records_save(struct arch_thread *thread)
{
	u64 flags = arch_irq_save();

	fpu_save(thread->fpu);
	thread->sve_saved = 0;
	if (thread->sve_live) {
		sve_save(thread);
		thread->sve_saved = thread->sve_length;
	}
	arch_irq_restore(flags);
	return make_plan(thread->trap_syndrome != 0, thread->sve_saved).size;
}

static int write_fpu(const struct fpu_area *area, vaddr_t to)
{
	struct {
		struct _aarch64_ctx head;
		u32 status, control;
	} begin = {{FPSIMD_MAGIC, sizeof(struct fpsimd_context)},
		   area->status,
		   area->control};
	int error = signal_give(to, &begin, sizeof(begin));

	return error != 0 ? error
			  : signal_give(to + sizeof(begin), area->vectors,
					sizeof(area->vectors));
}

static int write_sve(const struct arch_thread *thread, const struct plan *plan,
		     vaddr_t records)
{
	struct sve_context head = {
		{SVE_MAGIC, plan->sve_size}, thread->sve_length, 0, {0}};
	vaddr_t to = records + plan->sve;
	int error = signal_give(to, &head, sizeof(head));

	if (error == 0 && thread->sve_saved != 0) {
		error = signal_give(to + SVE_SIG_REGS_OFFSET, sve_state(thread->fpu),
				    sve_state_size(thread->sve_saved));
	}
	return error;
}

static int write_extra(const struct plan *plan, vaddr_t records)
{
	struct {
		struct extra_context record;
		struct _aarch64_ctx end[2];
	} extra = {.record = {.head = {EXTRA_MAGIC, sizeof(extra.record)},
			      .datap = records + plan->sve,
			      .size = plan->size - plan->sve}};

	return signal_give(records + plan->extra, &extra, sizeof(extra));
}

int signal_records_write(const struct arch_thread *thread, vaddr_t records)
{
	struct esr_context cause = {{ESR_MAGIC, sizeof(cause)}, thread->trap_syndrome};
	struct plan plan = make_plan(thread->trap_syndrome != 0, thread->sve_saved);
	int error = write_fpu(thread->fpu, records);

	if (error == 0 && plan.cause != 0) {
		error = signal_give(records + plan.cause, &cause, sizeof(cause));
	}
	if (error == 0 && plan.extra != 0) {
		error = write_extra(&plan, records);
	}
	if (error == 0 && plan.sve_size != 0) {
		error = write_sve(thread, &plan, records);
	}
	return error != 0 ? error
			  : signal_give(records + plan.end, end_mark, sizeof(end_mark));
}

/* Where one is in the records. */
struct walk {
	vaddr_t base;
	u64 at, limit;
	bool in_extra;
};

/* Go on in the extra space: right behind the end that follows its record. */
static int enter_extra(struct walk *walk, u32 size)
{
	struct extra_context extra;
	struct _aarch64_ctx end;
	vaddr_t record = walk->base + walk->at, behind = record + size;
	int error;

	if (walk->in_extra || size < sizeof(extra) ||
	    walk->limit - walk->at - size < END_SIZE) {
		return -EINVAL;
	}
	error = signal_take(&extra, record, sizeof(extra));
	if (error == 0) {
		error = signal_take(&end, behind, sizeof(end));
	}
	if (error != 0) {
		return error;
	}
	if (end.magic != 0 || end.size != 0 || extra.datap != behind + END_SIZE ||
	    extra.size % 16 != 0 || extra.size > EXTRA_LONGEST) {
		return -EINVAL;
	}
	*walk = (struct walk){extra.datap, 0, extra.size, true};
	return 0;
}

static int note_record(struct walk *walk, const struct _aarch64_ctx *head,
		       struct signal_records *found)
{
	vaddr_t here = walk->base + walk->at;

	switch (head->magic) {
	case FPSIMD_MAGIC:
		if (found->fpu != 0 || head->size != sizeof(struct fpsimd_context)) {
			return -EINVAL;
		}
		found->fpu = here;
		break;
	case SVE_MAGIC:
		if (found->sve != 0 || sve_longest() == 0 ||
		    head->size < sizeof(struct sve_context)) {
			return -EINVAL;
		}
		found->sve = here;
		found->sve_size = head->size;
		break;
	case EXTRA_MAGIC:
		return enter_extra(walk, head->size);
	case ESR_MAGIC:
		break;
	default:
		return -EINVAL;
	}
	walk->at += head->size;
	return 0;
}

/* Is what the record says of SVE the thread's own length? Then, are there registers? */
static int check_sve(const struct arch_thread *thread, struct signal_records *found)
{
	struct sve_context head;
	int error;

	if (found->sve == 0) {
		return 0;
	}
	error = signal_take(&head, found->sve, sizeof(head));
	if (error != 0) {
		return error;
	}
	if (head.flags & SVE_SIG_FLAG_SM || head.vl != thread->sve_length) {
		return -EINVAL;
	}
	if (found->sve_size == sizeof(head)) {
		found->sve = 0;
	} else if (found->sve_size < SVE_SIG_CONTEXT_SIZE(thread->sve_length / 16U)) {
		return -EINVAL;
	}
	return 0;
}

int signal_records_find(const struct arch_thread *thread, vaddr_t records,
			struct signal_records *found)
{
	struct walk walk = {records, 0, RECORDS_SIZE, false};
	struct _aarch64_ctx head;

	memset(found, 0, sizeof(*found));
	for (;;) {
		int error =
			walk.limit - walk.at < sizeof(head)
				? -EINVAL
				: signal_take(&head, walk.base + walk.at, sizeof(head));

		if (error == 0 && head.magic == 0) {
			return head.size == 0 && found->fpu != 0
				       ? check_sve(thread, found)
				       : -EINVAL;
		}
		if (error == 0 && (head.size < sizeof(head) || head.size % 16 != 0 ||
				   head.size > walk.limit - walk.at)) {
			error = -EINVAL;
		}
		if (error == 0) {
			error = note_record(&walk, &head, found);
		}
		if (error != 0) {
			return error;
		}
	}
}

/* The low 128 bits of each vector are those of the other record, as Linux has it. */
static void join_vectors(const struct arch_thread *thread)
{
	struct fpu_area *area = thread->fpu;

	for (u32 i = 0; i < 32; i++) {
		memcpy(sve_state(area) + (size_t)i * thread->sve_length,
		       &area->vectors[2 * i], 16);
	}
}

static int read_detached(struct arch_thread *thread, const struct signal_records *found)
{
	struct fpu_area *area = thread->fpu;
	u32 control[2];
	int error = signal_take(control, found->fpu + sizeof(struct _aarch64_ctx),
				sizeof(control));

	if (error == 0) {
		error = signal_take(area->vectors,
				    found->fpu + offsetof(struct fpsimd_context, vregs),
				    sizeof(area->vectors));
	}
	if (error == 0 && found->sve != 0) {
		error = signal_take(sve_state(area), found->sve + SVE_SIG_REGS_OFFSET,
				    sve_state_size(thread->sve_length));
	}
	if (error == 0) {
		area->status = control[0];
		area->control = control[1];
	}
	return error;
}

/* The area is marked while it is half written: a switch would save over it. */
static void detach(struct arch_thread *thread)
{
	u64 flags = arch_irq_save();

	sve_end(thread);
	thread->fpu_detached = 1;
	arch_irq_restore(flags);
}

int signal_records_read(struct arch_thread *thread, const struct signal_records *found)
{
	int error = found->sve != 0 ? sve_make_room(thread) : 0;
	u64 flags;

	if (error != 0) {
		return error;
	}
	detach(thread);
	error = read_detached(thread, found);
	flags = arch_irq_save();
	if (error != 0) {
		fpu_reset_area(thread->fpu);
	}
	fpu_restore(thread->fpu);
	if (error == 0 && found->sve != 0) {
		join_vectors(thread);
		sve_begin(thread);
		sve_load(thread);
	}
	thread->fpu_detached = 0;
	arch_irq_restore(flags);
	return error;
}
