// SPDX-License-Identifier: MIT
/*
 * TASKSTATS: who hears of the ends of threads: ports, each of some CPUs.
 *
 * Locks     listeners_lock (RANK_TASKSTATS) > netlink_lock. Shared by who ends.
 *
 * A listener whose port is nobody's any more is found by the next end that it would have heard of.
 */
#include "process/taskstats.h"

#include "arch/cpu.h"
#include "core/percpu.h"
#include "cred/credentials.h"
#include "cred/user_namespace.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/net_namespace.h"
#include "process/current.h"
#include "process/namespace/pid_namespace.h"
#include "process/pid.h"
#include "process/process.h"
#include "process/taskstats_internal.h"
#include "sync/rwlock.h"
#include <linux/acct.h>

enum { CPU_LIST_MAX = 100 + 6 * MAX_CPUS }; /* bytes of a list of CPUs */

struct exit_listener {
	struct list link; /* listeners_lock */
	u32 port;
	struct cpumask cpus;
};

_Atomic u32 taskstats_listeners;
static _Atomic u32 sequence;
static struct rwlock listeners_lock;
static struct list listeners = LIST_INIT(listeners);

void taskstats_listeners_init(void)
{
	rwlock_init(&listeners_lock, RANK_TASKSTATS, "taskstats listeners_lock");
}

/* ---- listeners ---- */

static int parse_number(const char **at, u32 *out)
{
	u32 value = 0;

	if (**at < '0' || **at > '9') {
		return -EINVAL;
	}
	for (; **at >= '0' && **at <= '9'; (*at)++) {
		value = MIN(value * 10 + (u32)(**at - '0'), (u32)MAX_CPUS);
	}
	*out = value;
	return value < MAX_CPUS ? 0 : -ERANGE;
}

/* "0-2,5" */
static int parse_cpus(const char *at, struct cpumask *cpus)
{
	while (*at) {
		u32 first, last;
		int error = parse_number(&at, &first);

		last = first;
		if (!error && *at == '-') {
			at++;
			error = parse_number(&at, &last);
		}
		if (error || last < first || (*at && *at != ',')) {
			return error ? error : -EINVAL;
		}
		for (; first <= last; first++) {
			cpumask_set(cpus, first);
			if (first >= cpu_count()) {
				return -EINVAL;
			}
		}
		at += *at == ',';
	}
	return 0;
}

/* The list ends a byte before the attribute does, whether that is its end or not. */
static int read_cpus(const struct netlink_attribute *attribute, struct cpumask *cpus)
{
	char text[CPU_LIST_MAX] = {0};

	memset(cpus, 0, sizeof(*cpus));
	if (attribute->size > CPU_LIST_MAX) {
		return -E2BIG;
	}
	if (attribute->size < 1) {
		return -EINVAL;
	}
	memcpy(text, attribute->data, attribute->size - 1);
	return parse_cpus(text, cpus);
}

static struct exit_listener *find_listener(u32 port)
{
	struct exit_listener *listener;

	list_for_each(listener, &listeners, link) {
		if (listener->port == port) {
			return listener;
		}
	}
	return NULL;
}

static void drop_listener(struct exit_listener *listener)
{
	list_remove(&listener->link);
	atomic_fetch_sub(&taskstats_listeners, 1);
	heap_free(listener);
}

static int add_listener(u32 port, const struct cpumask *cpus)
{
	struct exit_listener *fresh = heap_allocate(sizeof(*fresh)), *listener;

	if (!fresh) {
		return -ENOMEM;
	}
	rwlock_lock(&listeners_lock);
	listener = find_listener(port);
	if (!listener) {
		listener = fresh;
		fresh = NULL;
		listener->port = port;
		list_push_back(&listeners, &listener->link);
		atomic_fetch_add(&taskstats_listeners, 1);
	}
	for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
		if (cpumask_test(cpus, cpu)) {
			cpumask_set(&listener->cpus, cpu);
		}
	}
	rwlock_unlock(&listeners_lock);
	heap_free(fresh);
	return 0;
}

static int remove_listener(u32 port, const struct cpumask *cpus)
{
	struct exit_listener *listener;

	rwlock_lock(&listeners_lock);
	listener = find_listener(port);
	for (u32 cpu = 0; listener && cpu < cpu_count(); cpu++) {
		if (cpumask_test(cpus, cpu)) {
			cpumask_clear(&listener->cpus, cpu);
		}
	}
	if (listener && cpumask_empty(&listener->cpus)) {
		drop_listener(listener);
	}
	rwlock_unlock(&listeners_lock);
	return 0;
}

int taskstats_change_listener(const struct generic_request *asked,
			      const struct netlink_attribute *attribute, bool add)
{
	struct cpumask cpus;
	int error = read_cpus(attribute, &cpus);

	// What ends is told in the first namespaces, to ports of the first.
	if (!error && (asked->request->network != &first_net_namespace ||
		       current_pid_namespace() != &first_pid_namespace ||
		       current_credentials()->user_namespace != &first_user_namespace)) {
		error = -EINVAL;
	}
	if (error) {
		return error;
	}
	return add ? add_listener(asked->request->port, &cpus)
		   : remove_listener(asked->request->port, &cpus);
}

/* ---- ends ---- */

/* A process that ever had more threads than one: the last speaks for all of them. */
static bool had_threads(struct process *process)
{
	u64 flags = spin_lock_irq(&process->signal_lock);
	bool had = process->had_threads;

	spin_unlock_irq(&process->signal_lock, flags);
	return had;
}

static struct netlink_packet *describe_end(int status, bool last)
{
	struct netlink_packet *packet = netlink_packet_create(TASKSTATS_ROOM);
	struct thread *thread = current_thread();
	struct process *process = thread->process;
	struct taskstats stats;

	if (!packet) {
		return NULL;
	}
	taskstats_fill(&stats, thread, &first_pid_namespace);
	if (process->leader == thread) {
		stats.ac_exitcode = (u32)status;
	}
	stats.ac_flag |= status & 0x7f ? AXSIG : 0;
	generic_begin(packet, &taskstats_family, TASKSTATS_CMD_NEW, NULL,
		      atomic_fetch_add(&sequence, 1));
	taskstats_put(packet, TASKSTATS_TYPE_AGGR_PID, TASKSTATS_TYPE_PID,
		      (u32)pid_number_global(thread->pid), &stats);
	if (last && had_threads(process)) {
		taskstats_fill_process(&stats, process);
		taskstats_put(packet, TASKSTATS_TYPE_AGGR_TGID, TASKSTATS_TYPE_TGID,
			      (u32)pid_number_global(process->pid), &stats);
	}
	netlink_end(packet);
	return packet;
}

/* A copy to each who listens to this CPU. Returns a port that is nobody's; 0: none. */
static u32 tell_listeners(const struct netlink_packet *packet)
{
	u32 cpu = arch_cpu_number(), lost = 0;
	struct exit_listener *listener;

	rwlock_lock_shared(&listeners_lock);
	list_for_each(listener, &listeners, link) {
		if (cpumask_test(&listener->cpus, cpu) &&
		    generic_unicast(listener->port, packet) == -ECONNREFUSED) {
			lost = listener->port;
		}
	}
	rwlock_unlock_shared(&listeners_lock);
	return lost;
}

void taskstats_tell_exit(int status, bool last)
{
	struct netlink_packet *packet = describe_end(status, last);
	struct exit_listener *listener;
	u32 lost;

	if (!packet) {
		return;
	}
	lost = tell_listeners(packet);
	netlink_packet_put(packet);
	if (lost) {
		rwlock_lock(&listeners_lock);
		listener = find_listener(lost);
		if (listener) {
			drop_listener(listener);
		}
		rwlock_unlock(&listeners_lock);
	}
}
