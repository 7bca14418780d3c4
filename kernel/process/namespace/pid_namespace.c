// SPDX-License-Identifier: MIT
/*
 * Pid namespaces: made, joined, ended. See pid_namespaces(7).
 *
 * Owns      struct pid_namespace.
 *
 * The end: the last thread of init sets `dying` under process_tree_lock, under which every thread is published after a look
 * at it; so whoever can be found afterwards is all there will ever be. They are killed, and that thread finishes only when
 * the last of them has left the pid table: nobody who waits for init can be one that a member waits for.
 */
#include "process/namespace/pid_namespace.h"

#include "cred/user_namespace.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "process/current.h"
#include "process/exit.h"
#include "process/namespace/namespace.h"
#include "process/process.h"
#include "process/ptrace/ptrace.h"
#include "process/signal/signal.h"
#include <linux/sched.h>

OBJECT_CACHE(namespace_cache, pid_namespace);

static void pid_namespace_free(struct pid_namespace *namespace)
{
	for (unsigned i = 0; i < PID_CHUNKS; i++) {
		heap_free(namespace->taken[i]);
	}
	object_free(&namespace_cache, namespace);
}

/* A loop, not a recursion: each one holds the one around it. */
static void destroy(struct namespace *base)
{
	struct pid_namespace *namespace = pid_namespace_of(base);
	struct pid_namespace *parent = namespace->parent;

	pid_namespace_free(namespace);
	while (parent && refcount_put(&parent->base.references)) {
		struct namespace *owner = parent->base.owner;

		namespace = parent;
		parent = namespace->parent;
		pid_namespace_free(namespace);
		namespace_put(owner);
	}
}

static int copy(struct namespace *from, struct namespace *owner, struct namespace **out);

/* Not one that the running thread cannot see. */
static struct namespace *parent_of(struct namespace *base)
{
	struct pid_namespace *parent = pid_namespace_of(base)->parent;

	if (!parent || pid_namespace_check_join(parent)) {
		return NULL;
	}
	namespace_get(&parent->base);
	return &parent->base;
}

static const struct namespace_operations operations = {
	.kind = NAMESPACE_PID,
	.name = "pid",
	.clone_flag = CLONE_NEWPID,
	.copy = copy,
	.destroy = destroy,
	.parent = parent_of,
};

struct pid_namespace first_pid_namespace = {
	.base = NAMESPACE_FIRST(&operations, NAMESPACE_NUMBER_PID),
	.emptied = {.lock = SPINLOCK_INIT(RANK_WAIT_QUEUE, "wait_queue.lock"),
		    .entries = LIST_INIT(first_pid_namespace.emptied.entries)},
};

static int copy(struct namespace *from, struct namespace *owner, struct namespace **out)
{
	struct pid_namespace *parent = pid_namespace_of(from), *namespace;

	if (parent != current_pid_namespace() ||
	    !user_namespace_within(user_namespace_of(owner),
				   user_namespace_of(from->owner))) {
		return -EINVAL;
	}
	if (parent->level >= PID_LEVELS_MAX) {
		return -ENOSPC;
	}
	namespace = object_allocate(&namespace_cache);
	if (!namespace) {
		return -ENOMEM;
	}
	namespace_init(&namespace->base, &operations, owner);
	namespace_get(from);
	namespace->parent = parent;
	namespace->level = parent->level + 1;
	wait_queue_init(&namespace->emptied);
	*out = &namespace->base;
	return 0;
}

struct pid_namespace *current_pid_namespace(void)
{
	const struct sched_entity *entity = sched_current();

	if (!entity || entity->kernel_name) {
		return &first_pid_namespace;
	}
	return pid_own_namespace(current_thread()->pid);
}

struct pid_namespace *current_pid_namespace_for_children(void)
{
	return pid_namespace_of(
		current_namespaces()->slot[NAMESPACE_SLOT_PID_FOR_CHILDREN]);
}

bool pid_namespace_is_open(const struct namespace *namespace)
{
	return READ_ONCE(((const struct pid_namespace *)namespace)->init) != NULL;
}

int pid_namespace_check_join(const struct pid_namespace *namespace)
{
	const struct pid_namespace *own = current_pid_namespace();

	while (namespace && namespace->level > own->level) {
		namespace = namespace->parent;
	}
	return namespace == own ? 0 : -EINVAL;
}

/*
 * No more forks, and the children that are zombies go to `dead`; those that become it from now on reap themselves. What somebody else
 * traces is that one's first.
 */
static void close_namespace(struct process *init, struct list *dead)
{
	struct process *child, *next;
	u64 flags = spin_lock_irq(&process_tree_lock);

	pid_own_namespace(init->pid)->dying = true;
	init->ends_namespace = true;
	list_for_each_safe(child, next, &init->children, sibling) {
		if (child->state == PROCESS_ZOMBIE && !trace_foreign_tracer(child)) {
			child->state = PROCESS_DEAD;
			list_remove(&child->sibling);
			list_push_back(dead, &child->sibling);
		}
	}
	spin_unlock_irq(&process_tree_lock, flags);
}

static void kill_members(struct pid_namespace *namespace, const struct process *init)
{
	struct process *process;
	pid_nr number = 1;

	for (; (process = process_next_in(namespace, &number)); number++) {
		if (process != init) {
			signal_send_kernel(process, SIGKILL);
		}
		process_put(process);
	}
}

void pid_namespace_end(struct process *init)
{
	struct pid_namespace *namespace = pid_own_namespace(init->pid);
	struct process *child, *next;
	struct list dead;

	list_init(&dead);
	close_namespace(init, &dead);
	kill_members(namespace, init);
	list_for_each_safe(child, next, &dead, sibling) {
		list_remove(&child->sibling);
		process_reap(child);
	}
	(void)wait_until(&namespace->emptied, pid_namespace_is_empty(namespace),
			 THREAD_UNINTERRUPTIBLE, NSEC_NEVER);
}

void pid_namespace_reboot(struct pid_namespace *namespace, int signal)
{
	struct process *init;
	u64 flags = spin_lock_irq(&process_tree_lock);

	namespace->reboot_status = signal;
	init = namespace->init;
	signal_send_kernel(init, SIGKILL);
	spin_unlock_irq(&process_tree_lock, flags);
}
