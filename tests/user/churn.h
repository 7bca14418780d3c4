// SPDX-License-Identifier: MIT
/* Ways of making threads and processes and of changing what they use, each of which ends with nothing left. */
#pragma once

#include "raw.h"
#include <sys/prctl.h>

struct churn {
	uint64_t state;
	char *stack; /* of CHURN_STACK bytes, for children that share our memory */
	char self[256];
};

enum { CHURN_STACK = 32768 };

static inline uint64_t churn_draw(struct churn *churn, uint64_t limit)
{
	uint64_t mixed = churn->state += 0x9e3779b97f4a7c15ull;

	mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ull;
	mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebull;
	return (mixed ^ (mixed >> 31)) % limit;
}

static inline void churn_init(struct churn *churn, uint64_t seed)
{
	ssize_t length = readlink("/proc/self/exe", churn->self, sizeof(churn->self) - 1);

	CHECK(length > 0);
	churn->self[length] = 0;
	churn->state = seed;
	churn->stack = mmap(NULL, CHURN_STACK, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	CHECK(churn->stack != MAP_FAILED);
}

/* The first thing in main(): what an executed child of churn_exec() is for. */
static inline void churn_main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "churn-leaf") == 0) {
		_exit(7);
	}
}

/* The end of a child; -1: killed. Lack of memory is told by the kernel's SIGKILL. */
static inline int churn_reap(pid_t child)
{
	int status;

	while (waitpid(child, &status, __WALL) != child) {
		CHECK_EQ(errno, EINTR);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static inline int churn_leave(void *status)
{
	return (int)(intptr_t)status;
}

static inline void churn_wait_word(pid_t *word)
{
	pid_t now;

	while ((now = __atomic_load_n(word, __ATOMIC_ACQUIRE)) != 0) {
		syscall(SYS_futex, word, FUTEX_WAIT, now, NULL, NULL, 0);
	}
}

/*
 * clone with random flags; the child, on a stack of its own, ends at once. 0, or the errno it failed with: only what lack of
 * memory or of rights explains.
 */
static inline int churn_clone(struct churn *churn)
{
	static const uint64_t any[] = {CLONE_FS, CLONE_FILES, CLONE_SYSVSEM,
				       CLONE_IO, CLONE_PIDFD, CLONE_PARENT_SETTID};
	static const uint64_t apart[] = {CLONE_NEWNS,  CLONE_NEWUTS,    CLONE_NEWIPC,
					 CLONE_NEWPID, CLONE_NEWCGROUP, CLONE_NEWNET,
					 CLONE_NEWUSER};
	pid_t word = 1, ptid = 0;
	int pidfd = -1;
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)churn->stack,
		.stack_size = CHURN_STACK,
		.child_tid = (uintptr_t)&word,
		.parent_tid = (uintptr_t)&ptid,
		.pidfd = (uintptr_t)&pidfd,
	};
	long child;

	for (size_t i = 0; i < sizeof(any) / sizeof(any[0]); i++) {
		args.flags |= churn_draw(churn, 2) ? any[i] : 0;
	}
	switch (churn_draw(churn, 6)) {
	case 0:
		args.flags |=
			CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_CHILD_CLEARTID;
		args.exit_signal = 0;
		break;
	case 1:
		args.flags |= CLONE_VM | CLONE_VFORK;
		break;
	case 2:
		args.flags |= CLONE_VM | CLONE_SIGHAND;
		break;
	case 3:
		args.flags |= CLONE_CLEAR_SIGHAND;
		break;
	case 4:
		args.flags &= ~(uint64_t)(CLONE_FS | CLONE_SYSVSEM);
		args.flags |= apart[churn_draw(churn, sizeof(apart) / sizeof(apart[0]))];
		break;
	default:
		break;
	}
	child = clone3_call(&args, sizeof(args), churn_leave, (void *)3);
	if (child < 0) {
		// EFAULT: the page of `pidfd`, shared with the copy by then, could not be had for us alone.
		CHECK(child == -ENOMEM || child == -EAGAIN || child == -EPERM ||
		      child == -EINVAL || child == -ENOSPC || child == -EMFILE ||
		      (child == -EFAULT && (args.flags & CLONE_PIDFD) &&
		       !(args.flags & CLONE_VM)));
		return (int)-child;
	}
	if (args.flags & CLONE_THREAD) {
		churn_wait_word(&word);
	} else {
		int status = churn_reap((pid_t)child);

		CHECK(status == 3 || status == -SIGKILL);
	}
	if (args.flags & CLONE_PIDFD) {
		close(pidfd);
	}
	return 0;
}

static inline int churn_fork(struct churn *churn)
{
	pid_t child = fork();
	int status;

	(void)churn;
	if (child < 0) {
		return errno;
	}
	if (child == 0) {
		_exit(4);
	}
	status = churn_reap(child);
	CHECK(status == 4 || status == -SIGKILL);
	return 0;
}

static inline int churn_vfork(struct churn *churn)
{
	char *arguments[] = {churn->self, "churn-leaf", NULL};
	bool exec = churn_draw(churn, 2);
	pid_t child = vfork();
	int status;

	if (child < 0) {
		return errno;
	}
	if (child == 0) {
		if (exec) {
			execve(churn->self, arguments, NULL);
			_exit(5);
		}
		_exit(7);
	}
	status = churn_reap(child);
	CHECK(status == 7 || status == -SIGKILL ||
	      (exec && (status == 5 || status == 127 || status == -SIGSEGV)));
	return 0;
}

/* Of a process of its own, by its one thread. */
static inline int churn_exec(struct churn *churn)
{
	char *arguments[] = {churn->self, "churn-leaf", NULL};
	pid_t child = fork();
	int status;

	if (child < 0) {
		return errno;
	}
	if (child == 0) {
		execve(churn->self, arguments, NULL);
		_exit(5); // a failure before the point of no return comes back
	}
	status = churn_reap(child);
	// 127: the C library found no memory to begin with.
	CHECK(status == 7 || status == 5 || status == 127 || status == -SIGKILL ||
	      status == -SIGSEGV);
	return status == 7 ? 0 : ENOMEM;
}

static const int churn_kinds[] = {CLONE_FS,      CLONE_FILES,           CLONE_SYSVSEM,
				  CLONE_NEWNS,   CLONE_NEWUTS,          CLONE_NEWIPC,
				  CLONE_NEWPID,  CLONE_NEWCGROUP,       CLONE_NEWNET,
				  CLONE_NEWUSER, CLONE_FS | CLONE_FILES};

/* Of a child that shares its tables with us (CLONE_FS, CLONE_FILES), or of one that does not. */
static inline int churn_unshare(struct churn *churn)
{
	int what = churn_kinds[churn_draw(churn,
					  sizeof(churn_kinds) / sizeof(churn_kinds[0]))];
	uint64_t shared = churn_draw(churn, 2) ? CLONE_FILES | CLONE_FS : 0;
	struct clone_args args = {.flags = shared, .exit_signal = SIGCHLD};
	long child = syscall(SYS_clone3, &args, sizeof(args));
	int status;

	if (child < 0) {
		return errno;
	}
	if (child == 0) {
		_exit(unshare(what) ? errno : 0);
	}
	status = churn_reap((pid_t)child);
	CHECK(status == 0 || status == ENOMEM || status == EPERM || status == EINVAL ||
	      status == ENOSPC || status == -SIGKILL);
	return status < 0 ? ENOMEM : status;
}

/* A child makes itself a namespace, opens it, and goes back to its parent's and in again. */
static inline void churn_set_body(const char *name, int kind)
{
	char path[64];
	int old, new, saved;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	old = open(path, O_RDONLY);
	if (old < 0 || unshare(kind)) {
		_exit(errno);
	}
	new = open(path, O_RDONLY);
	saved = new < 0 || setns(old, kind) || setns(new, kind) ? errno : 0;
	_exit(saved);
}

static inline int churn_setns(struct churn *churn)
{
	static const struct {
		const char *name;
		int kind;
	} kinds[] = {{"uts", CLONE_NEWUTS}, {"ipc", CLONE_NEWIPC}, {"mnt", CLONE_NEWNS}};
	uint64_t which = churn_draw(churn, 3);
	pid_t child = fork();
	int status;

	if (child < 0) {
		return errno;
	}
	if (child == 0) {
		churn_set_body(kinds[which].name, kinds[which].kind);
	}
	status = churn_reap(child);
	CHECK(status == 0 || status == ENOMEM || status == EPERM || status == EINVAL ||
	      status == ENOENT || status == ENOSYS || status == -SIGKILL);
	return status < 0 ? ENOMEM : status;
}

static inline void *churn_keep_going(void *unused)
{
	for (;;) {
		int fd = dup(0);

		close(fd);
		sched_yield();
	}
	return unused;
}

/* What a child does while it is killed: alone, with a second thread, making more, executing. */
static inline void churn_victim(struct churn *churn)
{
	pthread_t thread;

	switch (churn_draw(churn, 4)) {
	case 0:
		churn_keep_going(NULL);
		break;
	case 1:
		if (pthread_create(&thread, NULL, churn_keep_going, NULL) == 0) {
			churn_keep_going(NULL);
		}
		break;
	case 2:
		for (;;) {
			churn_fork(churn);
		}
	default:
		for (;;) {
			churn_vfork(churn);
		}
	}
	_exit(6);
}

static inline int churn_kill(struct churn *churn)
{
	uint64_t wait = churn_draw(churn, 40), seed = churn_draw(churn, 1 << 20);
	pid_t parent = getpid(), child = fork();
	int status;

	if (child < 0) {
		return errno;
	}
	if (child == 0) {
		// Whoever is to kill us may die before.
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent) {
			_exit(6);
		}
		churn->state = seed;
		churn_victim(churn);
	}
	for (uint64_t i = 0; i < wait; i++) {
		sched_yield();
	}
	CHECK_EQ(kill(child, SIGKILL), 0);
	status = churn_reap(child);
	CHECK(status == -SIGKILL || status == 6);
	return 0;
}

static const struct churn_way {
	const char *name;
	int (*once)(struct churn *churn);
} churn_ways[] = {
	{"clone", churn_clone}, {"fork", churn_fork},       {"vfork", churn_vfork},
	{"exec", churn_exec},   {"unshare", churn_unshare}, {"setns", churn_setns},
	{"kill", churn_kill},
};
enum { CHURN_WAYS = sizeof(churn_ways) / sizeof(churn_ways[0]) };
