// SPDX-License-Identifier: MIT
/*
 * sched(7): policies, priorities, affinity; getcpu(2).
 */
#include "syscall/syscall.h"

#include "arch/cpu.h"
#include "core/percpu.h"
#include "cred/user_account.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "process/pid.h"
#include "process/process.h"
#include "time/clock.h"
#include <linux/capability.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/types.h>

enum { NICE_LOWEST = -20, NICE_HIGHEST = 19, AFFINITY_BYTES = MAX_CPUS / 8 };

/* A thread by number (0: the caller) with a reference. */
static int find_thread(pid_nr number, struct thread **out)
{
	if (number < 0) {
		return -EINVAL;
	}
	if (number == 0) {
		*out = current_thread();
		thread_get(*out);
		return 0;
	}
	*out = thread_find(number);
	return *out ? 0 : -ESRCH;
}

/* May the caller change `thread`'s scheduling? Same user and no less power, or CAP_SYS_NICE. */
static bool may_change(struct thread *thread)
{
	const struct credentials *own = current_credentials();
	struct credentials *other = thread_get_credentials(thread);
	bool allowed = (own->euid == other->euid || own->euid == other->uid ||
			current_capable(CAP_SYS_NICE)) &&
		       credentials_may_schedule(own, other);

	credentials_put(other);
	return allowed;
}

long sys_sched_yield(const struct syscall_arguments *a)
{
	sched_yield_current();
	return 0;
}

long sys_sched_setaffinity(const struct syscall_arguments *a)
{
	struct cpumask mask = {0};
	struct thread *thread;
	int error;

	if (user_read(&mask, a->arg[2], MIN(a->arg[1], (u64)AFFINITY_BYTES))) {
		return -EFAULT;
	}
	error = find_thread((pid_nr)a->arg[0], &thread);
	if (error) {
		return error == -EINVAL ? -ESRCH : error;
	}
	error = may_change(thread) ? sched_set_affinity(&thread->sched, &mask) : -EPERM;
	thread_put(thread);
	return error;
}

long sys_sched_getaffinity(const struct syscall_arguments *a)
{
	struct cpumask mask, present;
	u64 size = (u32)a->arg[1];
	struct thread *thread;
	int error;

	if (size * 8 < cpu_count() || size % sizeof(u64)) {
		return -EINVAL;
	}
	error = find_thread((pid_nr)a->arg[0], &thread);
	if (error) {
		return error == -EINVAL ? -ESRCH : error;
	}
	sched_get_affinity(&thread->sched, &mask);
	thread_put(thread);
	cpumask_fill(&present, cpu_count());
	for (size_t i = 0; i < ARRAY_SIZE(mask.bits); i++) {
		mask.bits[i] &= present.bits[i];
	}
	size = MIN(size, (u64)AFFINITY_BYTES);
	return user_write(a->arg[2], &mask, size) ? -EFAULT : (long)size;
}

static bool is_realtime(unsigned policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static int check_policy(unsigned policy, int priority)
{
	if (is_realtime(policy)) {
		return priority >= 1 && priority <= 99 ? 0 : -EINVAL;
	}
	if (policy != SCHED_NORMAL && policy != SCHED_BATCH && policy != SCHED_IDLE) {
		return -EINVAL;
	}
	return priority == 0 ? 0 : -EINVAL;
}

static bool may_be_nice(struct thread *thread, int nice)
{
	return (u64)(20 - nice) <= process_limit(thread->process, RLIMIT_NICE);
}

/*
 * RLIMIT_RTPRIO and RLIMIT_NICE for those without CAP_SYS_NICE. To become real-time, or another kind of it, there must be a
 * limit at all; to leave SCHED_IDLE is as going from nice 20 to one's own value.
 */
static bool within_limits(struct thread *thread, unsigned policy, int priority, int nice)
{
	const struct sched_entity *now = &thread->sched;
	u64 limit = process_limit(thread->process, RLIMIT_RTPRIO);

	if (current_capable(CAP_SYS_NICE)) {
		return true;
	}
	if (is_realtime(policy) && policy != now->own.policy && limit == 0) {
		return false;
	}
	if (is_realtime(policy) && priority > now->own.realtime_priority &&
	    (u64)priority > limit) {
		return false;
	}
	if (now->own.policy == SCHED_IDLE && policy != SCHED_IDLE &&
	    !may_be_nice(thread, now->own.nice)) {
		return false;
	}
	return nice >= now->own.nice || is_realtime(policy) || may_be_nice(thread, nice);
}

/* None while it is real-time, and the default after that. */
static void settle_timer_slack(struct thread *thread)
{
	if (thread->sched.own.realtime_priority) {
		WRITE_ONCE(thread->timer_slack_ns, 0);
	} else if (!READ_ONCE(thread->timer_slack_ns)) {
		WRITE_ONCE(thread->timer_slack_ns, thread->default_timer_slack_ns);
	}
}

static int set_policy(struct thread *thread, unsigned policy, int priority, int nice,
		      bool reset)
{
	int error = check_policy(policy, priority);

	if (error) {
		return error;
	}
	if (!may_change(thread) || !within_limits(thread, policy, priority, nice)) {
		return -EPERM;
	}
	if (thread->sched.reset_on_fork && !reset && !current_capable(CAP_SYS_NICE)) {
		return -EPERM;
	}
	error = sched_set_policy(&thread->sched, policy, (unsigned)priority, nice, reset);
	if (!error) {
		settle_timer_slack(thread);
	}
	return error;
}

static long set_scheduler(pid_nr number, s64 wanted, vaddr_t parameter)
{
	struct thread *thread;
	unsigned policy;
	int priority, error;
	bool reset;

	if (!parameter || number < 0) {
		return -EINVAL;
	}
	if (user_read(&priority, parameter, sizeof(priority))) {
		return -EFAULT;
	}
	error = find_thread(number, &thread);
	if (error) {
		return error;
	}
	reset = wanted < 0 ? thread->sched.reset_on_fork
			   : (wanted & SCHED_RESET_ON_FORK) != 0;
	policy = wanted < 0 ? thread->sched.own.policy
			    : (unsigned)wanted & ~(unsigned)SCHED_RESET_ON_FORK;
	error = set_policy(thread, policy, priority, thread->sched.own.nice, reset);
	thread_put(thread);
	return error;
}

long sys_sched_setscheduler(const struct syscall_arguments *a)
{
	return (int)a->arg[1] < 0
		       ? -EINVAL
		       : set_scheduler((pid_nr)a->arg[0], (int)a->arg[1], a->arg[2]);
}

long sys_sched_setparam(const struct syscall_arguments *a)
{
	return set_scheduler((pid_nr)a->arg[0], -1, a->arg[1]);
}

long sys_sched_getscheduler(const struct syscall_arguments *a)
{
	struct thread *thread;
	int error = find_thread((pid_nr)a->arg[0], &thread);
	long result;

	if (error) {
		return error;
	}
	result = thread->sched.own.policy |
		 (thread->sched.reset_on_fork ? SCHED_RESET_ON_FORK : 0);
	thread_put(thread);
	return result;
}

long sys_sched_getparam(const struct syscall_arguments *a)
{
	struct thread *thread;
	int priority, error;

	if (!a->arg[1]) {
		return -EINVAL;
	}
	error = find_thread((pid_nr)a->arg[0], &thread);
	if (error) {
		return error;
	}
	priority = thread->sched.own.realtime_priority;
	thread_put(thread);
	return user_write(a->arg[1], &priority, sizeof(priority));
}

static long priority_bound(int policy, long realtime)
{
	switch (policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		return realtime;
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE:
	case SCHED_DEADLINE:
		return 0;
	}
	return -EINVAL;
}

long sys_sched_get_priority_max(const struct syscall_arguments *a)
{
	return priority_bound((int)a->arg[0], 99);
}

long sys_sched_get_priority_min(const struct syscall_arguments *a)
{
	return priority_bound((int)a->arg[0], 1);
}

long sys_sched_rr_get_interval(const struct syscall_arguments *a)
{
	struct __kernel_timespec ts;
	struct thread *thread;
	int error = find_thread((pid_nr)a->arg[0], &thread);

	if (error) {
		return error;
	}
	ts = nsec_to_timespec(thread->sched.own.policy == SCHED_FIFO
				      ? 0
				      : (nsec_t)thread->sched.slice_ns);
	thread_put(thread);
	return user_write(a->arg[1], &ts, sizeof(ts));
}

/* A structure that may grow: what we do not know must be zero, or E2BIG tells the size we know. */
static int read_attributes(struct sched_attr *attributes, vaddr_t from)
{
	u32 size, known = sizeof(*attributes);
	int error = user_read(&size, from, sizeof(size));

	if (error) {
		return error;
	}
	if (size == 0) {
		size = SCHED_ATTR_SIZE_VER0;
	}
	if (size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE) {
		return user_write(from, &known, sizeof(known)) ? -EFAULT : -E2BIG;
	}
	for (u32 at = known; at < size; at++) {
		u8 byte;

		if (user_read(&byte, from + at, 1)) {
			return -EFAULT;
		}
		if (byte) {
			return user_write(from, &known, sizeof(known)) ? -EFAULT : -E2BIG;
		}
	}
	memset(attributes, 0, sizeof(*attributes));
	return user_read(attributes, from, MIN(size, known));
}

long sys_sched_setattr(const struct syscall_arguments *a)
{
	struct sched_attr attributes;
	struct thread *thread;
	int error;

	if (!a->arg[1] || (pid_nr)a->arg[0] < 0 || a->arg[2]) {
		return -EINVAL;
	}
	error = read_attributes(&attributes, a->arg[1]);
	if (error) {
		return error;
	}
	if (attributes.sched_flags &
	    ~(u64)(SCHED_FLAG_RESET_ON_FORK | SCHED_FLAG_KEEP_POLICY |
		   SCHED_FLAG_KEEP_PARAMS)) {
		return -EINVAL;
	}
	error = find_thread((pid_nr)a->arg[0], &thread);
	if (error) {
		return error;
	}
	if (attributes.sched_flags & SCHED_FLAG_KEEP_POLICY) {
		attributes.sched_policy = thread->sched.own.policy;
	}
	if (attributes.sched_flags & SCHED_FLAG_KEEP_PARAMS) {
		attributes.sched_nice = thread->sched.own.nice;
		attributes.sched_priority = thread->sched.own.realtime_priority;
	}
	error = set_policy(thread, attributes.sched_policy,
			   (int)attributes.sched_priority,
			   MAX(MIN(attributes.sched_nice, NICE_HIGHEST), NICE_LOWEST),
			   attributes.sched_flags & SCHED_FLAG_RESET_ON_FORK);
	thread_put(thread);
	return error;
}

long sys_sched_getattr(const struct syscall_arguments *a)
{
	struct sched_attr attributes = {0};
	u32 size = (u32)a->arg[2];
	struct thread *thread;
	int error;

	if (!a->arg[1] || size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE || a->arg[3]) {
		return -EINVAL;
	}
	error = find_thread((pid_nr)a->arg[0], &thread);
	if (error) {
		return error;
	}
	attributes.size = MIN(size, (u32)sizeof(attributes));
	attributes.sched_policy = thread->sched.own.policy;
	attributes.sched_flags =
		thread->sched.reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
	if (is_realtime(thread->sched.own.policy)) {
		attributes.sched_priority = thread->sched.own.realtime_priority;
	} else {
		attributes.sched_nice = thread->sched.own.nice;
	}
	thread_put(thread);
	return user_write(a->arg[1], &attributes, attributes.size);
}

long sys_getcpu(const struct syscall_arguments *a)
{
	u32 cpu = arch_cpu_number(), node = 0;

	if ((a->arg[0] && user_write(a->arg[0], &cpu, sizeof(cpu))) ||
	    (a->arg[1] && user_write(a->arg[1], &node, sizeof(node)))) {
		return -EFAULT;
	}
	return 0;
}
