// SPDX-License-Identifier: MIT
/*
 * R8, F2: a thread that dies holding robust mutexes: owner-died bit, wake, pending operation, PI bit,
 * the list bounded by 2048 entries, broken lists harmless; before clear_tid; on execve too.
 */
#include "raw.h"
#include "run_first.h"

static pthread_mutex_t *mutex;

static void *die_holding(void *unused)
{
	(void)unused;
	CHECK_EQ(pthread_mutex_lock(mutex), 0);
	return NULL;
}

static void make_robust(pthread_mutex_t *where)
{
	pthread_mutexattr_t kind;

	pthread_mutexattr_init(&kind);
	pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
	CHECK_EQ(pthread_mutex_init(where, &kind), 0);
}

static void check_thread_death(void)
{
	make_robust(mutex);
	join_thread(start_thread(die_holding, NULL));
	CHECK_EQ(pthread_mutex_lock(mutex), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_consistent(mutex), 0);
	CHECK_EQ(pthread_mutex_unlock(mutex), 0);
	CHECK_EQ(pthread_mutex_lock(mutex), 0);
	CHECK_EQ(pthread_mutex_unlock(mutex), 0);
	ok("thread_death");
}

static void lock_and_kill_self(void)
{
	CHECK_EQ(pthread_mutex_lock(mutex), 0);
	raise(SIGKILL);
}

static void check_process_death(void)
{
	make_robust(mutex);
	CHECK(WIFSIGNALED(in_child(lock_and_kill_self)));
	CHECK_EQ(pthread_mutex_lock(mutex), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_unlock(mutex), 0);
	CHECK_EQ(pthread_mutex_lock(mutex), ENOTRECOVERABLE);
	ok("process_death");
}

struct entry {
	struct robust_list link;
	uint32_t futex_word;
};

struct raw_page {
	struct robust_list_head head;
	struct entry entries[3];
	struct entry pending;
	struct entry many[2];
};

static struct raw_page *raw;

static void set_list(void)
{
	raw->head.futex_offset = offsetof(struct entry, futex_word);
	CHECK_EQ(syscall(SYS_set_robust_list, &raw->head, sizeof(raw->head)), 0);
	CHECK_ERRNO(syscall(SYS_set_robust_list, &raw->head, sizeof(raw->head) - 1),
		    EINVAL);
}

static void die_with_raw_list(void)
{
	uint32_t me = (uint32_t)thread_id();

	raw->head.list.next = &raw->entries[0].link;
	raw->entries[0].link.next = &raw->entries[1].link;
	raw->entries[1].link.next = &raw->entries[2].link;
	raw->entries[2].link.next = &raw->head.list;
	raw->entries[0].futex_word = me;
	raw->entries[1].futex_word = me | FUTEX_WAITERS;
	raw->entries[2].futex_word = me + 1; // somebody else's: left alone
	raw->pending.futex_word = me;
	raw->head.list_op_pending = &raw->pending.link;
	set_list();
	syscall(SYS_exit, 0);
}

static void check_raw_list(void)
{
	CHECK_EQ(in_child(die_with_raw_list), 0);
	CHECK_EQ(raw->entries[0].futex_word, FUTEX_OWNER_DIED);
	CHECK_EQ(raw->entries[1].futex_word, FUTEX_OWNER_DIED | FUTEX_WAITERS);
	CHECK(!(raw->entries[2].futex_word & FUTEX_OWNER_DIED));
	CHECK_EQ(raw->pending.futex_word, FUTEX_OWNER_DIED);
	ok("raw_list");
}

/* A list that never ends is cut off; the thread dies all the same. */
static void die_with_circle(void)
{
	raw->head.list.next = &raw->many[0].link;
	raw->many[0].link.next = &raw->many[1].link;
	raw->many[1].link.next = &raw->many[0].link;
	raw->many[1].futex_word = (uint32_t)thread_id();
	raw->head.list_op_pending = NULL;
	set_list();
	_exit(4);
}

static void die_with_wild_pointer(void)
{
	raw->head.list.next = &raw->many[0].link;
	raw->many[0].link.next = NON_CANONICAL;
	raw->many[0].futex_word = (uint32_t)thread_id();
	raw->head.list_op_pending = UNMAPPED_ADDRESS;
	set_list();
	_exit(5);
}

static void die_with_kernel_pointer(void)
{
	CHECK_EQ(syscall(SYS_set_robust_list, KERNEL_ADDRESS, sizeof(raw->head)), 0);
	_exit(6);
}

static void check_broken_lists(void)
{
	CHECK_EQ(WEXITSTATUS(in_child(die_with_circle)), 4);
	CHECK_EQ(raw->many[1].futex_word, FUTEX_OWNER_DIED);
	CHECK_EQ(WEXITSTATUS(in_child(die_with_wild_pointer)), 5);
	CHECK_EQ(raw->many[0].futex_word, FUTEX_OWNER_DIED);
	CHECK_EQ(WEXITSTATUS(in_child(die_with_kernel_pointer)), 6);
	ok("broken_lists");
}

/* ---- the bound, the order, and execve ---- */

enum { ENTRIES = 2500, LIMIT = 2048 };

struct long_list {
	struct robust_list_head head;
	struct entry entries[ENTRIES];
	pid_t tid_word;
};

static struct long_list *chain;

/* All entries are the caller's; each second one says PI by the lowest bit of the link to it. */
static void make_chain(int count)
{
	uint32_t me = (uint32_t)syscall(SYS_gettid);
	struct robust_list *next = &chain->head.list;

	for (int i = count - 1; i >= 0; i--) {
		chain->entries[i].futex_word = me;
		chain->entries[i].link.next = next;
		next = (void *)((uintptr_t)&chain->entries[i].link | (i % 2));
	}
	chain->head.list.next = next;
	chain->head.futex_offset = offsetof(struct entry, futex_word);
	chain->head.list_op_pending = NULL;
	syscall(SYS_set_robust_list, &chain->head, sizeof(chain->head));
}

static void die_with_long_list(void)
{
	make_chain(ENTRIES);
	syscall(SYS_exit, 0);
}

static void check_limit(void)
{
	CHECK_EQ(in_child(die_with_long_list), 0);
	for (int i = 0; i < ENTRIES; i++) {
		CHECK_EQ(chain->entries[i].futex_word == FUTEX_OWNER_DIED, i < LIMIT);
	}
	ok("limit");
}

static int end_with_list(void *unused)
{
	(void)unused;
	make_chain(LIMIT);
	return 0;
}

/* Who sees the word cleared finds the whole list done. */
static void check_before_clear_tid(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	struct clone_args args = bare_thread(&chain->tid_word, stack, sizeof(stack));

	cpu_set_t before;

	// By turns somebody on another CPU who looks all the time, and one whom clearing it wakes.
	for (int i = 0; i < 20; i++) {
		__atomic_store_n(&chain->tid_word, -1, __ATOMIC_SEQ_CST);
		if (i % 2) {
			run_first(&before);
		}
		CHECK(clone3_call(&args, sizeof(args), end_with_list, NULL) > 0);
		while (i % 2 && __atomic_load_n(&chain->tid_word, __ATOMIC_SEQ_CST)) {
			futex(&chain->tid_word, FUTEX_WAIT, -1u, NULL, NULL, 0);
		}
		WAIT_UNTIL(__atomic_load_n(&chain->tid_word, __ATOMIC_SEQ_CST) == 0);
		CHECK_EQ(chain->entries[LIMIT - 1].futex_word, FUTEX_OWNER_DIED);
		CHECK_EQ(chain->entries[0].futex_word, FUTEX_OWNER_DIED);
		if (i % 2) {
			run_as_before(&before);
		}
	}
	ok("before_clear_tid");
}

static void exec_with_list(void)
{
	make_chain(10);
	execl("/proc/self/exe", "robust_list", "leaf", NULL);
	_exit(9);
}

static void check_exec(void)
{
	CHECK_EQ(in_child(exec_with_list), 5 << 8);
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(chain->entries[i].futex_word, FUTEX_OWNER_DIED);
	}
	ok("exec");
}

static void check_get_robust_list(void)
{
	struct robust_list_head *head = NULL;
	size_t length = 0;

	CHECK_EQ(syscall(SYS_get_robust_list, 0, &head, &length), 0);
	CHECK(head && length == sizeof(*head));
	CHECK_ERRNO(syscall(SYS_get_robust_list, 0, UNMAPPED_ADDRESS, &length), EFAULT);
	CHECK_ERRNO(syscall(SYS_get_robust_list, 0x3fffffff, &head, &length), ESRCH);
	ok("get_robust_list");
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		return 5;
	}
	chain = mmap(NULL, sizeof(*chain), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(chain != MAP_FAILED);
	mutex = shared_page();
	raw = shared_page();
	check_thread_death();
	check_process_death();
	check_raw_list();
	check_broken_lists();
	check_limit();
	check_before_clear_tid();
	check_exec();
	check_get_robust_list();
	return 0;
}
