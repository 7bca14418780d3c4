// SPDX-License-Identifier: MIT
/* getrusage and times. */
#include "syscall/usage.h"

#include "lib/string.h"
#include "mm/usercopy.h"
#include "syscall/syscall.h"
#include "time/clock.h"
#include <linux/resource.h>
#include <linux/times.h>

enum { CLOCK_TICK_NS = 10000000 };

static struct __kernel_old_timeval timeval_of(u64 ns)
{
	return (struct __kernel_old_timeval){.tv_sec = (long)(ns / NSEC_PER_SEC),
					     .tv_usec = (long)(ns % NSEC_PER_SEC / 1000)};
}

int usage_to_user(const struct process_usage *usage, vaddr_t to)
{
	struct rusage out;

	memset(&out, 0, sizeof(out));
	*(struct __kernel_old_timeval *)&out.ru_utime = timeval_of(usage->user_ns);
	*(struct __kernel_old_timeval *)&out.ru_stime = timeval_of(usage->system_ns);
	out.ru_maxrss = (long)(usage->peak_resident_pages * (PAGE_SIZE / 1024));
	out.ru_minflt = (long)usage->minor_faults;
	out.ru_majflt = (long)usage->major_faults;
	out.ru_nvcsw = (long)usage->switches_voluntary;
	out.ru_nivcsw = (long)usage->switches_involuntary;
	return user_write(to, &out, sizeof(out));
}

static void children_usage(struct process *process, struct process_usage *out)
{
	u64 flags = spin_lock_irq(&process_tree_lock);

	*out = process->waited_children;
	spin_unlock_irq(&process_tree_lock, flags);
}

/* Faults and memory are counted for the process only. */
static void thread_usage(struct thread *thread, struct process_usage *out)
{
	process_usage(thread->process, out);
	sched_cpu_time(&thread->sched, &out->user_ns, &out->system_ns);
	out->switches_voluntary = thread->sched.switches_voluntary;
	out->switches_involuntary = thread->sched.switches_involuntary;
}

long sys_getrusage(const struct syscall_arguments *a)
{
	struct process_usage usage = {0};

	switch ((int)a->arg[0]) {
	case RUSAGE_SELF:
		process_usage(current_process(), &usage);
		break;
	case RUSAGE_CHILDREN:
		children_usage(current_process(), &usage);
		break;
	case RUSAGE_THREAD:
		thread_usage(current_thread(), &usage);
		break;
	default:
		return -EINVAL;
	}
	return usage_to_user(&usage, a->arg[1]);
}

long sys_times(const struct syscall_arguments *a)
{
	struct process_usage own, children;
	struct tms out;
	int err = 0;

	process_usage(current_process(), &own);
	children_usage(current_process(), &children);
	if (a->arg[0]) {
		out.tms_utime = (long)(own.user_ns / CLOCK_TICK_NS);
		out.tms_stime = (long)(own.system_ns / CLOCK_TICK_NS);
		out.tms_cutime = (long)(children.user_ns / CLOCK_TICK_NS);
		out.tms_cstime = (long)(children.system_ns / CLOCK_TICK_NS);
		err = user_write(a->arg[0], &out, sizeof(out));
	}
	return err ? err : (long)(clock_monotonic() / CLOCK_TICK_NS);
}
