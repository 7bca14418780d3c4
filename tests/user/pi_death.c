// SPDX-License-Identifier: MIT
/*
 * F2, R8: the owner of a word with priority inheritance dies: with a robust list and without, by exit, by a signal, by execve, while
 * others wait and while nobody does; waiters die; and nobody can write the word any more. C library's robust mutexes in processes that
 * are killed at any instant.
 * deadline: 60
 */
#include "pi_futex.h"
#include <sys/prctl.h>

static uint32_t *word; /* shared */
static _Atomic pid_t waiter;
static atomic_int owned;

static long lock_shared(uint32_t *at)
{
	return futex(at, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
}

static long unlock_shared(uint32_t *at)
{
	return futex(at, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
}

/* The first to come finds that the owner has died, later ones do not. */
static void *inherit(void *unused)
{
	uint32_t me = (uint32_t)thread_id();

	(void)unused;
	waiter = thread_id();
	CHECK_EQ(lock_shared(word), 0);
	CHECK_EQ(word_of(word),
		 me | FUTEX_WAITERS | (owned++ ? 0 : (uint32_t)FUTEX_OWNER_DIED));
	CHECK_EQ(unlock_shared(word), 0);
	return NULL;
}

enum { WAITERS = 3 };
static pthread_t waiters[WAITERS];

static void start_waiters(void)
{
	owned = 0;
	for (int i = 0; i < WAITERS; i++) {
		waiter = 0;
		waiters[i] = start_thread(inherit, NULL);
		wait_until_sleeping(&waiter);
	}
	CHECK_EQ(owned, 0);
}

static void join_waiters(void)
{
	for (int i = 0; i < WAITERS; i++) {
		join_thread(waiters[i]);
	}
	CHECK_EQ(word_of(word), 0);
}

/* ---- processes ---- */

static void hold_word(void)
{
	CHECK_EQ(lock_shared(word), 0);
}

static struct robust {
	struct robust_list_head head;
	struct robust_list entry;
	uint32_t word;
} *robust;

static void hold_robust(void)
{
	robust->entry.next = &robust->head.list;
	robust->head.list.next = (void *)((uintptr_t)&robust->entry | 1);
	robust->head.futex_offset =
		offsetof(struct robust, word) - offsetof(struct robust, entry);
	robust->head.list_op_pending = NULL;
	CHECK_EQ(syscall(SYS_set_robust_list, &robust->head, sizeof(robust->head)), 0);
	CHECK_EQ(lock_shared(&robust->word), 0);
}

/* Locked, and not in the list yet. */
static void hold_pending(void)
{
	hold_robust();
	robust->head.list.next = &robust->head.list;
	robust->head.list_op_pending = (void *)((uintptr_t)&robust->entry | 1);
}

/* A child that takes the word and waits for what is said through the pipe: 'e' to exit, 'x' for execve. */
static pid_t start_owner(void (*take)(void), int *pipe_end)
{
	int ends[2];
	pid_t child;

	CHECK_EQ(pipe(ends), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		char what = 0;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[1]);
		take();
		CHECK_EQ(read(ends[0], &what, 1), 1);
		if (what == 'x') {
			execl("/proc/self/exe", "pi_death", "leaf", NULL);
		}
		syscall(SYS_exit, 0);
	}
	close(ends[0]);
	*pipe_end = ends[1];
	WAIT_UNTIL(owner_of(word) == (uint32_t)child);
	return child;
}

static void end_owner(pid_t child, int pipe_end, char how)
{
	if (how == 'k') {
		kill(child, SIGKILL);
	} else {
		CHECK_EQ(write(pipe_end, &how, 1), 1);
	}
	CHECK_EQ(waitpid(child, NULL, 0), child);
	close(pipe_end);
}

static void check_processes(void)
{
	static void (*const takes[])(void) = {hold_word, hold_robust, hold_pending};

	for (int i = 0; i < 9; i++) {
		int pipe_end;
		pid_t child;

		word = i / 3 ? &robust->word : &robust->word + 64;
		*word = 0;
		child = start_owner(takes[i / 3], &pipe_end);
		start_waiters();
		end_owner(child, pipe_end, "ekx"[i % 3]);
		join_waiters();
	}
	ok("processes");
}

/* Nobody waits: what the list says is there, else the word is lost. */
static void check_nobody_waits(void)
{
	int pipe_end;
	pid_t child;

	word = &robust->word;
	*word = 0;
	child = start_owner(hold_robust, &pipe_end);
	end_owner(child, pipe_end, 'k');
	CHECK_EQ(*word, FUTEX_OWNER_DIED);
	CHECK_EQ(lock_shared(word), 0);
	CHECK_EQ(*word, (uint32_t)thread_id() | FUTEX_OWNER_DIED);
	CHECK_EQ(unlock_shared(word), 0);
	CHECK_EQ(*word, 0);

	child = start_owner(hold_word, &pipe_end);
	end_owner(child, pipe_end, 'k');
	CHECK_EQ(*word, (uint32_t)child);
	CHECK_ERRNO(lock_shared(word), ESRCH);
	*word = 0;
	ok("nobody_waits");
}

/* ---- threads ---- */

static _Atomic bool end_now;

static void *hold_and_end(void *unused)
{
	(void)unused;
	CHECK_EQ(lock_pi(word), 0);
	while (!end_now) {
		usleep(500);
	}
	return NULL;
}

static void check_threads(void)
{
	pthread_t owner;

	word = &robust->word + 64;
	*word = 0;
	end_now = false;
	owner = start_thread(hold_and_end, NULL);
	WAIT_UNTIL(word_of(word) != 0);
	start_waiters();
	end_now = true;
	join_thread(owner);
	join_waiters();
	ok("threads");
}

/* ---- who waits dies ---- */

static void check_waiters_die(void)
{
	pid_t children[4];

	word = &robust->word + 64;
	*word = 0;
	CHECK_EQ(lock_shared(word), 0);
	for (int i = 0; i < 4; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			_exit(lock_shared(word) ? 1 : 0); // the last one's to find dead
		}
		WAIT_UNTIL(process_state(children[i]) == 'S');
	}
	kill(children[0], SIGKILL);
	kill(children[2], SIGKILL);
	CHECK_EQ(waitpid(children[0], NULL, 0), children[0]);
	CHECK_EQ(waitpid(children[2], NULL, 0), children[2]);
	CHECK_EQ(unlock_shared(word), 0);
	CHECK_EQ(waitpid(children[1], NULL, 0), children[1]);
	CHECK_EQ(waitpid(children[3], NULL, 0), children[3]);
	CHECK_EQ(*word, (uint32_t)children[3] | FUTEX_WAITERS | FUTEX_OWNER_DIED);
	*word = 0;
	ok("waiters_die");
}

/* ---- nobody can write the word ---- */

static void *wait_in_vain(void *at)
{
	waiter = thread_id();
	CHECK_ERRNO(lock_shared(at), EFAULT);
	return NULL;
}

static void *wait_with_luck(void *at)
{
	waiter = thread_id();
	CHECK_EQ(lock_shared(at), 0);
	CHECK_EQ(unlock_shared(word), 0);
	return NULL;
}

static uint32_t *map_again(int fd)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	CHECK(page != MAP_FAILED);
	return page;
}

static void spoil(uint32_t *page, bool unmap)
{
	if (unmap) {
		CHECK_EQ(munmap(page, 4096), 0);
	} else {
		CHECK_EQ(mprotect(page, 4096, PROT_READ), 0);
	}
}

/* The page goes while a thread waits: it cannot be the heir, the one behind it is. To be handed the word it need not see it. */
static void check_page_goes(bool unmap)
{
	int fd = (int)syscall(SYS_memfd_create, "word", 0), pipe_end;
	pthread_t first, second;
	uint32_t *page;
	pid_t child;

	CHECK_EQ(ftruncate(fd, 4096), 0);
	word = map_again(fd);
	page = map_again(fd);
	child = start_owner(hold_word, &pipe_end);
	waiter = 0;
	first = start_thread(wait_in_vain, page);
	wait_until_sleeping(&waiter);
	waiter = 0;
	second = start_thread(wait_with_luck, word);
	wait_until_sleeping(&waiter);
	spoil(page, unmap);
	end_owner(child, pipe_end, 'k');
	join_thread(first);
	join_thread(second);
	CHECK_EQ(*word, 0);

	page = map_again(fd);
	CHECK_EQ(lock_shared(word), 0);
	waiter = 0;
	first = start_thread(wait_with_luck, page);
	wait_until_sleeping(&waiter);
	spoil(page, unmap);
	CHECK_EQ(unlock_shared(word), 0);
	join_thread(first);
	CHECK_EQ(*word, 0);
	munmap(word, 4096);
	close(fd);
	ok(unmap ? "unmapped" : "read_only");
}

/* ---- the C library's mutexes, and processes killed at any instant ---- */

enum { PROCESSES = 4, KILLS = 60 };

static struct protected_pair {
	pthread_mutex_t mutex;
	volatile long left, right; /* equal, unless somebody is in between */
	_Atomic long rounds, recovered;
} *pair;

static void make_mutex(void)
{
	pthread_mutexattr_t kind;

	pthread_mutexattr_init(&kind);
	pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setprotocol(&kind, PTHREAD_PRIO_INHERIT);
	CHECK_EQ(pthread_mutex_init(&pair->mutex, &kind), 0);
}

static void change_pairs(void)
{
	for (;;) {
		int result = pthread_mutex_lock(&pair->mutex);

		if (result == EOWNERDEAD) {
			pair->right = pair->left;
			pair->recovered++;
			CHECK_EQ(pthread_mutex_consistent(&pair->mutex), 0);
		} else {
			CHECK_EQ(result, 0);
		}
		CHECK_EQ(pair->left, pair->right);
		pair->left = pair->left + 1;
		pair->right = pair->right + 1;
		pair->rounds++;
		CHECK_EQ(pthread_mutex_unlock(&pair->mutex), 0);
	}
}

static pid_t start_changing(void)
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		change_pairs();
	}
	return child;
}

static void check_killed(void)
{
	pid_t children[PROCESSES];

	make_mutex();
	for (int i = 0; i < PROCESSES; i++) {
		children[i] = start_changing();
	}
	for (int i = 0; i < KILLS; i++) {
		long before = pair->rounds;
		int status, victim = i % PROCESSES;

		WAIT_UNTIL(pair->rounds > before + 3); // it goes on
		usleep((unsigned)(i * 37 % 900));
		kill(children[victim], SIGKILL);
		CHECK_EQ(waitpid(children[victim], &status, 0), children[victim]);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		children[victim] = start_changing();
	}
	for (int i = 0; i < PROCESSES; i++) {
		kill(children[i], SIGKILL);
		CHECK_EQ(waitpid(children[i], NULL, 0), children[i]);
	}
	ok("killed");
}

static void check_not_recoverable(void)
{
	int status = -1;
	pid_t child;

	make_mutex();
	child = fork();
	if (child == 0) {
		pthread_mutex_lock(&pair->mutex);
		raise(SIGKILL);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(pthread_mutex_lock(&pair->mutex), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_unlock(&pair->mutex), 0);
	CHECK_EQ(pthread_mutex_lock(&pair->mutex), ENOTRECOVERABLE);
	CHECK_EQ(pthread_mutex_trylock(&pair->mutex), ENOTRECOVERABLE);
	ok("not_recoverable");
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		return 5;
	}
	robust = shared_page();
	pair = shared_page();
	check_processes();
	check_nobody_waits();
	check_threads();
	check_waiters_die();
	check_page_goes(true);
	check_page_goes(false);
	check_killed();
	check_not_recoverable();
	return 0;
}
