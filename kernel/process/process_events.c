// SPDX-License-Identifier: MIT
/*
 * The process events connector: PROC_CN_MCAST_LISTEN and IGNORE, and the events.
 *
 * A socket's protocol word is what it asked for: LISTENING and a mask of events, or DEAF once it said IGNORE; 0: it never asked,
 * and hears all that others have asked for. process_event_listeners counts those with LISTENING.
 *
 * Numbers and ids are those of the first namespaces, so who is in others is not heard. Each CPU numbers its events: which
 * order those of one CPU had is to be seen, and what was lost.
 */
#include "process/process_events.h"

#include "arch/cpu.h"
#include "core/percpu.h"
#include "cred/credentials.h"
#include "cred/user_namespace.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "net/net_namespace.h"
#include "net/netlink.h"
#include "process/current.h"
#include "process/namespace/pid_namespace.h"
#include "process/pid.h"
#include "process/process.h"
#include "process/signal/signal.h"
#include "time/clock.h"
#include <linux/capability.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>

#define LISTENING (1ULL << 32)
#define DEAF      (1ULL << 33)

struct message {
	struct nlmsghdr header;
	struct { // struct cn_msg, less what comes behind it
		struct cb_id id;
		u32 seq, ack;
		u16 len, flags;
	} connector;
	struct proc_event event;
} __attribute__((packed, aligned(4)));

STATIC_ASSERT(sizeof(struct message) == 76);

_Atomic u32 process_event_listeners;
static _Atomic u32 numbers[MAX_CPUS];
static struct netlink_protocol connector;

/* ---- telling ---- */

/* Has this socket asked for it? */
static bool wants(struct netlink_socket *socket, const void *context)
{
	const struct message *message = context;
	u64 word =
		atomic_load_explicit(netlink_protocol_word(socket), memory_order_relaxed);
	u32 mask = (u32)word, what = message->event.what;

	if (word & DEAF) {
		return false;
	}
	if (!(word & LISTENING) || mask == (u32)PROC_EVENT_ALL) {
		return true;
	}
	if (what == PROC_EVENT_EXIT && mask & PROC_EVENT_NONZERO_EXIT &&
	    message->event.event_data.exit.exit_code) {
		return true;
	}
	return mask & what;
}

/* The event, with a number of this CPU; `ack`: of the request it answers, + 1. */
static void tell(struct message *message, u32 what, u32 ack)
{
	struct netlink_packet *packet = netlink_packet_create(sizeof(*message));
	u32 cpu = arch_cpu_number(); // where we are may change: then it was there

	if (!packet) {
		return;
	}
	message->event.what = what;
	message->event.cpu = cpu;
	message->event.timestamp_ns = (u64)clock_monotonic();
	message->connector.id.idx = CN_IDX_PROC;
	message->connector.id.val = CN_VAL_PROC;
	message->connector.seq = atomic_fetch_add(&numbers[cpu], 1);
	message->connector.ack = ack;
	message->connector.len = sizeof(message->event);
	netlink_begin(packet, NLMSG_DONE, 0, message->connector.seq, 0);
	netlink_put_bytes(packet, &message->connector,
			  sizeof(*message) - sizeof(message->header));
	netlink_end(packet);
	netlink_broadcast(&connector, &first_net_namespace, CN_IDX_PROC, packet, wants,
			  message);
	netlink_packet_put(packet);
}

struct numbers {
	pid_nr thread, process;
};

static struct numbers numbers_of(const struct thread *thread)
{
	return (struct numbers){pid_number_global(thread->pid),
				pid_number_global(thread->process->pid)};
}

/* Which of its threads made the running process is not kept: the first one stands for it. */
static pid_nr parent_number(void)
{
	pid_nr number = 0;
	u64 flags = spin_lock_irq(&process_tree_lock);

	if (current_process()->parent) {
		number = pid_number_global(current_process()->parent->pid);
	}
	spin_unlock_irq(&process_tree_lock, flags);
	return number;
}

void process_event_tell_fork(struct thread *child, bool sibling)
{
	struct numbers parent = numbers_of(current_thread()), made = numbers_of(child);
	struct message message = {0};

	if (sibling) {
		parent.thread = parent.process = parent_number();
	}
	message.event.event_data.fork.parent_pid = parent.thread;
	message.event.event_data.fork.parent_tgid = parent.process;
	message.event.event_data.fork.child_pid = made.thread;
	message.event.event_data.fork.child_tgid = made.process;
	tell(&message, PROC_EVENT_FORK, 0);
}

void process_event_tell_exec(void)
{
	struct numbers own = numbers_of(current_thread());
	struct message message = {0};

	message.event.event_data.exec.process_pid = own.thread;
	message.event.event_data.exec.process_tgid = own.process;
	tell(&message, PROC_EVENT_EXEC, 0);
}

static void tell_id(u32 what, u32 real, u32 effective)
{
	struct numbers own = numbers_of(current_thread());
	struct message message = {0};

	message.event.event_data.id.process_pid = own.thread;
	message.event.event_data.id.process_tgid = own.process;
	message.event.event_data.id.r.ruid = real;
	message.event.event_data.id.e.euid = effective;
	tell(&message, what, 0);
}

void process_event_tell_ids(const struct credentials *old)
{
	const struct credentials *now = current_credentials();

	if (now->uid != old->uid || now->euid != old->euid || now->suid != old->suid ||
	    now->fsuid != old->fsuid) {
		tell_id(PROC_EVENT_UID, now->uid, now->euid);
	}
	if (now->gid != old->gid || now->egid != old->egid || now->sgid != old->sgid ||
	    now->fsgid != old->fsgid) {
		tell_id(PROC_EVENT_GID, now->gid, now->egid);
	}
}

void process_event_tell_session(void)
{
	pid_nr number = pid_number_global(current_process()->pid);
	struct message message = {0};

	message.event.event_data.sid.process_pid = number;
	message.event.event_data.sid.process_tgid = number;
	tell(&message, PROC_EVENT_SID, 0);
}

void process_event_tell_name(struct thread *thread)
{
	struct numbers numbers_of_it = numbers_of(thread);
	struct message message = {0};

	message.event.event_data.comm.process_pid = numbers_of_it.thread;
	message.event.event_data.comm.process_tgid = numbers_of_it.process;
	thread_get_name(thread, message.event.event_data.comm.comm);
	tell(&message, PROC_EVENT_COMM, 0);
}

/* Is it for this thread to say? */
static bool claim_core(struct process *process)
{
	u64 flags = spin_lock_irq(&process->signal_lock);
	int signal = process->group_exit ? process->group_exit_status & 0x7f : 0;
	bool claimed = signal && !process->core_told &&
		       signal_default_action(signal) == DEFAULT_CORE;

	process->core_told |= claimed;
	spin_unlock_irq(&process->signal_lock, flags);
	return claimed;
}

void process_event_tell_core(void)
{
	struct numbers own = numbers_of(current_thread());
	struct message message = {0};

	if (!claim_core(current_process())) {
		return;
	}
	message.event.event_data.coredump.process_pid = own.thread;
	message.event.event_data.coredump.process_tgid = own.process;
	message.event.event_data.coredump.parent_pid = parent_number();
	message.event.event_data.coredump.parent_tgid = parent_number();
	tell(&message, PROC_EVENT_COREDUMP, 0);
}

void process_event_tell_exit(int status)
{
	const struct thread *thread = current_thread();
	struct numbers own = numbers_of(thread);
	struct message message = {0};
	bool leads = thread == thread->process->leader;

	message.event.event_data.exit.process_pid = own.thread;
	message.event.event_data.exit.process_tgid = own.process;
	message.event.event_data.exit.exit_code = (u32)status;
	message.event.event_data.exit.exit_signal =
		leads ? (u32)thread->process->exit_signal : ~0u;
	message.event.event_data.exit.parent_pid = parent_number();
	message.event.event_data.exit.parent_tgid = parent_number();
	tell(&message, PROC_EVENT_EXIT, 0);
}

/* ---- listening ---- */

static void change_listeners(u64 old, u64 now)
{
	if (now & LISTENING && !(old & LISTENING)) {
		atomic_fetch_add(&process_event_listeners, 1);
	} else if (old & LISTENING && !(now & LISTENING)) {
		atomic_fetch_sub(&process_event_listeners, 1);
	}
}

static void answer(const struct cn_msg *asked, u32 err)
{
	struct message message = {0};

	if (process_events_wanted()) {
		message.event.event_data.ack.err = err;
		tell(&message, PROC_EVENT_NONE, asked->ack + 1);
	}
}

static void obey(struct netlink_socket *socket, const struct cn_msg *asked,
		 const struct proc_input *input)
{
	u32 mask = (u32)input->event_type & (u32)PROC_EVENT_ALL;
	u64 now;

	switch ((u32)input->mcast_op) {
	case PROC_CN_MCAST_LISTEN:
		now = LISTENING | (mask ? mask : (u32)PROC_EVENT_ALL);
		break;
	case PROC_CN_MCAST_IGNORE:
		now = DEAF;
		break;
	default:
		answer(asked, EINVAL);
		return;
	}
	change_listeners(atomic_exchange(netlink_protocol_word(socket), now), now);
	answer(asked, 0);
}

/* One message, as every connector has it: no flag of its header is looked at, and no NLMSG_ERROR answers. */
static void receive(const struct netlink_request *request)
{
	struct proc_input input = {.event_type = PROC_EVENT_ALL};
	struct nlmsghdr header;
	struct cn_msg asked;
	const u32 before = sizeof(header) + sizeof(asked);

	if (request->size < before) {
		return;
	}
	memcpy(&header, request->data, sizeof(header));
	memcpy(&asked, request->data + sizeof(header), sizeof(asked));
	if (header.nlmsg_len < before || header.nlmsg_len > request->size ||
	    header.nlmsg_len - sizeof(header) > CONNECTOR_MAX_MSG_SIZE ||
	    asked.len > header.nlmsg_len - before || asked.id.idx != CN_IDX_PROC ||
	    asked.id.val != CN_VAL_PROC) {
		return;
	}
	if ((asked.len != sizeof(input) && asked.len != sizeof(input.mcast_op)) ||
	    current_pid_namespace() != &first_pid_namespace ||
	    current_credentials()->user_namespace != &first_user_namespace) {
		return;
	}
	memcpy(&input, request->data + before, asked.len);
	obey(request->from, &asked, &input);
}

static void released(struct netlink_socket *socket)
{
	change_listeners(atomic_exchange(netlink_protocol_word(socket), DEAF), DEAF);
}

/* Anybody may hear of processes, as anybody may read /proc. */
static int join(const struct net_namespace *network, u32 group)
{
	return group == CN_IDX_PROC || net_capable(&network->base, CAP_NET_ADMIN)
		       ? 0
		       : -EPERM;
}

static struct netlink_protocol connector = {
	.number = NETLINK_CONNECTOR,
	.group_count = 32,
	.any_may_listen = true,
	.first_only = true,
	.join = join,
	.receive = receive,
	.released = released,
};

void process_events_init(void)
{
	netlink_protocol_register(&connector);
}
