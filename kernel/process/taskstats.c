// SPDX-License-Identifier: MIT
/*
 * TASKSTATS: what threads and processes have used, for who asks.
 *
 * Filled is what the kernel counts. Not counted, and 0: delays but for the CPU's own times, what moved to and from disks, the integrals of
 * memory over time. Faults are counted by address space: the first thread has them.
 */
#include "process/taskstats.h"

#include "cred/credentials.h"
#include "fs/file.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "process/current.h"
#include "process/namespace/pid_namespace.h"
#include "process/pid.h"
#include "process/process.h"
#include "process/taskstats_internal.h"
#include "time/clock.h"
#include "vm/vm_space.h"
#include <linux/acct.h>

enum {
	KILOBYTE = 1024
}; /* bytes moved are rounded down to it, and calls too, as on Linux */

/* ---- filling ---- */

static u64 microseconds(u64 nanoseconds)
{
	return nanoseconds / NSEC_PER_USEC;
}

/* When its first thread began. */
static nsec_t first_start(struct process *process)
{
	u64 flags = spin_lock_irq(&process->signal_lock);
	nsec_t start =
		process->leader ? process->leader->start_time : process->start_time;

	spin_unlock_irq(&process->signal_lock, flags);
	return start;
}

static void fill_times(struct taskstats *to, struct thread *thread)
{
	nsec_t now = clock_monotonic(), age = now - thread->start_time;
	u64 user, system;

	sched_cpu_time(&thread->sched, &user, &system);
	to->ac_etime = microseconds((u64)age);
	to->ac_tgetime = microseconds((u64)(now - first_start(thread->process)));
	to->ac_btime64 = (u64)((clock_realtime() - age) / NSEC_PER_SEC);
	to->ac_btime = (u32)to->ac_btime64;
	to->ac_utime = to->ac_utimescaled = microseconds(user);
	to->ac_stime = to->ac_stimescaled = microseconds(system);
	to->cpu_run_real_total = to->cpu_run_virtual_total =
		to->cpu_scaled_run_real_total = user + system;
	to->nvcsw = thread->sched.switches_voluntary;
	to->nivcsw = thread->sched.switches_involuntary;
	to->cpu_count = to->nvcsw + to->nivcsw;
}

/* Only who may administer the machine asks: ids are the kernel's own. */
static void fill_identity(struct taskstats *to, struct thread *thread,
			  const struct pid_namespace *viewer)
{
	struct credentials *credentials = thread_get_credentials(thread);
	struct process *process = thread->process;
	u64 flags;

	to->ac_uid = credentials->uid;
	to->ac_gid = credentials->gid;
	credentials_put(credentials);
	thread_get_name(thread, to->ac_comm);
	to->ac_nice = (u8)thread->sched.own.nice;
	to->ac_sched = (u8)thread->sched.own.policy;
	to->ac_pid = (u32)pid_number_in(thread->pid, viewer);
	to->ac_tgid = (u32)pid_number_in(process->pid, viewer);
	flags = spin_lock_irq(&process_tree_lock);
	if (process->parent) {
		to->ac_ppid = (u32)pid_number_in(process->parent->pid, viewer);
	}
	spin_unlock_irq(&process_tree_lock, flags);
	if (process->leader == thread && process->exec_count == 0) {
		to->ac_flag |= AFORK;
	}
}

static void fill_program(struct taskstats *to, const struct inode *inode)
{
	const struct inode_attributes *attributes = &inode->attributes;

	to->ac_exe_inode = READ_ONCE(attributes->inode_number);
	to->ac_exe_dev = attributes->device_id ? attributes->device_id
					       : inode->super_block->device_id;
}

static void fill_memory(struct taskstats *to, struct thread *thread)
{
	struct process *process = thread->process;
	const u64 kilobytes = PAGE_SIZE / 1024;
	struct process_usage usage;

	process_usage(process, &usage);
	if (process->leader == thread) {
		to->ac_minflt = usage.minor_faults;
		to->ac_majflt = usage.major_faults;
	}
	to->hiwater_rss = usage.peak_resident_pages * kilobytes;
	spin_lock(&process->resource_lock);
	if (process->vm) {
		to->hiwater_vm = MAX(READ_ONCE(process->vm->peak_pages),
				     READ_ONCE(process->vm->total_pages)) *
				 kilobytes;
	}
	if (process->executable) {
		fill_program(to, process->executable->inode);
	}
	spin_unlock(&process->resource_lock);
}

void taskstats_fill(struct taskstats *to, struct thread *thread,
		    const struct pid_namespace *viewer)
{
	memset(to, 0, sizeof(*to));
	to->version = TASKSTATS_VERSION;
	fill_times(to, thread);
	fill_identity(to, thread, viewer);
	fill_memory(to, thread);
	to->read_char = ALIGN_DOWN(READ_ONCE(thread->io.read_bytes), KILOBYTE);
	to->write_char = ALIGN_DOWN(READ_ONCE(thread->io.written_bytes), KILOBYTE);
	to->read_syscalls = ALIGN_DOWN(READ_ONCE(thread->io.read_calls), KILOBYTE);
	to->write_syscalls = ALIGN_DOWN(READ_ONCE(thread->io.write_calls), KILOBYTE);
}

/* Sums only, as far as they are kept: the elapsed time is that of the threads there are. */
void taskstats_fill_process(struct taskstats *to, struct process *process)
{
	nsec_t now = clock_monotonic();
	struct process_usage usage;
	struct thread *thread;
	u64 flags;

	memset(to, 0, sizeof(*to));
	to->version = TASKSTATS_VERSION;
	process_usage(process, &usage);
	to->ac_utime = microseconds(usage.user_ns);
	to->ac_stime = microseconds(usage.system_ns);
	to->nvcsw = usage.switches_voluntary;
	to->nivcsw = usage.switches_involuntary;
	to->cpu_count = to->nvcsw + to->nivcsw;
	to->cpu_run_real_total = to->cpu_run_virtual_total =
		to->cpu_scaled_run_real_total = usage.user_ns + usage.system_ns;
	flags = spin_lock_irq(&process->signal_lock);
	for_each_thread(thread, process) {
		to->ac_etime += microseconds((u64)(now - thread->start_time));
	}
	spin_unlock_irq(&process->signal_lock, flags);
}

void taskstats_put(struct netlink_packet *packet, u16 type, u16 number_type, u32 number,
		   const struct taskstats *stats)
{
	u32 nest = netlink_nest(packet, type);

	netlink_put_u32(packet, number_type, number);
	netlink_put(packet, TASKSTATS_TYPE_STATS, stats, sizeof(*stats));
	netlink_nest_end(packet, nest);
}

/* ---- answering ---- */

static int answer(const struct generic_request *asked, u16 type, u16 number_type,
		  u32 number, const struct taskstats *stats)
{
	struct netlink_packet *packet = netlink_packet_create(TASKSTATS_ROOM);

	if (!packet) {
		return -ENOMEM;
	}
	generic_begin(packet, &taskstats_family, TASKSTATS_CMD_NEW, asked,
		      asked->message->header.nlmsg_seq);
	taskstats_put(packet, type, number_type, number, stats);
	netlink_end(packet);
	return generic_answer(asked, packet);
}

static int get_thread(const struct generic_request *asked, u32 number)
{
	struct thread *thread = thread_find((pid_nr)number);
	struct taskstats stats;

	if (!thread) {
		return -ESRCH;
	}
	taskstats_fill(&stats, thread, current_pid_namespace());
	thread_put(thread);
	return answer(asked, TASKSTATS_TYPE_AGGR_PID, TASKSTATS_TYPE_PID, number, &stats);
}

static int get_process(const struct generic_request *asked, u32 number)
{
	struct thread *thread =
		thread_find((pid_nr)number); // any of its threads names it
	struct taskstats stats;

	if (!thread) {
		return -ESRCH;
	}
	taskstats_fill_process(&stats, thread->process);
	thread_put(thread);
	return answer(asked, TASKSTATS_TYPE_AGGR_TGID, TASKSTATS_TYPE_TGID, number,
		      &stats);
}

static int get(const struct generic_request *asked, const struct netlink_attribute *found)
{
	if (found[TASKSTATS_CMD_ATTR_REGISTER_CPUMASK].data) {
		return taskstats_change_listener(
			asked, &found[TASKSTATS_CMD_ATTR_REGISTER_CPUMASK], true);
	}
	if (found[TASKSTATS_CMD_ATTR_DEREGISTER_CPUMASK].data) {
		return taskstats_change_listener(
			asked, &found[TASKSTATS_CMD_ATTR_DEREGISTER_CPUMASK], false);
	}
	if (found[TASKSTATS_CMD_ATTR_PID].data) {
		return get_thread(asked, netlink_get_u32(&found[TASKSTATS_CMD_ATTR_PID]));
	}
	if (found[TASKSTATS_CMD_ATTR_TGID].data) {
		return get_process(asked,
				   netlink_get_u32(&found[TASKSTATS_CMD_ATTR_TGID]));
	}
	return -EINVAL;
}

static const struct netlink_rule get_rules[] = {
	[TASKSTATS_CMD_ATTR_PID] = {NETLINK_U32, 0},
	[TASKSTATS_CMD_ATTR_TGID] = {NETLINK_U32, 0},
	[TASKSTATS_CMD_ATTR_REGISTER_CPUMASK] = {NETLINK_STRING, 0},
	[TASKSTATS_CMD_ATTR_DEREGISTER_CPUMASK] = {NETLINK_STRING, 0},
};

static const struct generic_command commands[] = {
	{
		.number = TASKSTATS_CMD_GET,
		.flags = GENL_ADMIN_PERM,
		.rules = get_rules,
		.last = TASKSTATS_CMD_ATTR_DEREGISTER_CPUMASK,
		.act = get,
	},
};

struct generic_family taskstats_family = {
	.name = TASKSTATS_GENL_NAME,
	.version = TASKSTATS_GENL_VERSION,
	.commands = commands,
	.command_count = 1,
};

void taskstats_init(void)
{
	taskstats_listeners_init();
	generic_family_register(&taskstats_family);
}
