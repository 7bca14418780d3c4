// SPDX-License-Identifier: MIT
/*
 * T3, T4, T8: thread numbers and names, set_tid_address, the tid words of clone.
 * libc: musl
 */
#include "raw.h"
#include <sys/prctl.h>

enum { THREADS = 16 };

static pid_t tids[THREADS];
static atomic_int arrived;
static atomic_int may_leave;

static void *note_tid(void *slot)
{
	*(pid_t *)slot = thread_id();
	CHECK_EQ(getpid(), syscall(SYS_getpid));
	atomic_fetch_add(&arrived, 1);
	WAIT_UNTIL(atomic_load(&may_leave));
	return NULL;
}

static void check_distinct_tids(void)
{
	pthread_t threads[THREADS];

	CHECK_EQ(thread_id(), getpid());
	for (int i = 0; i < THREADS; i++) {
		threads[i] = start_thread(note_tid, &tids[i]);
	}
	WAIT_UNTIL(atomic_load(&arrived) == THREADS);
	for (int i = 0; i < THREADS; i++) {
		CHECK(tids[i] > 0 && tids[i] != getpid());
		for (int j = 0; j < i; j++) {
			CHECK(tids[i] != tids[j]);
		}
		CHECK_EQ(syscall(SYS_tgkill, getpid(), tids[i], 0), 0);
	}
	atomic_store(&may_leave, 1);
	for (int i = 0; i < THREADS; i++) {
		join_thread(threads[i]);
	}
	// A joined thread is gone: libc joined on its clear_tid word.
	WAIT_UNTIL(syscall(SYS_tgkill, getpid(), tids[0], 0) == -1 && errno == ESRCH);
	CHECK_ERRNO(syscall(SYS_tgkill, getpid(), 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_tgkill, -1, tids[0], 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_tkill, getpid(), 65), EINVAL);
	ok("distinct_tids");
}

static void *named_thread(void *unused)
{
	char name[16];

	(void)unused;
	CHECK_EQ(prctl(PR_GET_NAME, name), 0);
	CHECK_EQ(strcmp(name, "parent-name"), 0);
	CHECK_EQ(prctl(PR_SET_NAME, "a name longer than sixteen"), 0);
	CHECK_EQ(prctl(PR_GET_NAME, name), 0);
	CHECK_EQ(strcmp(name, "a name longer t"), 0);
	return NULL;
}

static void check_names(void)
{
	char name[16];

	CHECK_EQ(prctl(PR_SET_NAME, "parent-name"), 0);
	join_thread(start_thread(named_thread, NULL));
	CHECK_EQ(prctl(PR_GET_NAME, name), 0);
	CHECK_EQ(strcmp(name, "parent-name"), 0);
	CHECK_ERRNO(prctl(PR_SET_NAME, UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(prctl(PR_GET_NAME, KERNEL_ADDRESS), EFAULT);
	ok("names");
}

static void check_set_tid_address(void)
{
	static int word = 7;

	// The kernel takes any address and looks at it only at exit.
	CHECK_EQ(syscall(SYS_set_tid_address, &word), getpid());
	CHECK_EQ(word, 7);
	ok("set_tid_address");
}

struct tid_words {
	pid_t parent_word, child_word;
};

static struct tid_words *words;

/* A child process with shared words: CHILD_SETTID is the child's own write, before it runs. */
static void check_clone_words(void)
{
	long child;
	int status;

	words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	CHECK(words != MAP_FAILED);
	/* In either order: x86-64 has the thread's registers last, the others this word. */
	child = syscall(SYS_clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, 0,
			&words->parent_word, &words->child_word, &words->child_word);
	CHECK(child >= 0);
	if (child == 0) {
		_exit(words->child_word == getpid() && words->parent_word == getpid()
			      ? 0
			      : 1);
	}
	CHECK_EQ(words->parent_word, child);
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK_EQ(words->child_word, child);
	ok("clone_words");
}

static int end_with_three(void *unused)
{
	(void)unused;
	return 3;
}

/* CHILD_CLEARTID of a child that shares memory: zero is written when it ends. */
static void check_cleartid(void)
{
	static pid_t word = -1;
	static char stack[65536] __attribute__((aligned(16)));
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID |
			 CLONE_VFORK,
		.child_tid = (uintptr_t)&word,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
	};
	int status;
	long child = clone3_call(&args, sizeof(args), end_with_three, NULL);

	CHECK(child > 0);
	CHECK_EQ(__atomic_load_n(&word, __ATOMIC_SEQ_CST),
		 0); // before vfork's parent goes on
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(WEXITSTATUS(status), 3);
	ok("cleartid");
}

/*
 * The word is cleared before vfork's parent goes on. It lies in a page that must be copied for that, each time anew, so that
 * it takes a while.
 */
static void check_cleartid_before_vfork(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	int file = open("words", O_RDWR | O_CREAT | O_TRUNC, 0600), status;
	pid_t set = -1, *word;

	CHECK_EQ(write(file, &set, sizeof(set)), sizeof(set));
	word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	CHECK(word != MAP_FAILED);
	for (int i = 0; i < 300; i++) {
		struct clone_args args = {
			.flags = CLONE_VM | CLONE_CHILD_CLEARTID | CLONE_VFORK,
			.child_tid = (uintptr_t)word,
			.exit_signal = SIGCHLD,
			.stack = (uintptr_t)stack,
			.stack_size = sizeof(stack),
		};
		long child;

		CHECK_EQ(madvise(word, 4096, MADV_DONTNEED), 0);
		child = clone3_call(&args, sizeof(args), end_with_three, NULL);
		CHECK(child > 0);
		CHECK_EQ(__atomic_load_n(word, __ATOMIC_SEQ_CST), 0);
		CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	}
	close(file);
	ok("cleartid_before_vfork");
}

int main(void)
{
	check_distinct_tids();
	check_names();
	check_set_tid_address();
	check_clone_words();
	check_cleartid();
	check_cleartid_before_vfork();
	return 0;
}
