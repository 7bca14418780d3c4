// SPDX-License-Identifier: MIT
/*
 * Restartable sequences (F3): keeping struct rseq true, and aborting sections.
 *
 * The structure holds while its thread runs in user mode: the CPU and the concurrency number change only when it is switched in.
 * So the switch sets RETURN_RSEQ (sched/concurrency.c), and a return without it costs nothing.
 *
 *   Q1  The bit is cleared before the numbers are read: a switch in between sets it again, and entry_user_return() comes back. Where
 *	 all is as it should be (rseq_holds()), interrupts are off: there is no switch, and a barrier's bit that is cleared with ours
 *	 is acquired. No section was going on, and the next one comes behind the barrier.
 *   Q2  A thread that was switched out, or takes a signal, or that membarrier(2) asks, does not go on inside of a section.
 *   Q3  The section is left before the handler's frame is made: the frame has the abort address, and the handler begins
 *	 with rseq_cs cleared.
 *
 * What stands in the program's memory is its own word: everything is checked each time, and what breaks the rules is SIGSEGV. The
 * signature in front of the abort address keeps whoever can write to rseq_cs from choosing an address to go to.
 */
#include "process/rseq.h"

#include "arch/cpu.h"
#include "arch/trap.h"
#include "core/preempt.h"
#include "mm/usercopy.h"
#include "process/current.h"
#include "process/process.h"
#include "vm/vm_space.h"
#include <linux/rseq.h>

#define RSEQ_FIRST_SIZE 32 /* of the first version, with its padding */

STATIC_ASSERT(offsetof(struct rseq, end) == RSEQ_FEATURE_SIZE);
STATIC_ASSERT(_Alignof(struct rseq) == RSEQ_ALIGN);
STATIC_ASSERT(offsetof(struct rseq, mm_cid) ==
	      offsetof(struct rseq, node_id) + sizeof(u32));

static void set_registration(struct thread *thread, vaddr_t area, u32 length,
			     u32 signature)
{
	thread->rseq = area;
	thread->rseq_length = length;
	thread->rseq_signature = signature;
}

void rseq_forget(void)
{
	struct thread *thread = current_thread();

	if (thread->rseq) {
		sched_join_concurrency(NULL, 0);
		set_registration(thread, 0, 0, 0);
	}
}

void rseq_inherit(struct thread *child, const struct thread *parent)
{
	if (parent->rseq) {
		set_registration(child, parent->rseq, parent->rseq_length,
				 parent->rseq_signature);
		sched_prepare_concurrency(&child->sched, &child->process->vm->concurrency,
					  RETURN_RSEQ);
	}
}

static int check_registered(const struct thread *thread, vaddr_t area, u32 length,
			    u32 signature)
{
	if (!thread->rseq || thread->rseq != area || thread->rseq_length != length) {
		return -EINVAL;
	}
	return thread->rseq_signature == signature ? 0 : -EPERM;
}

/* What the fields are while nobody keeps them. */
static long unregister(struct thread *thread)
{
	const u32 processor[2] = {0, (u32)RSEQ_CPU_ID_UNINITIALIZED};
	const u32 place[2] = {0, 0};

	if (user_write(thread->rseq + offsetof(struct rseq, cpu_id_start), processor,
		       sizeof(processor)) ||
	    user_write(thread->rseq + offsetof(struct rseq, node_id), place,
		       sizeof(place))) {
		return -EFAULT;
	}
	rseq_forget();
	return 0;
}

static bool area_is_valid(vaddr_t area, u32 length)
{
	return area % RSEQ_ALIGN == 0 && length >= RSEQ_FIRST_SIZE;
}

long rseq_register(vaddr_t area, u32 length, u32 flags, u32 signature)
{
	struct thread *thread = current_thread();
	const u64 no_section = 0;
	int err = check_registered(thread, area, length, signature);

	if (flags & ~(u32)RSEQ_FLAG_UNREGISTER) {
		return -EINVAL;
	}
	if (flags) {
		return err ? err : unregister(thread);
	}
	if (thread->rseq) {
		return err ? err : -EBUSY;
	}
	if (!area_is_valid(area, length)) {
		return -EINVAL;
	}
	if (area >= USER_END || length > USER_END - area ||
	    user_write(area + offsetof(struct rseq, rseq_cs), &no_section,
		       sizeof(no_section))) {
		return -EFAULT;
	}
	set_registration(thread, area, length, signature);
	sched_join_concurrency(&thread->process->vm->concurrency, RETURN_RSEQ);
	return 0;
}

static bool section_is_valid(const struct rseq_cs *section)
{
	u64 end = section->start_ip + section->post_commit_offset;

	return section->version == 0 && section->start_ip < USER_END && end < USER_END &&
	       end >= section->start_ip && section->abort_ip < USER_END &&
	       section->abort_ip - section->start_ip >= section->post_commit_offset;
}

/* The section at `address`, with its signature. -EFAULT, -EINVAL. */
static int read_section(const struct thread *thread, vaddr_t address,
			struct rseq_cs *section)
{
	u32 signature;

	if (address >= USER_END) {
		return -EINVAL;
	}
	if (user_read(section, address, sizeof(*section))) {
		return -EFAULT;
	}
	if (!section_is_valid(section)) {
		return -EINVAL;
	}
	if (user_read(&signature, section->abort_ip - sizeof(signature),
		      sizeof(signature))) {
		return -EFAULT;
	}
	return signature == thread->rseq_signature ? 0 : -EINVAL;
}

/* The thread was interrupted, with this in its structure. */
static noinline_ int leave_named_section(const struct thread *thread,
					 const struct rseq *area,
					 struct trap_frame *frame)
{
	const u64 none = 0;
	struct rseq_cs section;
	bool inside;
	int err;

	err = read_section(thread, area->rseq_cs, &section);
	if (err) {
		return err;
	}
	inside = trap_ip(frame) - section.start_ip < section.post_commit_offset;
	if (inside && (section.flags || area->flags)) {
		return -EINVAL; // there were flags once that asked to go on
	}
	if (user_write(thread->rseq + offsetof(struct rseq, rseq_cs), &none,
		       sizeof(none))) {
		return -EFAULT;
	}
	if (inside) {
		trap_set_ip(frame, section.abort_ip);
	}
	return 0;
}

/* On a CPU, with a concurrency number and one memory node: the fields' pairs. */
struct numbers {
	u32 processor[2], place[2];
};

static struct numbers numbers_now(void)
{
	const u32 cpu = arch_cpu_number();

	return (struct numbers){{cpu, cpu}, {0, sched_concurrency_number()}};
}

static bool processor_holds(const struct numbers *now, const struct rseq *area)
{
	return area->cpu_id_start == now->processor[0] &&
	       area->cpu_id == now->processor[1];
}

static bool place_holds(const struct numbers *now, const struct rseq *area)
{
	return area->node_id == now->place[0] && area->mm_cid == now->place[1];
}

/* Only what is not true is written: most pages of a forked process stay shared. Nobody but the thread may look, and it is here. */
static int write_numbers(const struct thread *thread, const struct rseq *area)
{
	const struct numbers now = numbers_now();

	if (!processor_holds(&now, area) &&
	    user_write(thread->rseq + offsetof(struct rseq, cpu_id_start), now.processor,
		       sizeof(now.processor))) {
		return -EFAULT;
	}
	if (!place_holds(&now, area) &&
	    user_write(thread->rseq + offsetof(struct rseq, node_id), now.place,
		       sizeof(now.place))) {
		return -EFAULT;
	}
	return 0;
}

static int leave_section(const struct thread *thread, const struct rseq *area,
			 struct trap_frame *frame)
{
	return likely(!area->rseq_cs) ? 0 : leave_named_section(thread, area, frame);
}

static int read_area(const struct thread *thread, struct rseq *area)
{
	return user_read(area, thread->rseq, RSEQ_FEATURE_SIZE);
}

bool rseq_holds(const struct thread *thread)
{
	struct rseq area uninitialized_;
	struct numbers now;
	int err;

	preempt_disable(); // nobody waits here for a page
	err = thread->rseq ? read_area(thread, &area) : -EFAULT;
	preempt_enable_no_reschedule();
	if (err || area.rseq_cs) {
		return false;
	}
	now = numbers_now();
	return processor_holds(&now, &area) && place_holds(&now, &area);
}

int rseq_return(struct trap_frame *frame)
{
	const struct thread *thread = current_thread();
	struct rseq area;
	int err;

	if (!thread->rseq) {
		return 0; // ended since the bit was set
	}
	err = read_area(thread, &area);
	if (!err) {
		err = leave_section(thread, &area, frame);
	}
	return err ? err : write_numbers(thread, &area);
}

int rseq_signal(struct trap_frame *frame)
{
	const struct thread *thread = current_thread();
	struct rseq area;
	int err;

	if (likely(!thread->rseq)) {
		return 0;
	}
	err = read_area(thread, &area);
	return err ? err : leave_section(thread, &area, frame);
}
