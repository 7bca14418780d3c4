// SPDX-License-Identifier: MIT
/*
 * The pid table.
 *
 * Owns      struct pid, the hash table of numbers.
 * Locks     pid_table_lock: under process_tree_lock; thread context.
 *
 * Invariants
 *   P1  A number's bit is set from pid_create() until its pid has no use any more (or, never used, is freed).
 *   P2  A pid is in the hash table, with all its numbers, iff uses > 0; so what is found has a reference to give.
 *   P3  pid.thread and pid.process are cleared before the table's reference on the thread and process is dropped.
 *   P4  namespace.members is the number of pids with a thread that have a number in it, but for its own init's.
 */
#include "process/pid.h"

#include "core/panic.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "mm/heap.h"
#include "process/current.h"
#include "process/namespace/namespace.h"
#include "process/namespace/pid_namespace.h"
#include "process/pid_internal.h"
#include "process/process.h"

enum { BUCKETS = 4096 };

struct pid idle_pid;

struct spinlock pid_table_lock = SPINLOCK_INIT(RANK_PID_TABLE, "pid_table_lock");
static struct list *buckets;
static u32 in_use;
OBJECT_CACHE(pid_cache, pid);

#define for_each_number(n, pid) \
	for ((n) = (pid)->numbers; (n) <= &(pid)->numbers[(pid)->level]; (n)++)

static struct list *bucket_of(const struct pid_namespace *namespace, pid_nr number)
{
	return &buckets[hash_u64((u64)number ^ (u64)(uintptr_t)namespace) % BUCKETS];
}

/* Every level's entry, without a number yet. */
static int pid_setup(struct pid *pid, struct pid_namespace *namespace)
{
	refcount_init(&pid->references, 1);
	list_init(&pid->group_members);
	wait_queue_init(&pid->exit_waiters);
	pid->level = namespace->level;
	pid->numbers = &pid->only;
	if (pid->level) {
		pid->numbers = heap_allocate((pid->level + 1) * sizeof(*pid->numbers));
		if (!pid->numbers) {
			return -ENOMEM;
		}
		namespace_get(&namespace->base);
	}
	for (u32 i = pid->level + 1; i-- > 0; namespace = namespace->parent) {
		list_init(&pid->numbers[i].hash_link);
		pid->numbers[i].namespace = namespace;
		pid->numbers[i].pid = pid;
	}
	return 0;
}

void pid_init(void)
{
	buckets = heap_allocate(BUCKETS * sizeof(*buckets));
	if (!buckets) {
		panic("no memory for the pid table");
	}
	for (unsigned i = 0; i < BUCKETS; i++) {
		list_init(&buckets[i]);
	}
	if (pid_setup(&idle_pid, &first_pid_namespace)) {
		panic("no memory for the pid table");
	}
	idle_pid.uses = 1; // for good, and never in the hash table: nobody finds number 0
}

static void release_numbers_locked(struct pid *pid)
{
	struct pid_number *n;

	for_each_number(n, pid)
	{
		if (n->reserved) {
			pid_number_release_locked(n->namespace, n->number);
			n->reserved = false;
		}
	}
}

/* May the running thread choose `number` in `namespace`? */
static int check_wanted(const struct pid_namespace *namespace, pid_nr number)
{
	const struct credentials *credentials = current_credentials();

	if (number < 1 || number >= pid_maximum()) {
		return -EINVAL;
	}
	if (number != 1 && !READ_ONCE(namespace->init)) {
		return -EINVAL;
	}
	return namespace_capable(credentials, namespace->base.owner,
				 CAP_CHECKPOINT_RESTORE) ||
			       namespace_capable(credentials, namespace->base.owner,
						 CAP_SYS_ADMIN)
		       ? 0
		       : -EPERM;
}

/* One number in each namespace, the innermost first. */
static int reserve_numbers(struct pid *pid, const struct wanted_numbers *wanted)
{
	u32 count = wanted ? wanted->count : 0;

	if (count > pid->level + 1) {
		return -EINVAL;
	}
	for (u32 i = 0; i <= pid->level; i++) {
		struct pid_number *n = &pid->numbers[pid->level - i];
		pid_nr number = i < count ? wanted->number[i] : 0;
		int err = i < count ? check_wanted(n->namespace, number) : 0;

		if (!err) {
			err = pid_number_reserve(n->namespace, number, &n->number);
		}
		if (err) {
			return err;
		}
		n->reserved = true;
		if (n->number != 1 && !READ_ONCE(n->namespace->init)) {
			return -ENOMEM; // the first one is still being made
		}
	}
	return 0;
}

int pid_create(struct pid_namespace *namespace, const struct wanted_numbers *wanted,
	       struct pid **out)
{
	struct pid *pid = object_allocate(&pid_cache);
	int err;

	if (!pid) {
		return -ENOMEM;
	}
	err = pid_setup(pid, namespace);
	if (err) {
		object_free(&pid_cache, pid);
		return err;
	}
	err = READ_ONCE(namespace->dying) ? -ENOMEM : reserve_numbers(pid, wanted);
	if (err) {
		pid_put(pid);
		return err;
	}
	*out = pid;
	return 0;
}

void pid_get(struct pid *pid)
{
	refcount_get(&pid->references);
}

void pid_put(struct pid *pid)
{
	if (!pid || !refcount_put(&pid->references)) {
		return;
	}
	ASSERT(pid->uses == 0);
	// Of one that was never used, so nobody else knows it; the lock is for the bitmaps.
	spin_lock(&pid_table_lock);
	release_numbers_locked(pid);
	spin_unlock(&pid_table_lock);
	if (pid->level) {
		struct pid_namespace *namespace = pid_own_namespace(pid);

		heap_free(pid->numbers);
		namespace_put(&namespace->base);
	}
	object_free(&pid_cache, pid);
}

struct pid_namespace *pid_own_namespace(const struct pid *pid)
{
	return pid->numbers[pid->level].namespace;
}

pid_nr pid_number_in(const struct pid *pid, const struct pid_namespace *namespace)
{
	const struct pid_number *n;

	if (!pid || namespace->level > pid->level) {
		return 0;
	}
	n = &pid->numbers[namespace->level];
	return n->namespace == namespace ? n->number : 0;
}

pid_nr pid_number(const struct pid *pid)
{
	return pid_number_in(pid, current_pid_namespace());
}

pid_nr pid_number_global(const struct pid *pid)
{
	return pid ? pid->numbers[0].number : 0;
}

pid_nr pid_number_from_global(pid_nr number)
{
	struct pid_namespace *namespace = current_pid_namespace();
	struct pid *pid;

	if (namespace == &first_pid_namespace) {
		return number;
	}
	pid = pid_find_in(&first_pid_namespace, number);
	number = pid_number_in(pid, namespace);
	pid_put(pid);
	return number;
}

pid_nr pid_number_to_global(pid_nr number)
{
	struct pid *pid = pid_find(number);

	number = pid_number_global(pid);
	pid_put(pid);
	return number;
}

static struct pid *find_locked(struct pid_namespace *namespace, pid_nr number)
{
	struct pid_number *n;

	list_for_each(n, bucket_of(namespace, number), hash_link) {
		if (n->number == number && n->namespace == namespace) {
			return n->pid;
		}
	}
	return NULL;
}

struct pid *pid_find_in(struct pid_namespace *namespace, pid_nr number)
{
	struct pid *pid = NULL;

	if (number > 0 && number < PID_LIMIT) {
		spin_lock(&pid_table_lock);
		pid = find_locked(namespace, number);
		if (pid) {
			refcount_get(&pid->references);
		}
		spin_unlock(&pid_table_lock);
	}
	return pid;
}

struct pid *pid_find(pid_nr number)
{
	return pid_find_in(current_pid_namespace(), number);
}

struct pid *pid_next_in(struct pid_namespace *namespace, pid_nr number)
{
	struct pid *pid = NULL;

	if (number < 0) {
		return NULL;
	}
	spin_lock(&pid_table_lock);
	while (!pid) {
		number = pid_number_next_locked(namespace, number);
		if (number >= PID_LIMIT) {
			break;
		}
		pid = find_locked(namespace, number++); // NULL: reserved only
	}
	if (pid) {
		refcount_get(&pid->references);
	}
	spin_unlock(&pid_table_lock);
	return pid;
}

static void use_locked(struct pid *pid)
{
	struct pid_number *n;

	if (pid->uses++ > 0) {
		return;
	}
	refcount_get(&pid->references);
	in_use++;
	for_each_number(n, pid)
	{
		ASSERT(n->reserved);
		list_push_front(bucket_of(n->namespace, n->number), &n->hash_link);
	}
}

/* true: the caller drops the table's reference once the lock is gone. */
static bool unuse_locked(struct pid *pid)
{
	struct pid_number *n;

	ASSERT(pid->uses > 0);
	if (--pid->uses > 0) {
		return false;
	}
	for_each_number(n, pid)
	{
		list_remove(&n->hash_link);
	}
	release_numbers_locked(pid);
	in_use--;
	return true;
}

void pid_use(struct pid *pid)
{
	spin_lock(&pid_table_lock);
	use_locked(pid);
	spin_unlock(&pid_table_lock);
}

void pid_unuse(struct pid *pid)
{
	bool last;

	spin_lock(&pid_table_lock);
	last = unuse_locked(pid);
	spin_unlock(&pid_table_lock);
	if (last) {
		pid_put(pid);
	}
}

/* Is it a member of n's namespace that its init waits for: not one of init's own threads? */
static bool is_member(const struct pid_number *n, const struct thread *thread)
{
	return !thread->process->is_init || n->namespace != pid_own_namespace(n->pid);
}

void pid_attach(struct pid *pid, struct thread *thread, struct process *process)
{
	struct pid_number *n;

	spin_lock(&pid_table_lock);
	ASSERT(!pid->thread);
	pid->thread = thread;
	pid->process = process;
	use_locked(pid);
	for_each_number(n, pid)
	{
		n->namespace->members += is_member(n, thread);
	}
	spin_unlock(&pid_table_lock);
}

void pid_detach(struct pid *pid)
{
	struct pid_number *n;

	spin_lock(&pid_table_lock);
	for_each_number(n, pid)
	{
		if (is_member(n, pid->thread) && --n->namespace->members == 0) {
			wake_all(&n->namespace->emptied, 0);
		}
	}
	pid->thread = NULL;
	pid->process = NULL;
	spin_unlock(&pid_table_lock);
	wake_all(&pid->exit_waiters, 0);
	pid_unuse(pid);
}

bool pid_namespace_is_empty(struct pid_namespace *namespace)
{
	bool empty;

	spin_lock(&pid_table_lock);
	empty = namespace->members == 0;
	spin_unlock(&pid_table_lock);
	return empty;
}

bool pid_may_live_locked(const struct pid *pid)
{
	struct pid_number *n;

	for_each_number(n, pid)
	{
		if (n->namespace->dying) {
			return false;
		}
	}
	return true;
}

void pid_exchange_threads(struct pid *mine, struct pid *leaders)
{
	struct thread *thread;

	spin_lock(&pid_table_lock);
	thread = mine->thread;
	mine->thread = leaders->thread;
	leaders->thread = thread;
	spin_unlock(&pid_table_lock);
}

struct thread *pid_get_thread(struct pid *pid)
{
	struct thread *thread;

	spin_lock(&pid_table_lock);
	thread = pid->thread;
	if (thread) {
		thread_get(thread);
	}
	spin_unlock(&pid_table_lock);
	return thread;
}

struct process *pid_get_process(struct pid *pid)
{
	struct process *process;

	spin_lock(&pid_table_lock);
	process = pid->process;
	if (process) {
		process_get(process);
	}
	spin_unlock(&pid_table_lock);
	return process;
}

u32 pid_count(void)
{
	return READ_ONCE(in_use);
}

pid_nr pid_last(void)
{
	return READ_ONCE(current_pid_namespace()->last);
}
