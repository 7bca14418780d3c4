// SPDX-License-Identifier: MIT
/*
 * System V IPC on the simulated machine: waiters against changes, undo and removal over many seeds; every allocation failing in
 * turn; attachments counted; nothing is left behind.
 */
#include "core/fault_injection.h"
#include "cred/user_namespace.h"
#include "ipc/sysv/shared_memory.h"
#include "ipc/sysv/sysv_internal.h"
#include "machine.h"
#include "mm/heap.h"
#include "vm/vm_space.h"

enum { TAKERS = 4, ROUNDS = 12 };

static struct ipc_caller caller;
static struct credentials *root;
static int set;
static _Atomic int taken, removed_seen;

static void set_up(void)
{
	sysv_init();
	EXPECT_EQ(credentials_create_root(&root), 0);
	EXPECT_EQ(sysv_ipc_create(&caller.ipc), 0);
	caller.owner = &first_user_namespace;
	caller.credentials = root;
}

static s64 live(const char *name)
{
	struct object_cache *cache = object_cache_first();

	for (; cache; cache = cache->next) {
		const char *a = cache->name, *b = name;

		while (*a && *a == *b) {
			a++;
			b++;
		}
		if (*a == *b) {
			return atomic_load(&cache->live);
		}
	}
	return 0;
}

static void expect_nothing_left(void)
{
	EXPECT_EQ(live("semaphore_set"), 0);
	EXPECT_EQ(live("semaphore_adjustments"), 0);
	EXPECT_EQ(live("semaphore_undo"), 0);
	EXPECT_EQ(live("message_queue"), 0);
	EXPECT_EQ(live("message"), 0);
	EXPECT_EQ(live("segment"), 0);
	EXPECT_EQ(live("sysv_ipc"), 1); // the first namespace's
}

static int operate(int change, int flags, struct semaphore_undo *undo)
{
	struct sembuf operation = {.sem_op = (short)change, .sem_flg = (short)flags};

	return semaphore_operate(&caller, set, &operation, 1, NSEC_NEVER, undo);
}

/* --- waiters --- */

/* Takes with undo and ends without giving back: the list does. */
static void takes_and_leaves(void *argument)
{
	struct semaphore_undo *undo = NULL;

	for (int i = 0; i < ROUNDS; i++) {
		EXPECT_EQ(semaphore_undo_create(caller.ipc, &undo), 0);
		EXPECT_EQ(operate(-1, SEM_UNDO, undo), 0);
		EXPECT_EQ(atomic_fetch_add(&taken, 1), 0); // one at a time has it
		if (host_random() % 2) {
			sched_yield_current();
		}
		EXPECT_EQ(atomic_fetch_sub(&taken, 1), 1);
		semaphore_undo_leave(undo, NULL);
	}
	machine_finish();
}

static void undo_hands_on(void)
{
	host_set_steps_max(5000000);
	set_up();
	set = semaphore_get(&caller, IPC_PRIVATE, 1, 0600);
	EXPECT(set >= 0);
	for (u64 i = 0; i < TAKERS; i++) {
		machine_start(takes_and_leaves, i);
	}
	EXPECT_EQ(operate(1, 0, NULL), 0);
	machine_wait_finished(TAKERS);
	EXPECT_EQ(semaphore_get_value(&caller, set, 0, GETVAL), 1);
	EXPECT_EQ(semaphore_get_value(&caller, set, 0, GETNCNT), 0);
	sysv_ipc_destroy(caller.ipc);
	expect_nothing_left();
}

TEST(undo_wakes_the_next)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(100), undo_hands_on), 0);
}

static void takes_until_removed(void *argument)
{
	struct semaphore_undo *undo = NULL;
	int result;

	EXPECT_EQ(semaphore_undo_create(caller.ipc, &undo), 0);
	do {
		result = operate(argument ? -1 : 1, SEM_UNDO, undo);
	} while (!result);
	EXPECT(result == -EIDRM || result == -EINVAL || result == -ERANGE);
	atomic_fetch_add(&removed_seen, 1);
	semaphore_undo_leave(undo, NULL);
	machine_finish();
}

static void removal_ends_waits(void)
{
	host_set_steps_max(5000000);
	set_up();
	set = semaphore_get(&caller, IPC_PRIVATE, 1, 0600);
	for (u64 i = 0; i < TAKERS; i++) {
		machine_start(takes_until_removed, i);
	}
	machine_sleep((nsec_t)(host_random() % 50000));
	EXPECT_EQ(semaphore_remove(&caller, set), 0);
	machine_wait_finished(TAKERS);
	EXPECT_EQ(atomic_load(&removed_seen), TAKERS);
	sysv_ipc_destroy(caller.ipc);
	expect_nothing_left();
}

TEST(removal_ends_waits)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(100), removal_ends_waits), 0);
}

/* --- messages --- */

static int queue;

static void sends(void *argument)
{
	for (long i = 1; i <= ROUNDS; i++) {
		struct message *message;
		struct io_buffer io;

		io_buffer_init_kernel(&io, &i, sizeof(i));
		EXPECT_EQ(message_create((long)argument + 1, sizeof(i), &io, &message),
			  0);
		EXPECT_EQ(message_send(&caller, queue, message, 0), 0);
	}
	machine_finish();
}

/* Of one type, in the order they were sent. */
static void receives(void *argument)
{
	for (long i = 1; i <= ROUNDS; i++) {
		struct message *message = NULL;

		EXPECT_EQ(message_receive(&caller, queue, 8, (long)argument + 1, 0,
					  &message),
			  0);
		EXPECT_EQ(*(long *)message->text, i);
		message_free(message);
	}
	machine_finish();
}

static void messages_pass(void)
{
	struct msqid64_ds wanted = {.msg_qbytes = 24};

	host_set_steps_max(5000000);
	set_up();
	queue = message_queue_get(&caller, IPC_PRIVATE, 0600);
	EXPECT(queue >= 0);
	EXPECT_EQ(message_queue_set(&caller, queue, &wanted), 0);
	machine_start(sends, 1);
	machine_start(receives, 2);
	machine_start(receives, 1);
	machine_start(sends, 2);
	machine_wait_finished(4);
	EXPECT_EQ(message_queue_status(&caller, IPC_BY_ID, queue, &wanted), queue);
	EXPECT_EQ(wanted.msg_qnum, 0);
	EXPECT_EQ(wanted.msg_cbytes, 0);
	sysv_ipc_destroy(caller.ipc);
	expect_nothing_left();
}

TEST(messages_in_order)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(100), messages_pass), 0);
}

/* --- segments, and failing allocations --- */

static u64 attached(int segment)
{
	struct shmid64_ds status;

	EXPECT_EQ(segment_status(&caller, IPC_BY_ID, segment, &status, NULL), segment);
	return status.shm_nattch;
}

static void segments_count(void)
{
	struct vm_space *vm, *child;
	vaddr_t at, again;
	int segment;

	set_up();
	vm_init();
	EXPECT_EQ(vm_create(&vm), 0);
	segment = segment_get(&caller, 5, 3 * PAGE_SIZE, 0600 | IPC_CREAT);
	EXPECT_EQ(segment_attach(&caller, vm, segment, 0, 0, &at), 0);
	EXPECT_EQ(segment_attach(&caller, vm, segment, at, 0, &again), -EINVAL);
	EXPECT_EQ(attached(segment), 1);
	EXPECT_EQ(vm_fork(vm, NULL, &child), 0);
	EXPECT_EQ(attached(segment), 2);
	EXPECT_EQ(vm_unmap(child, at + PAGE_SIZE, PAGE_SIZE), 0);
	EXPECT_EQ(attached(segment), 3);
	EXPECT_EQ(segment_detach(child, at), 0);
	EXPECT_EQ(attached(segment), 1);
	EXPECT_EQ(segment_remove(&caller, segment), 0);
	EXPECT_EQ(segment_get(&caller, 5, 0, 0), -ENOENT);
	EXPECT_EQ(attached(segment), 1);
	vm_leave(child);
	EXPECT_EQ(live("segment"), 1);
	sysv_ipc_destroy(caller.ipc); // the mapping outlives the namespace
	EXPECT_EQ(live("segment"), 1);
	vm_leave(vm);
	expect_nothing_left();
}

TEST(segments_go_with_their_last_mapping)
{
	EXPECT_EQ(host_machine_run(1, 1, segments_count), 0);
}

/* All kinds of objects once; the first errno. */
static int make_all(void)
{
	struct semaphore_undo *undo = NULL;
	struct message *message;
	struct io_buffer io;
	int result = sysv_ipc_create(&caller.ipc);

	if (result) {
		return result;
	}
	io_buffer_init_kernel(&io, &result, sizeof(result));
	set = semaphore_get(&caller, 7, 3, IPC_CREAT | 0600);
	result = set < 0 ? set : semaphore_undo_create(caller.ipc, &undo);
	result = result ? result : operate(2, SEM_UNDO, undo);
	if (!result) {
		queue = message_queue_get(&caller, 7, IPC_CREAT | 0600);
		result = queue < 0 ? queue : message_create(1, 4, &io, &message);
	}
	if (!result) {
		EXPECT_EQ(message_send(&caller, queue, message, 0), 0);
		result = segment_get(&caller, 7, 1, IPC_CREAT | 0600);
		result = MIN(result, 0);
	}
	fault_injection_arm(0);
	if (undo) {
		semaphore_undo_leave(undo, NULL);
	}
	sysv_ipc_destroy(caller.ipc);
	return result;
}

static void every_allocation_fails(void)
{
	int result;
	u64 nth = 0;

	set_up();
	sysv_ipc_destroy(caller.ipc);
	do {
		fault_injection_arm(++nth);
		result = make_all();
		fault_injection_arm(0);
		EXPECT(result == 0 || result == -ENOMEM);
		expect_nothing_left();
	} while (result && nth < 100);
	EXPECT(nth > 5 && nth < 100);
}

TEST(every_allocation_fails_once)
{
	EXPECT_EQ(host_machine_run(1, 1, every_allocation_fails), 0);
}
