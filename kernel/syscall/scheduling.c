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

/* What a thread is to be. */
struct wanted {
	unsigned policy;
	int priority, nice;
	bool reset;
	struct sched_deadline deadline; /* of SCHED_DEADLINE */
};

static bool is_known(unsigned policy)
{
	return is_realtime(policy) || policy == SCHED_NORMAL || policy == SCHED_BATCH ||
	       policy == SCHED_IDLE || policy == SCHED_DEADLINE;
}

static int check_policy(const struct wanted *wanted)
{
	bool good = is_realtime(wanted->policy)
			    ? wanted->priority >= 1 && wanted->priority <= 99
			    : wanted->priority == 0;

	if (!is_known(wanted->policy) || !good) {
		return -EINVAL;
	}
	return wanted->policy == SCHED_DEADLINE ? sched_check_deadline(&wanted->deadline)
						: 0;
}

static bool may_be_nice(struct thread *thread, int nice)
{
	return (u64)(20 - nice) <= process_limit(thread->process, RLIMIT_NICE);
}

/*
 * RLIMIT_RTPRIO and RLIMIT_NICE for those without CAP_SYS_NICE. To become real-time, or another kind of it, there must be a
 * limit at all; to leave SCHED_IDLE is as going from nice 20 to one's own value; SCHED_DEADLINE is not for them.
 */
static bool within_limits(struct thread *thread, const struct wanted *wanted)
{
	const struct sched_entity *now = &thread->sched;
	u64 limit = process_limit(thread->process, RLIMIT_RTPRIO);
	unsigned policy = wanted->policy;

	if (current_capable(CAP_SYS_NICE)) {
		return true;
	}
	if (policy == SCHED_DEADLINE) {
		return false;
	}
	if (is_realtime(policy) && policy != now->own.policy && limit == 0) {
		return false;
	}
	if (is_realtime(policy) && wanted->priority > now->own.realtime_priority &&
	    (u64)wanted->priority > limit) {
		return false;
	}
	if (now->own.policy == SCHED_IDLE && policy != SCHED_IDLE &&
	    !may_be_nice(thread, now->own.nice)) {
		return false;
	}
	return wanted->nice >= now->own.nice || is_realtime(policy) ||
	       may_be_nice(thread, wanted->nice);
}

static int set_policy(struct thread *thread, const struct wanted *wanted)
{
	int error = check_policy(wanted);

	if (error) {
		return error;
	}
	if (!may_change(thread) || !within_limits(thread, wanted)) {
		return -EPERM;
	}
	if (thread->sched.reset_on_fork && !wanted->reset &&
	    !current_capable(CAP_SYS_NICE)) {
		return -EPERM;
	}
	if (wanted->policy == SCHED_DEADLINE) {
		error = sched_set_deadline(&thread->sched, &wanted->deadline,
					   wanted->nice, wanted->reset);
	} else {
		error = sched_set_policy(&thread->sched, wanted->policy,
					 (unsigned)wanted->priority, wanted->nice,
					 wanted->reset);
	}
	if (!error) {
		thread_settle_timer_slack(thread);
	}
	return error;
}

/* policy < 0: as it is. There is no way to say what SCHED_DEADLINE needs. */
static long set_scheduler(pid_nr number, s64 policy, vaddr_t parameter)
{
	struct wanted wanted = {0};
	struct thread *thread;
	int error;

	if (!parameter || number < 0) {
		return -EINVAL;
	}
	if (user_read(&wanted.priority, parameter, sizeof(wanted.priority))) {
		return -EFAULT;
	}
	error = find_thread(number, &thread);
	if (error) {
		return error;
	}
	wanted.reset = policy < 0 ? thread->sched.reset_on_fork
				  : (policy & SCHED_RESET_ON_FORK) != 0;
	wanted.policy = policy < 0 ? thread->sched.own.policy
				   : (unsigned)policy & ~(unsigned)SCHED_RESET_ON_FORK;
	wanted.nice = thread->sched.own.nice;
	error = set_policy(thread, &wanted);
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
	ts = nsec_to_timespec(sched_slice(thread->sched.own.policy));
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

/* There are no clamps, which Linux without them says so. */
static int check_attributes(const struct sched_attr *attributes)
{
	u64 known = SCHED_FLAG_RESET_ON_FORK | SCHED_FLAG_KEEP_ALL |
		    SCHED_FLAG_DL_OVERRUN | SCHED_FLAG_RECLAIM | SCHED_FLAG_UTIL_CLAMP;
	u64 flags = attributes->sched_flags;

	if ((s32)attributes->sched_policy < 0 || flags & ~known) {
		return -EINVAL;
	}
	return flags & SCHED_FLAG_UTIL_CLAMP ? -EOPNOTSUPP : 0;
}

/* What is kept is read while the thread may be changed: then it is as before that or as after it. */
static void fill_wanted(struct wanted *wanted, const struct sched_attr *attributes,
			struct thread *thread)
{
	struct sched_standing now = thread->sched.own;
	u64 flags = attributes->sched_flags;

	*wanted = (struct wanted){
		.policy = attributes->sched_policy,
		.priority = (int)attributes->sched_priority,
		.nice = MAX(MIN(attributes->sched_nice, NICE_HIGHEST), NICE_LOWEST),
		.reset = flags & SCHED_FLAG_RESET_ON_FORK,
		.deadline = {attributes->sched_runtime, attributes->sched_deadline,
			     attributes->sched_period, flags & SCHED_FLAG_DL_OVERRUN,
			     flags & SCHED_FLAG_RECLAIM},
	};
	if (flags & SCHED_FLAG_KEEP_POLICY) {
		wanted->policy = now.policy;
		wanted->reset = thread->sched.reset_on_fork;
	}
	if (flags & SCHED_FLAG_KEEP_PARAMS) {
		wanted->nice = now.nice;
		wanted->priority = now.realtime_priority;
		sched_get_deadline(&thread->sched, &wanted->deadline);
	} else if (wanted->policy != SCHED_NORMAL && wanted->policy != SCHED_BATCH) {
		wanted->nice = now.nice; // it does not say
	}
}

long sys_sched_setattr(const struct syscall_arguments *a)
{
	struct sched_attr attributes;
	struct wanted wanted;
	struct thread *thread;
	int error;

	if (!a->arg[1] || (pid_nr)a->arg[0] < 0 || a->arg[2]) {
		return -EINVAL;
	}
	error = read_attributes(&attributes, a->arg[1]);
	if (error) {
		return error;
	}
	error = check_attributes(&attributes);
	if (error) {
		return error;
	}
	error = find_thread((pid_nr)a->arg[0], &thread);
	if (error) {
		return error;
	}
	fill_wanted(&wanted, &attributes, thread);
	error = set_policy(thread, &wanted);
	thread_put(thread);
	return error;
}

static void tell_deadline(struct sched_attr *attributes, struct thread *thread)
{
	struct sched_deadline asked;

	sched_get_deadline(&thread->sched, &asked);
	attributes->sched_runtime = asked.runtime_ns;
	attributes->sched_deadline = asked.deadline_ns;
	attributes->sched_period = asked.period_ns;
	attributes->sched_flags |= asked.tell_overrun ? SCHED_FLAG_DL_OVERRUN : 0;
	attributes->sched_flags |= asked.reclaim ? SCHED_FLAG_RECLAIM : 0;
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
	} else if (thread->sched.own.policy == SCHED_DEADLINE) {
		tell_deadline(&attributes, thread);
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
