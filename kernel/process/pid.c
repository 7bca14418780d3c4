// SPDX-License-Identifier: MIT
/*
 * The pid table.
 *
 * Owns      struct pid, pid namespaces, the table of numbers.
 * Locks     table_lock: under process_tree_lock; thread context.
 *
 * Invariants
 *   P1  A number's bit is set from pid_create() until its pid has no use any more (or, never used, is freed).
 *   P2  A pid is in the hash table iff uses > 0; so what is found has a reference to give.
 *   P3  pid.thread and pid.process are cleared before the table's reference on the thread and process is dropped.
 */
#include "process/pid.h"

#include "core/panic.h"
#include "lib/bitmap.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "mm/heap.h"
#include "process/current.h"
#include "process/process.h"

enum {
	CHUNK_BITS = 32768,
	CHUNK_COUNT = PID_LIMIT / CHUNK_BITS,
	BUCKETS = 4096,
};

struct pid_namespace {
	u64 *taken[CHUNK_COUNT]; /* the table's lock: bit set: reserved or in use */
	pid_nr last;             /* the table's lock */
	pid_nr maximum;          /* the table's lock: numbers are below it */
	u32 level;
	struct pid_namespace *parent;
};

struct pid_namespace init_pid_namespace = {.maximum = PID_MAX_DEFAULT};

struct pid idle_pid;

static struct spinlock table_lock = SPINLOCK_INIT(RANK_PID_TABLE, "table_lock");
static struct list *buckets;
static u32 in_use;
OBJECT_CACHE(pid_cache, pid);

static struct list *bucket_of(struct pid_namespace *namespace, pid_nr number)
{
	return &buckets[hash_u64((u64)number ^ (u64)(uintptr_t)namespace) % BUCKETS];
}

static void pid_setup(struct pid *pid, struct pid_namespace *namespace)
{
	refcount_init(&pid->references, 1);
	list_init(&pid->group_members);
	wait_queue_init(&pid->exit_waiters);
	list_init(&pid->numbers[0].hash_link);
	pid->numbers[0].namespace = namespace;
	pid->numbers[0].pid = pid;
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
	init_pid_namespace.taken[0] = heap_allocate(CHUNK_BITS / 8);
	if (!init_pid_namespace.taken[0]) {
		panic("no memory for the pid table");
	}
	bitmap_set(init_pid_namespace.taken[0], 0);
	pid_setup(&idle_pid, &init_pid_namespace);
	idle_pid.uses = 1; // for good, and never in the hash table: nobody finds number 0
}

static bool is_taken(struct pid_namespace *namespace, pid_nr number)
{
	const u64 *chunk = namespace->taken[number / CHUNK_BITS];

	return chunk && bitmap_test(chunk, CHUNK_BITS, (size_t)number % CHUNK_BITS);
}

/* The first number in [from, to) that is free and whose chunk exists, or `to`. *missing: a chunk that would be needed first. */
static pid_nr find_free(struct pid_namespace *namespace, pid_nr from, pid_nr to,
			int *missing)
{
	while (from < to) {
		int index = from / CHUNK_BITS;
		size_t bit = (size_t)from % CHUNK_BITS;

		if (!namespace->taken[index]) {
			*missing = index;
			return to;
		}
		bit = bitmap_next_clear(namespace->taken[index], CHUNK_BITS, bit);
		from = (pid_nr)((size_t)index * CHUNK_BITS + bit);
		if (bit < CHUNK_BITS) {
			return MIN(from, to);
		}
	}
	return to;
}

/* Mark a number as taken. -EAGAIN: all are; -ENOMEM with *missing >= 0: allocate that chunk and try again. */
static int reserve_locked(struct pid_namespace *namespace, pid_nr wanted, pid_nr *out,
			  int *missing)
{
	pid_nr number, maximum = namespace->maximum;

	*missing = -1;
	if (wanted) {
		if (!namespace->taken[wanted / CHUNK_BITS]) {
			*missing = wanted / CHUNK_BITS;
			return -ENOMEM;
		}
		if (is_taken(namespace, wanted)) {
			return -EEXIST;
		}
		number = wanted;
	} else {
		pid_nr start = namespace->last + 1;

		number = find_free(namespace, start, maximum, missing);
		if (number >= maximum && *missing < 0) {
			number = find_free(namespace, MIN(PID_RESERVED, maximum), maximum,
					   missing);
		}
		if (number >= maximum) {
			return *missing < 0 ? -EAGAIN : -ENOMEM;
		}
		namespace->last = number;
	}
	bitmap_set(namespace->taken[number / CHUNK_BITS], (size_t)number % CHUNK_BITS);
	*out = number;
	return 0;
}

static int reserve_number(struct pid_namespace *namespace, pid_nr wanted, pid_nr *out)
{
	u64 *chunk = NULL;
	int missing, err;

	if (wanted < 0 || wanted >= PID_LIMIT) {
		return -EINVAL;
	}
	for (;;) {
		spin_lock(&table_lock);
		err = wanted >= namespace->maximum
			      ? -EINVAL
			      : reserve_locked(namespace, wanted, out, &missing);
		if (err == -ENOMEM && chunk && !namespace->taken[missing]) {
			namespace->taken[missing] = chunk;
			chunk = NULL;
			spin_unlock(&table_lock);
			continue;
		}
		spin_unlock(&table_lock);
		if (err != -ENOMEM) {
			break;
		}
		if (!chunk) {
			chunk = heap_allocate(CHUNK_BITS / 8);
		}
		if (!chunk) {
			break;
		}
	}
	heap_free(chunk);
	return err;
}

static void release_number_locked(struct pid *pid)
{
	struct pid_number *n = &pid->numbers[0];

	if (pid->reserved) {
		bitmap_clear(n->namespace->taken[n->number / CHUNK_BITS],
			     (size_t)n->number % CHUNK_BITS);
		pid->reserved = false;
	}
}

/* May the running thread choose these numbers? */
static int check_wanted(const struct wanted_numbers *wanted)
{
	if (wanted->count > PID_LEVELS) {
		return -EINVAL;
	}
	for (u32 i = 0; i < wanted->count; i++) {
		if (wanted->number[i] < 1 || wanted->number[i] >= pid_maximum()) {
			return -EINVAL;
		}
	}
	return !wanted->count || current_capable(CAP_CHECKPOINT_RESTORE) ||
			       current_capable(CAP_SYS_ADMIN)
		       ? 0
		       : -EPERM;
}

int pid_create(struct pid_namespace *namespace, const struct wanted_numbers *wanted,
	       struct pid **out)
{
	struct pid *pid;
	int err = wanted ? check_wanted(wanted) : 0;

	if (err) {
		return err;
	}
	pid = object_allocate(&pid_cache);
	if (!pid) {
		return -ENOMEM;
	}
	pid_setup(pid, namespace);
	err = reserve_number(namespace, wanted && wanted->count ? wanted->number[0] : 0,
			     &pid->numbers[0].number);
	if (err) {
		object_free(&pid_cache, pid);
		return err;
	}
	pid->reserved = true;
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
	if (pid->reserved) {
		// Never used, so nobody else knows it; the lock is for the bitmap.
		spin_lock(&table_lock);
		release_number_locked(pid);
		spin_unlock(&table_lock);
	}
	object_free(&pid_cache, pid);
}

pid_nr pid_number(const struct pid *pid)
{
	return pid ? pid->numbers[0].number : 0;
}

static struct pid *find_locked(pid_nr number)
{
	struct pid_number *n;

	list_for_each(n, bucket_of(&init_pid_namespace, number), hash_link) {
		if (n->number == number && n->namespace == &init_pid_namespace) {
			return n->pid;
		}
	}
	return NULL;
}

struct pid *pid_find(pid_nr number)
{
	struct pid *pid = NULL;

	if (number > 0 && number < PID_LIMIT) {
		spin_lock(&table_lock);
		pid = find_locked(number);
		if (pid) {
			refcount_get(&pid->references);
		}
		spin_unlock(&table_lock);
	}
	return pid;
}

struct pid *pid_next(pid_nr number)
{
	struct pid *pid = NULL;

	if (number < 0) {
		return NULL;
	}
	spin_lock(&table_lock);
	while (!pid && number < PID_LIMIT) {
		const u64 *chunk = init_pid_namespace.taken[number / CHUNK_BITS];
		size_t bit = CHUNK_BITS;

		if (chunk) {
			bit = bitmap_next_set(chunk, CHUNK_BITS,
					      (size_t)number % CHUNK_BITS);
		}
		number = (pid_nr)((size_t)(number / CHUNK_BITS) * CHUNK_BITS + bit);
		if (bit < CHUNK_BITS) {
			pid = find_locked(number++); // NULL: reserved only
		}
	}
	if (pid) {
		refcount_get(&pid->references);
	}
	spin_unlock(&table_lock);
	return pid;
}

static void use_locked(struct pid *pid)
{
	struct pid_number *n = &pid->numbers[0];

	if (pid->uses++ == 0) {
		ASSERT(pid->reserved);
		refcount_get(&pid->references);
		list_push_front(bucket_of(n->namespace, n->number), &n->hash_link);
		in_use++;
	}
}

/* true: the caller drops the table's reference once the lock is gone. */
static bool unuse_locked(struct pid *pid)
{
	ASSERT(pid->uses > 0);
	if (--pid->uses > 0) {
		return false;
	}
	list_remove(&pid->numbers[0].hash_link);
	release_number_locked(pid);
	in_use--;
	return true;
}

void pid_use(struct pid *pid)
{
	spin_lock(&table_lock);
	use_locked(pid);
	spin_unlock(&table_lock);
}

void pid_unuse(struct pid *pid)
{
	bool last;

	spin_lock(&table_lock);
	last = unuse_locked(pid);
	spin_unlock(&table_lock);
	if (last) {
		pid_put(pid);
	}
}

void pid_attach(struct pid *pid, struct thread *thread, struct process *process)
{
	spin_lock(&table_lock);
	ASSERT(!pid->thread);
	pid->thread = thread;
	pid->process = process;
	use_locked(pid);
	spin_unlock(&table_lock);
}

void pid_detach(struct pid *pid)
{
	spin_lock(&table_lock);
	pid->thread = NULL;
	pid->process = NULL;
	spin_unlock(&table_lock);
	wake_all(&pid->exit_waiters, 0);
	pid_unuse(pid);
}

void pid_exchange_threads(struct pid *mine, struct pid *leaders)
{
	struct thread *thread;

	spin_lock(&table_lock);
	thread = mine->thread;
	mine->thread = leaders->thread;
	leaders->thread = thread;
	spin_unlock(&table_lock);
}

struct thread *pid_get_thread(struct pid *pid)
{
	struct thread *thread;

	spin_lock(&table_lock);
	thread = pid->thread;
	if (thread) {
		thread_get(thread);
	}
	spin_unlock(&table_lock);
	return thread;
}

struct process *pid_get_process(struct pid *pid)
{
	struct process *process;

	spin_lock(&table_lock);
	process = pid->process;
	if (process) {
		process_get(process);
	}
	spin_unlock(&table_lock);
	return process;
}

pid_nr pid_maximum(void)
{
	return READ_ONCE(init_pid_namespace.maximum);
}

int pid_set_maximum(pid_nr maximum)
{
	if (maximum <= PID_RESERVED || maximum > PID_LIMIT) {
		return -EINVAL;
	}
	spin_lock(&table_lock);
	init_pid_namespace.maximum = maximum;
	spin_unlock(&table_lock);
	return 0;
}

u32 pid_count(void)
{
	return READ_ONCE(in_use);
}

pid_nr pid_last(void)
{
	return READ_ONCE(init_pid_namespace.last);
}
